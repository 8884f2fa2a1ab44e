// Distributions of durations: uPlot on a logarithmic axis of time, with the tail on demand.
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { colour, onThemeChange } from "./theme";
import { human } from "./time";

interface Measure {
    from: string;
    to: string;
    count: number;
    cdf: [number, number][];
}
interface Document {
    variants: { name: string; measures: Measure[] }[];
}

const kDashes = [[], [7, 3], [2, 3], [9, 3, 2, 3], [], [7, 3], [2, 3], [9, 3, 2, 3]];

/** A step function: flat up to each point, then up. Times in ns. */
function steps(cdf: [number, number][], tail: boolean): [number[], number[]] {
    const xs: number[] = [];
    const ys: number[] = [];
    // In the tail a share is as many nines as it has: 0.999 is 3.
    const y = (share: number) => (tail ? Math.min(6, -Math.log10(Math.max(1 - share, 1e-6))) : share * 100);
    let last = 0;
    for (const [ns, share] of cdf) {
        const x = Math.max(ns, 0.001);
        xs.push(x, x * (1 + 1e-9));
        ys.push(y(last), y(share));
        last = share;
    }
    return [xs, ys];
}

function chart(figure: HTMLElement, curves: { name: string; cdf: [number, number][] }[], tail: boolean): uPlot {
    const axis = () => ({
        stroke: colour("--soft"),
        grid: { stroke: colour("--line"), width: 1 },
        ticks: { stroke: colour("--line"), width: 1 },
    });
    const data = uPlot.join(curves.map((c) => steps(c.cdf, tail)));
    const width = Math.max(280, Math.min(640, figure.clientWidth));
    const options: uPlot.Options = {
        width,
        height: 280,
        cursor: { drag: { x: true, y: false } },
        scales: {
            x: { time: false, distr: 3 },
            y: { range: tail ? [0, 4.2] : [0, 100] },
        },
        axes: [
            { ...axis(), values: (_u, splits) => splits.map((ns) => {
                const power = Math.log10(ns);
                return Math.abs(power - Math.round(power)) < 1e-6 || splits.length < 6 ? human(ns * 1000, 3) : "";
            }) },
            { ...axis(), size: 76, splits: tail ? () => [0, 1, 2, 3, 4] : undefined,
              values: (_u, splits) => splits.map((v) => tail ? ["0 %", "90 %", "99 %", "99.9 %", "99.99 %"][v] ?? "" : `${v} %`) },
        ],
        series: [
            { label: "time", value: (_u, ns) => (ns === null ? "-" : human(ns * 1000)) },
            ...curves.map((c, i): uPlot.Series => ({
                label: c.name,
                stroke: colour("--c" + (i % 8)),
                dash: kDashes[i % 8],
                width: 2,
                spanGaps: true,
                points: { show: false },
                value: (_u, y) => y === null ? "-" : tail ? ((1 - Math.pow(10, -y)) * 100).toFixed(3) + " %" : y.toFixed(1) + " %",
            })),
        ],
    };
    return new uPlot(options, data as uPlot.AlignedData, figure);
}

export function makeCharts(document_: Document): void {
    for (const figure of document.querySelectorAll<HTMLElement>("figure.cdf")) {
        const wanted = figure.dataset.measure;
        const curves = document_.variants.flatMap((v) => v.measures
            .filter((m) => m.count > 0 && `${m.from} to ${m.to}` === wanted)
            .map((m) => ({ name: document_.variants.length > 1 ? v.name : "share", cdf: m.cdf })));
        const still = figure.querySelector("svg");
        if (curves.length === 0 || !still) continue;
        still.classList.add("print-only");
        const toggle = document.createElement("button");
        toggle.type = "button";
        toggle.className = "controls";
        const box = document.createElement("div");
        box.className = "chart";
        box.setAttribute("role", "img");
        box.setAttribute("aria-label", still.getAttribute("aria-label") ?? "");
        figure.append(toggle, box);
        let tail = false;
        let plot: uPlot | null = null;
        const show = () => {
            plot?.destroy();
            plot = chart(box, curves, tail);
            toggle.textContent = tail ? "Show shares" : "Show the tail (to 99.99 %)";
        };
        toggle.addEventListener("click", () => {
            tail = !tail;
            show();
        });
        onThemeChange(show);
        show();
        let width = box.clientWidth;
        new ResizeObserver(() => {
            if (Math.abs(box.clientWidth - width) < 4) return;
            width = box.clientWidth;
            plot?.setSize({ width: Math.max(280, Math.min(640, width)), height: 280 });
        }).observe(box);
    }
}
