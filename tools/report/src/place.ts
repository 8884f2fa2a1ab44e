// The part of the address behind "#": which record and which times are shown, for links.

export interface Place {
    run: string;
    record?: number; // id
    from?: number; // ps after the timeline's beginning
    to?: number;
}

/** Null: the address names a section, or nothing. */
export function readPlace(): Place | null {
    const values = new URLSearchParams(location.hash.slice(1));
    const run = values.get("run");
    if (run === null || !/^\d+$/.test(run)) return null;
    const number = (name: string): number | undefined => {
        const text = values.get(name);
        return text !== null && /^\d+(\.\d+)?$/.test(text) ? Number(text) : undefined;
    };
    return { run, record: number("record"), from: number("from"), to: number("to") };
}

let pending = 0;

/** Soon, and once for many changes: browsers limit how often an address may change. */
export function writePlace(place: Place): void {
    clearTimeout(pending);
    pending = window.setTimeout(() => {
        const parts = [`run=${place.run}`];
        if (place.record !== undefined) parts.push(`record=${place.record}`);
        if (place.from !== undefined && place.to !== undefined) {
            parts.push(`from=${Math.round(place.from)}`, `to=${Math.round(place.to)}`);
        }
        history.replaceState(null, "", "#" + parts.join("&"));
    }, 300);
}
