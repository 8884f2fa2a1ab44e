// A record in words, and its values by name.
import type { Rows } from "./data";
import { human } from "./time";

function signed(value: bigint): string {
    return BigInt.asIntN(64, value).toString();
}

/** The values that a record holds: name and text. */
export function fields(rows: Rows, row: number): [string, string][] {
    const h = rows.head;
    return h.shapes[rows.kind[row]].map(([name, slot, how, words]) => {
        const wide = rows.slots[slot];
        const n = wide.number(row);
        const low = wide.low[row] & 255;
        const listed = (list: string[], i: number) => list[i] || String(i);
        let text: string;
        switch (how) {
            case "x": text = "0x" + wide.big(row).toString(16); break;
            case "i": text = signed(wide.big(row)); break;
            case "events": text = listed(h.events, n); break;
            case "actions": text = listed(h.actions, n); break;
            case "origin": text = n === 0 ? "none" : listed(h.events, n - 1); break;
            case "processes": text = n === 0xffffffff ? "none" : listed(h.processes, n); break;
            case "device": {
                // Lanes of memory carry the device's name.
                text = n === 0xffffffff ? "root" : h.lanes[rows.lane[row]][1];
                break;
            }
            case "latencies": text = listed(h.latencies, n); break;
            case "access": text = listed(h.access, low); break;
            case "access_result": text = listed(h.access_result, Number(wide.big(row) >> 8n)); break;
            case "flags": text = listed(h.flags, n); break;
            case "states": text = listed(h.states, n); break;
            case "signal": text = listed(h.signals, low); break;
            case "code": {
                const code = BigInt.asIntN(64, wide.big(row)) >> 8n;
                text = h.codes[`${low}:${code}`] ?? code.toString();
                break;
            }
            case "modes": text = listed(h.modes, n); break;
            case "requested": text = listed(h.modes, low); break;
            case "found": text = listed(h.modes, Number(wide.big(row) >> 8n)); break;
            case "text": text = rows.text(row); break;
            case "low": text = String(low); break;
            case "high": text = (BigInt.asIntN(64, wide.big(row)) >> 8n).toString(); break;
            case "words": text = words?.[n] ?? String(n); break;
            default: text = name === "ps" ? human(n) : wide.big(row).toString();
        }
        return [name === "ps" ? "duration" : name, text];
    });
}

/** "page flag: pfn 0x12345, hwpoison, set 1"; a line of the log and a phase by themselves. */
export function describe(rows: Rows, row: number): string {
    const h = rows.head;
    const text = rows.text(row);
    if (text) return text;
    if (rows.kind[row] === h.phase) {
        return `${h.latencies[rows.slots.a.number(row)]} for ${human(rows.end[row] - rows.begin[row])}`;
    }
    const kind = h.kinds[rows.kind[row]].replace(/_/g, " ");
    const values = fields(rows, row).map(([name, value]) =>
        /^(event|do|process|device|access|result|flag|state|signal|code|type|latency|severity|function)$/.test(name)
            ? value : `${name} ${value}`);
    return values.length ? `${kind}: ${values.join(", ")}` : kind;
}

/** Rows that led to `row`, oldest first, itself last. */
export function chainOf(rows: Rows, row: number): number[] {
    const chain: number[] = [];
    for (let r = row; r >= 0; r = rows.cause[r]) chain.push(r);
    return chain.reverse();
}
