// One timeline: canvas, controls, keyboard, links, and the kernel log beside it.
import { kRow, Picture } from "./canvas";
import { loadRows, type Rows } from "./data";
import { showDetails } from "./details";
import { readPlace, writePlace } from "./place";
import { onThemeChange } from "./theme";
import { human } from "./time";
import { describe } from "./words";

const kHelp =
    "Drag to pan, wheel or + and - to zoom (Ctrl with the wheel before the picture is clicked), arrow keys to pan and " +
    "scroll, Home for all, B for the busy part, N and P for the next and previous record of the lane, C for the " +
    "cause, E for the effect, F for the whole chain, / to find, Escape to let go.";

function button(text: string, title: string, act: () => void): HTMLButtonElement {
    const b = document.createElement("button");
    b.type = "button";
    b.textContent = text;
    b.title = title;
    b.setAttribute("aria-label", title);
    b.addEventListener("click", act);
    return b;
}

export class Timeline {
    private readonly canvas = document.createElement("canvas");
    private readonly details = document.createElement("div");
    private readonly tip = document.createElement("div");
    private readonly find = document.createElement("input");
    private readonly status = document.createElement("p");
    private readonly picture: Picture;
    private readonly lines = new Map<number, HTMLElement>();
    private active = false; // the wheel zooms

    constructor(private readonly host: HTMLElement, private readonly run: string, private readonly rows: Rows) {
        const still = host.querySelector("svg");
        const label = still?.getAttribute("aria-label") ?? "Timeline";
        const frame = document.createElement("div");
        frame.className = "frame";
        this.canvas.tabIndex = 0;
        this.canvas.setAttribute("role", "application");
        this.canvas.setAttribute("aria-label", `${label}. ${kHelp}`);
        this.tip.className = "tip";
        this.tip.hidden = true;
        frame.append(this.canvas, this.tip);
        this.details.className = "details";
        this.details.setAttribute("aria-live", "polite");
        this.status.className = "note status";
        this.status.setAttribute("role", "status");
        host.replaceChildren(this.controls(), frame, this.status);
        host.closest(".side")?.after(this.details);
        if (still) {
            still.classList.add("print-only"); // paper gets the still picture
            host.append(still);
        }
        this.picture = new Picture(this.canvas, rows);
        this.logLines();
        this.listen();
        this.picture.resize();
        const place = readPlace();
        if (place?.run === run) this.go(place.record, place.from, place.to);
        else this.picture.showBusy();
        if (place?.run !== run || place.record === undefined) showDetails(this.details, rows, -1, (r) => this.select(r));
        host.dataset.ready = String(rows.n);
    }

    private controls(): HTMLElement {
        const bar = document.createElement("div");
        bar.className = "controls";
        this.find.type = "search";
        this.find.placeholder = "Find (/)";
        this.find.setAttribute("aria-label", "Find records by their words");
        this.find.addEventListener("keydown", (e) => {
            if (e.key === "Enter") this.search(e.shiftKey ? -1 : 1);
            if (e.key === "Escape") this.canvas.focus();
        });
        const help = document.createElement("details");
        help.className = "hint";
        const summary = document.createElement("summary");
        summary.textContent = "Keys";
        const text = document.createElement("p");
        text.className = "note";
        text.textContent = kHelp;
        help.append(summary, text);
        const middle = () => (this.picture.view.from + this.picture.view.to) / 2;
        bar.append(
            button("+", "Zoom in", () => this.picture.zoom(0.5, middle())),
            button("\u2212", "Zoom out", () => this.picture.zoom(2, middle())),
            button("All", "Show the whole trace (Home)", () => this.picture.showAll()),
            button("Busy", "Show the part where most happens (B)", () => this.picture.showBusy()),
            button("Chain", "Show the whole chain of what is selected (F)", () => this.picture.showChain()),
            button("\u2190 Cause", "Select the cause (C)", () => this.cause()),
            button("Effect \u2192", "Select the first effect (E)", () => this.effect()),
            this.find, help);
        return bar;
    }

