// What is selected: in words, with its values, its chain of causes and its effects.
import type { Rows } from "./data";
import { human } from "./time";
import { chainOf, describe, fields } from "./words";

function element<K extends keyof HTMLElementTagNameMap>(name: K, text = "", classes = ""): HTMLElementTagNameMap[K] {
    const e = document.createElement(name);
    if (text) e.textContent = text; // never markup: names are the user's
    if (classes) e.className = classes;
    return e;
}

function record(rows: Rows, row: number, relativeTo: number, go: (row: number) => void): HTMLLIElement {
    const item = element("li");
    const button = element("button", describe(rows, row));
    button.type = "button";
    button.dataset.record = String(rows.id[row]);
    button.addEventListener("click", () => go(row));
    const since = rows.begin[row] - relativeTo;
    item.append(element("span", (since >= 0 ? "+" : "") + human(since), "since"), button,
        element("span", rows.head.lanes[rows.lane[row]][1], "where"));
    return item;
}

/** Fills `box`; `go` selects another record. */
export function showDetails(box: HTMLElement, rows: Rows, row: number, go: (row: number) => void): void {
    box.replaceChildren();
    if (row < 0) {
        box.append(element("p", "Click a record, or press N, to see what led to it and what it led to.", "note"));
        return;
    }
    const chain = chainOf(rows, row);
    const begin = rows.begin[chain[0]];
    box.append(element("h4", `Record ${rows.id[row]}`), element("p", describe(rows, row), "what"));

    const values = element("dl");
    const add = (name: string, text: string) => {
        const pair = element("div");
        pair.append(element("dt", name), element("dd", text));
        values.append(pair);
    };
    add("time", human(rows.begin[row] + rows.head.t0, 6));
    if (rows.end[row] > rows.begin[row]) add("until", human(rows.end[row] + rows.head.t0, 6));
    add("since its beginning", human(rows.begin[row] - begin, 6));
    add("kind", rows.head.kinds[rows.kind[row]].replace(/_/g, " "));
    if (rows.origin[row] > 0) add("error's event", rows.head.events[rows.origin[row] - 1]);
    for (const [name, text] of fields(rows, row)) add(name, text);
    box.append(values);

    const causes = element("section");
    causes.append(element("h4", `Caused by (${chain.length - 1} steps)`));
    const list = element("ol", "", "chain");
    for (const step of chain) {
        const item = record(rows, step, begin, go);
        if (step === row) item.setAttribute("aria-current", "step");
        list.append(item);
    }
    causes.append(list);
    const effects = rows.effects(row);
    const led = element("section");
    led.append(element("h4", `Led to (${effects.length})`));
    const after = element("ol", "", "chain");
    for (const effect of effects.subarray(0, 100)) after.append(record(rows, effect, rows.begin[row], go));
    led.append(after);
    if (effects.length > 100) led.append(element("p", `${effects.length - 100} more`, "note"));
    const columns = element("div", "", "columns");
    columns.append(causes, led);
    box.append(columns);
    list.querySelector("[aria-current]")?.scrollIntoView?.({ block: "nearest" });
}
