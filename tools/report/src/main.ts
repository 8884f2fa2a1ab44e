// The script of a report: pictures that can be zoomed, followed and linked to.
import "./page.css";
import "./app.css";
import { makeCharts } from "./charts";
import { readPlace } from "./place";
import { themeButton } from "./theme";
import { makeTimeline, type Timeline } from "./timeline";

async function start(): Promise<void> {
    document.querySelector("nav")?.append(themeButton());
    const timelines = new Map<string, Timeline>();
    const follow = () => {
        const place = readPlace();
        if (!place) return;
        timelines.get(place.run)?.go(place.record, place.from, place.to);
        document.querySelector(`.timeline[data-run="${place.run}"]`)?.scrollIntoView();
    };
    for (const host of document.querySelectorAll<HTMLElement>(".timeline[data-run]")) {
        const timeline = await makeTimeline(host);
        if (timeline) timelines.set(host.dataset.run ?? "", timeline);
    }
    if (readPlace()) follow();
    window.addEventListener("hashchange", follow);
    const figures = document.getElementById("figures")?.textContent;
    if (figures) makeCharts(JSON.parse(figures));
    document.documentElement.dataset.ready = "true";
}

// The page's own pictures are painted before the data are read.
requestAnimationFrame(() => setTimeout(() => void start(), 0));