    private logLines(): void {
        const box = this.host.closest(".side")?.querySelector(".log");
        if (!box) return;
        for (const item of box.querySelectorAll<HTMLElement>("li[data-id]")) {
            this.lines.set(Number(item.dataset.id), item);
            item.tabIndex = 0;
            const go = () => this.go(Number(item.dataset.id));
            item.addEventListener("click", go);
            item.addEventListener("keydown", (e) => {
                if (e.key === "Enter") go();
            });
        }
    }

    // ------------------------------------------------------------ selection

    /** Shows a record by its id, and a stretch of time. */
    go(id?: number, from?: number, to?: number): void {
        if (from !== undefined && to !== undefined && to > from) this.picture.show(from, to);
        else this.picture.showBusy();
        if (id === undefined) return;
        const row = this.rows.rowOf(id);
        if (row >= 0) this.select(row);
        else this.say(`Record ${id} is not among those shown.`);
    }

    select(row: number): void {
        this.picture.select(row);
        showDetails(this.details, this.rows, row, (r) => this.select(r));
        for (const item of this.lines.values()) item.classList.remove("chosen");
        if (row >= 0) {
            this.picture.reveal(row);
            const line = this.lines.get(this.rows.id[row]);
            line?.classList.add("chosen");
            const box = line?.parentElement;
            if (line && box) box.scrollTop = line.offsetTop - box.offsetTop - box.clientHeight / 2;
            this.say(`${describe(this.rows, row)}, at ${human(this.rows.begin[row] + this.rows.head.t0, 6)}`);
        }
        this.link();
    }

    private say(text: string): void {
        this.status.textContent = text;
    }

    private link(): void {
        const { from, to } = this.picture.view;
        const row = this.picture.selected;
        writePlace({ run: this.run, record: row < 0 ? undefined : this.rows.id[row],
            from: Math.max(0, from), to: Math.max(1, to) });
    }

    private cause(): void {
        const row = this.picture.selected;
        if (row >= 0 && this.rows.cause[row] >= 0) this.select(this.rows.cause[row]);
    }

    private effect(): void {
        const row = this.picture.selected;
        const effects = row < 0 ? [] : this.rows.effects(row);
        if (effects.length > 0) this.select(effects[0]);
    }

    /** The next record of the selected one's lane; the first one in view without a selection. */
    private neighbour(step: 1 | -1): void {
        const row = this.picture.selected;
        if (row < 0) {
            const first = this.rows.begin.findIndex((at) => at >= this.picture.view.from);
            if (first >= 0) this.select(first);
            return;
        }
        const lane = this.rows.lanes[this.rows.lane[row]].rows;
        const next = lane[lane.indexOf(row) + step];
        if (next !== undefined) this.select(next);
    }

    private search(step: 1 | -1): void {
        const wanted = this.find.value.toLowerCase();
        if (!wanted) return;
        const { n } = this.rows;
        const start = this.picture.selected;
        const until = performance.now() + 2000;
        for (let i = 1; i <= n; i++) {
            const row = (((start + step * i) % n) + n) % n;
            if (describe(this.rows, row).toLowerCase().includes(wanted)) return this.select(row);
            if (i % 4096 === 0 && performance.now() > until) {
                return this.say(`Not found among ${i} records after the selected one.`);
            }
        }
        this.say(`No record shown has "${this.find.value}".`);
    }

    // ------------------------------------------------------------ mouse and keyboard

