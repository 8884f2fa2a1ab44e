// The rows of a timeline: from the page's data blocks to typed arrays.

export interface Head {
    rows: number;
    t0: number;
    end: number;
    lanes: [number, string, number, number][]; // group, name, records, number
    groups: string[];
    kinds: string[];
    phase: number;
    shapes: [string, string, string, string[]?][][]; // name, slot, how it is shown, words
    events: string[];
    actions: string[];
    processes: string[];
    drams: string[];
    nvdimms: string[];
    latencies: string[];
    flags: string[];
    states: string[];
    access: string[];
    access_result: string[];
    modes: string[];
    signals: string[];
    codes: Record<string, string>;
    texts: string[];
}

/** Numbers of up to 64 bits, as two halves. */
export class Wide {
    readonly low: Uint32Array;
    readonly high: Uint32Array;
    constructor(n: number) {
        this.low = new Uint32Array(n);
        this.high = new Uint32Array(n);
    }
    number(i: number): number {
        return this.high[i] * 4294967296 + this.low[i];
    }
    big(i: number): bigint {
        return (BigInt(this.high[i]) << 32n) | BigInt(this.low[i]);
    }
}

export interface Rows {
    head: Head;
    n: number;
    id: Uint32Array;
    begin: Float64Array; // ps after head.t0; a phase may begin later than its record
    end: Float64Array;
    kind: Uint8Array;
    lane: Uint32Array; // place in head.lanes
    cause: Int32Array; // row, -1: none or not shown
    origin: Uint32Array; // 1 + event
    slots: Record<string, Wide>;
    effects: (row: number) => Uint32Array;
    text: (row: number) => string; // of a line of the log; "" without one
    rowOf: (id: number) => number; // -1: not shown
    lanes: LaneRows[];
}

/** The rows of one lane by the time at which they begin. */
export interface LaneRows {
    rows: Uint32Array;
    begin: Float64Array;
    longest: number; // ps
}

function textOf(id: string): string | null {
    return document.getElementById(id)?.textContent ?? null;
}

async function inflate(base64: string): Promise<Uint8Array> {
    const binary = atob(base64);
    const bytes = new Uint8Array(binary.length);
    for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
}

class Column {
    constructor(private readonly bytes: Uint8Array, private at: number) {}
    byte(): number {
        return this.bytes[this.at++];
    }
    /** Exact below 2^53. */
    number(): number {
        let value = 0;
        let factor = 1;
        for (;;) {
            const b = this.bytes[this.at++];
            value += (b & 127) * factor;
            if (b < 128) return value;
            factor *= 128;
        }
    }
    wide(into: Wide, i: number): void {
        let low = 0;
        let high = 0;
        let shift = 0;
        for (;;) {
            const b = this.bytes[this.at++];
            const bits = b & 127;
            if (shift < 28) low |= bits << shift;
            else if (shift === 28) {
                low |= bits << 28;
                high |= bits >> 4;
            } else high |= bits << (shift - 32);
            if (b < 128) break;
            shift += 7;
        }
        into.low[i] = low >>> 0;
        into.high[i] = high >>> 0;
    }
}

/** Null: the page holds no timeline of that run. */
export async function loadRows(run: string): Promise<Rows | null> {
    const headText = textOf(`head-${run}`);
    const rowsText = textOf(`rows-${run}`);
    if (headText === null || rowsText === null) return null;
    const head = JSON.parse(headText) as Head;
    const bytes = await inflate(rowsText);
    const n = head.rows;
    const lengths = new Column(bytes, 0);
    const sizes = Array.from({ length: 12 }, () => lengths.number());
    let offset = bytes.length - sizes.reduce((a, b) => a + b, 0);
    const columns = sizes.map((size) => {
        const column = new Column(bytes, offset);
        offset += size;
        return column;
    });

    const id = new Uint32Array(n);
    const begin = new Float64Array(n);
    const end = new Float64Array(n);
    const kind = new Uint8Array(n);
    const lane = new Uint32Array(n);
    const cause = new Int32Array(n);
    const origin = new Uint32Array(n);
    const slots: Record<string, Wide> = { s: new Wide(n), a: new Wide(n), b: new Wide(n), c: new Wide(n) };
    let lastId = 0;
    let at = 0;
    const causeId = new Uint32Array(n);
    const text = new Uint32Array(n);
    for (let i = 0; i < n; i++) {
        lastId += columns[0].number();
        at += columns[1].number();
        id[i] = lastId;
        kind[i] = columns[2].byte();
        lane[i] = columns[3].number();
        const distance = columns[4].number();
        causeId[i] = distance === 0 ? 0 : lastId - distance;
        origin[i] = columns[5].number();
        begin[i] = at + columns[6].number();
        columns[7].wide(slots.s, i);
        columns[8].wide(slots.a, i);
        columns[9].wide(slots.b, i);
        columns[10].wide(slots.c, i);
        text[i] = columns[11].number();
        end[i] = kind[i] === head.phase ? begin[i] + slots.b.number(i) : begin[i];
    }

    const whole = n > 0 && id[n - 1] - id[0] === n - 1;
    const rowOf = (wanted: number): number => {
        if (n === 0 || wanted < id[0] || wanted > id[n - 1]) return -1;
        if (whole) return wanted - id[0];
        const row = lowerBound(id, wanted, 0, n);
        return id[row] === wanted ? row : -1;
    };
    const first = new Uint32Array(n + 1);
    for (let i = 0; i < n; i++) {
        cause[i] = causeId[i] === 0 ? -1 : rowOf(causeId[i]);
        if (cause[i] >= 0) first[cause[i] + 1]++;
    }
    for (let i = 0; i < n; i++) first[i + 1] += first[i];
    const list = new Uint32Array(first[n]);
    const next = first.slice();
    for (let i = 0; i < n; i++) if (cause[i] >= 0) list[next[cause[i]]++] = i;

    return {
        head, n, id, begin, end, kind, lane, cause, origin, slots, rowOf,
        effects: (row) => list.subarray(first[row], first[row + 1]),
        text: (row) => (text[row] ? head.texts[text[row] - 1] : ""),
        lanes: laneRows(head, n, lane, begin, end),
    };
}

function laneRows(head: Head, n: number, lane: Uint32Array, begin: Float64Array, end: Float64Array): LaneRows[] {
    const counts = new Uint32Array(head.lanes.length);
    for (let i = 0; i < n; i++) counts[lane[i]]++;
    const lanes = Array.from(counts, (count) => ({
        rows: new Uint32Array(count),
        begin: new Float64Array(count),
        longest: 0,
    }));
    const filled = new Uint32Array(head.lanes.length);
    for (let i = 0; i < n; i++) {
        const one = lanes[lane[i]];
        // Nearly sorted: only phases that wait for another begin later than their record.
        let place = filled[lane[i]]++;
        while (place > 0 && one.begin[place - 1] > begin[i]) {
            one.begin[place] = one.begin[place - 1];
            one.rows[place] = one.rows[place - 1];
            place--;
        }
        one.begin[place] = begin[i];
        one.rows[place] = i;
        one.longest = Math.max(one.longest, end[i] - begin[i]);
    }
    return lanes;
}

/** The first place in [from, to) whose value is not below `wanted`. */
export function lowerBound(values: ArrayLike<number>, wanted: number, from: number, to: number): number {
    while (from < to) {
        const middle = (from + to) >>> 1;
        if (values[middle] < wanted) from = middle + 1;
        else to = middle;
    }
    return from;
}