    private listen(): void {
        const p = this.picture;
        const c = this.canvas;
        let drag: { x: number; y: number; from: number; to: number; top: number; moved: boolean; strip: boolean } | null = null;
        const at = (e: MouseEvent) => {
            const box = c.getBoundingClientRect();
            return { x: e.clientX - box.left, y: e.clientY - box.top };
        };
        const centre = (x: number) => {
            const half = (p.view.to - p.view.from) / 2;
            const t = p.stripTime(x);
            p.show(t - half, t + half);
        };
        c.addEventListener("pointerdown", (e) => {
            const { x, y } = at(e);
            c.setPointerCapture(e.pointerId);
            drag = { x, y, from: p.view.from, to: p.view.to, top: p.view.top, moved: false, strip: p.inStrip(y) };
            if (drag.strip) centre(x);
        });
        c.addEventListener("pointermove", (e) => {
            const { x, y } = at(e);
            if (!drag) return this.hover(x, y);
            if (drag.strip) return centre(x);
            if (Math.abs(x - drag.x) + Math.abs(y - drag.y) > 3) drag.moved = true;
            if (!drag.moved) return;
            const shift = ((x - drag.x) / p.plotWidth) * (drag.to - drag.from);
            p.show(drag.from - shift, drag.to - shift);
            p.scroll(drag.top - (y - drag.y) - p.view.top);
        });
        c.addEventListener("pointerup", (e) => {
            const { x, y } = at(e);
            if (drag && !drag.moved && !drag.strip) {
                this.active = true;
                const row = p.hit(x, y);
                if (row >= 0) this.select(row);
            }
            drag = null;
            this.link();
        });
        c.addEventListener("pointercancel", () => (drag = null));
        c.addEventListener("pointerleave", () => (this.tip.hidden = true));
        c.addEventListener("dblclick", (e) => p.zoom(0.25, p.time(at(e).x)));
        c.addEventListener("blur", () => (this.active = false));
        c.addEventListener("wheel", (e) => {
            if (!this.active && !e.ctrlKey && !e.metaKey) return; // the page scrolls
            e.preventDefault();
            if (Math.abs(e.deltaX) > Math.abs(e.deltaY)) p.pan(e.deltaX / p.plotWidth);
            else if (e.shiftKey) p.scroll(e.deltaY);
            else p.zoom(Math.exp(Math.max(-300, Math.min(300, e.deltaY)) / 400), p.time(at(e).x));
            this.link();
        }, { passive: false });
        c.addEventListener("keydown", (e) => this.key(e));
        new ResizeObserver(() => p.resize()).observe(c.parentElement!);
        onThemeChange(() => {
            p.readColours();
            p.draw();
        });
    }

    private hover(x: number, y: number): void {
        const row = this.picture.hit(x, y);
        this.tip.hidden = row < 0;
        this.canvas.style.cursor = row < 0 ? "grab" : "pointer";
        if (row < 0) return;
        this.tip.textContent =
            `${describe(this.rows, row)} \u2014 ${human(this.rows.begin[row] + this.rows.head.t0, 6)}`;
        const width = this.canvas.clientWidth;
        this.tip.style.left = Math.min(x + 12, Math.max(0, width - 330)) + "px";
        this.tip.style.top = y + 16 + "px";
    }

    private key(e: KeyboardEvent): void {
        if (e.ctrlKey || e.metaKey || e.altKey) return;
        const p = this.picture;
        const middle = (p.view.from + p.view.to) / 2;
        const acts: Record<string, () => void> = {
            ArrowLeft: () => p.pan(-0.15), ArrowRight: () => p.pan(0.15),
            ArrowUp: () => p.scroll(-kRow), ArrowDown: () => p.scroll(kRow),
            PageUp: () => p.scroll(-p.lanesHeight), PageDown: () => p.scroll(p.lanesHeight),
            "+": () => p.zoom(0.6, middle), "=": () => p.zoom(0.6, middle), "-": () => p.zoom(1 / 0.6, middle),
            Home: () => p.showAll(), b: () => p.showBusy(), f: () => p.showChain(),
            n: () => this.neighbour(1), p: () => this.neighbour(-1),
            c: () => this.cause(), e: () => this.effect(),
            "/": () => this.find.focus(), Escape: () => this.select(-1),
        };
        const act = acts[e.key.length === 1 ? e.key.toLowerCase() : e.key];
        if (!act) return;
        e.preventDefault();
        act();
        this.link();
    }
}

/** Null: the page has only the still picture of that run. */
export async function makeTimeline(host: HTMLElement): Promise<Timeline | null> {
    const run = host.dataset.run ?? "";
    const rows = await loadRows(run);
    return rows && rows.n > 0 ? new Timeline(host, run, rows) : null;
}
