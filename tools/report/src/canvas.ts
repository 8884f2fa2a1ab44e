// The picture of a timeline: lanes over time, as far as pixels can tell them apart.
import { chainOf, describe } from "./words";
import { lowerBound, type Rows } from "./data";
import { colour } from "./theme";
import { human, niceStep } from "./time";

export const kRow = 22;
const kAxis = 26;
const kStrip = 26; // the whole trace, above
const kMostMarks = 1500; // of a lane; more of them are drawn as their density

export interface View {
    from: number; // ps after the beginning
    to: number;
    top: number; // px scrolled down
}

export class Picture {
    view: View = { from: 0, to: 1, top: 0 };
    selected = -1;
    private readonly context: CanvasRenderingContext2D;
    private readonly order: number[]; // lanes as shown
    private readonly place: Int32Array; // of a lane in `order`
    private readonly strip: Float64Array; // records by time, over the whole trace
    private colours: Record<string, string> = {};
    private width = 0;
    private height = 0;
    private gutter = 150;
    private waiting = false;
    private highlight: number[] = [];
    readonly span: number;
    frames = 0;

    constructor(readonly canvas: HTMLCanvasElement, readonly rows: Rows) {
        this.context = canvas.getContext("2d", { alpha: false })!;
        const lanes = rows.head.lanes;
        this.order = lanes.map((_, i) => i).filter((i) => rows.lanes[i].rows.length > 0);
        this.order.sort((a, b) => lanes[a][0] - lanes[b][0] || lanes[a][3] - lanes[b][3]);
        this.place = new Int32Array(lanes.length).fill(-1);
        this.order.forEach((lane, i) => (this.place[lane] = i));
        this.span = Math.max(rows.head.end - rows.head.t0, 1);
        this.strip = new Float64Array(600);
        for (let i = 0; i < rows.n; i++) {
            this.strip[Math.min(599, Math.floor((rows.begin[i] / this.span) * 600))]++;
        }
        this.readColours();
    }

    readColours(): void {
        for (const name of ["paper", "ink", "soft", "line", "band", "band-odd", "accent", "select",
            "c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7"]) {
            this.colours[name] = colour("--" + name);
        }
    }

    resize(): void {
        const box = this.canvas.parentElement!.getBoundingClientRect();
        const ratio = devicePixelRatio || 1;
        this.width = Math.max(280, Math.floor(box.width));
        this.gutter = this.width < 600 ? 96 : 150;
        this.height = kStrip + kAxis + Math.min(24, Math.max(6, this.order.length)) * kRow + 2;
        this.canvas.width = this.width * ratio;
        this.canvas.height = this.height * ratio;
        this.canvas.style.width = this.width + "px";
        this.canvas.style.height = this.height + "px";
        this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
        this.draw();
    }

    /** Draws with the next frame. */
    draw(): void {
        if (this.waiting) return;
        this.waiting = true;
        requestAnimationFrame(() => {
            this.waiting = false;
            this.paint();
            this.frames++;
        });
    }

    // ------------------------------------------------------------ places

    x(at: number): number {
        const { from, to } = this.view;
        return this.gutter + ((at - from) / (to - from)) * (this.width - this.gutter);
    }
    time(x: number): number {
        const { from, to } = this.view;
        return from + ((x - this.gutter) / (this.width - this.gutter)) * (to - from);
    }
    y(lane: number): number {
        return kStrip + kAxis + this.place[lane] * kRow - this.view.top;
    }
    inStrip(y: number): boolean {
        return y < kStrip;
    }
    stripTime(x: number): number {
        return ((x - this.gutter) / (this.width - this.gutter)) * this.span;
    }
    get plotWidth(): number {
        return this.width - this.gutter;
    }
    get lanesHeight(): number {
        return this.height - kStrip - kAxis;
    }

    show(from: number, to: number): void {
        const least = 1000; // 1 ns
        let width = Math.min(Math.max(to - from, least), this.span * 1.1 + least);
        let begin = (from + to - width) / 2;
        begin = Math.max(-this.span * 0.05 - least / 2, Math.min(begin, this.span * 1.05 + least / 2 - width));
        this.view.from = begin;
        this.view.to = begin + width;
        this.draw();
    }
    zoom(factor: number, at: number): void {
        const { from, to } = this.view;
        this.show(at - (at - from) * factor, at + (to - at) * factor);
    }
    pan(share: number): void {
        const shift = (this.view.to - this.view.from) * share;
        this.show(this.view.from + shift, this.view.to + shift);
    }
    scroll(px: number): void {
        const most = Math.max(0, this.order.length * kRow - this.lanesHeight);
        this.view.top = Math.max(0, Math.min(most, this.view.top + px));
        this.draw();
    }
    showAll(): void {
        this.show(-this.span * 0.02, this.span * 1.02);
    }
    /** The shortest stretch that holds four fifths of the records, unless it is most of the trace. */
    showBusy(): void {
        const { begin, n } = this.rows;
        const k = Math.floor(n * 0.8);
        let best = 0;
        let least = Infinity;
        for (let i = 0; i + k < n; i++) {
            if (begin[i + k] - begin[i] < least) {
                least = begin[i + k] - begin[i];
                best = i;
            }
        }
        if (n < 8 || least > this.span * 0.5) return this.showAll();
        const margin = Math.max(least * 0.15, 1000);
        this.show(begin[best] - margin, begin[best] + least + margin);
    }
    /** Scrolls and pans only as far as the row is out of sight. */
    reveal(row: number): void {
        const at = this.rows.begin[row];
        const { from, to } = this.view;
        const y = this.y(this.rows.lane[row]);
        if (y < kStrip + kAxis) this.scroll(y - kStrip - kAxis - kRow);
        if (y + kRow > this.height) this.scroll(y + kRow - this.height + kRow);
        if (at < from || at > to) this.show(at - (to - from) / 2, at + (to - from) / 2);
        this.draw();
    }
    select(row: number): void {
        this.selected = row;
        this.highlight = row < 0 ? [] : chainOf(this.rows, row);
        this.draw();
    }
    /** All of the selected row's chain; of one that has no cause, all that it led to. */
    showChain(): void {
        if (this.highlight.length === 0) return;
        const from = this.rows.begin[this.highlight[0]];
        const rows = this.highlight.slice();
        if (rows.length === 1) {
            for (let i = 0; i < rows.length && rows.length < 20000; i++) rows.push(...this.rows.effects(rows[i]));
        }
        let to = from;
        for (const row of rows) to = Math.max(to, this.rows.end[row]);
        const margin = Math.max((to - from) * 0.08, 1000);
        this.show(from - margin, to + margin);
    }

    /** The record at a point of the canvas; -1: none is near. */
    hit(x: number, y: number): number {
        const line = Math.floor((y - kStrip - kAxis + this.view.top) / kRow);
        if (y < kStrip + kAxis || line < 0 || line >= this.order.length || x < this.gutter) return -1;
        const lane = this.rows.lanes[this.order[line]];
        const at = this.time(x);
        const reach = ((this.view.to - this.view.from) / this.plotWidth) * 5;
        let best = -1;
        let score = Infinity;
        const first = lowerBound(lane.begin, at - reach - lane.longest, 0, lane.rows.length);
        for (let i = first, looked = 0; i < lane.rows.length && lane.begin[i] <= at + reach && looked < 20000; i++, looked++) {
            const row = lane.rows[i];
            if (this.rows.end[row] < at - reach) continue;
            const phase = this.rows.end[row] > this.rows.begin[row];
            // What has no length is the harder one to hit.
            const distance = phase ? reach * 0.9 : Math.abs(this.rows.begin[row] - at);
            if (distance <= score) {
                score = distance;
                best = row;
            }
        }
        return best;
    }

    // ------------------------------------------------------------ drawing

    private paint(): void {
        const c = this.context;
        c.fillStyle = this.colours.paper;
        c.fillRect(0, 0, this.width, this.height);
        c.font = '11.5px system-ui, "DejaVu Sans", sans-serif';
        c.textBaseline = "middle";
        c.save();
        c.beginPath();
        c.rect(0, kStrip + kAxis, this.width, this.lanesHeight);
        c.clip();
        const first = Math.floor(this.view.top / kRow);
        const last = Math.min(this.order.length, first + Math.ceil(this.lanesHeight / kRow) + 1);
        for (let line = first; line < last; line++) this.paintLane(line);
        this.paintArrows();
        c.restore();
        this.paintAxis();
        this.paintStrip();
    }

    private paintLane(line: number): void {
        const c = this.context;
        const lane = this.order[line];
        const [group, name] = this.rows.head.lanes[lane];
        const y = this.y(lane);
        const fresh = line === 0 || this.rows.head.lanes[this.order[line - 1]][0] !== group;
        c.fillStyle = line % 2 ? this.colours.band : this.colours["band-odd"];
        c.fillRect(0, y, this.width, kRow);
        if (fresh) {
            c.fillStyle = this.colours.line;
            c.fillRect(0, y, this.width, 1);
        }
        c.save();
        c.beginPath();
        c.rect(this.gutter, y, this.plotWidth, kRow);
        c.clip();
        this.paintRecords(lane, y, this.colours["c" + [7, 0, 1, 2, 3, 4, 5, 6][group]]);
        c.restore();
        c.fillStyle = this.colours.ink;
        c.textAlign = "right";
        c.fillText(name, this.gutter - 8, y + kRow / 2, this.gutter - 12);
    }

    private paintRecords(lane: number, y: number, paint: string): void {
        const c = this.context;
        const rows = this.rows;
        const one = rows.lanes[lane];
        const { from, to } = this.view;
        const first = lowerBound(one.begin, from - one.longest, 0, one.rows.length);
        const end = lowerBound(one.begin, to, first, one.rows.length);
        c.fillStyle = paint;
        if (end - first > kMostMarks) {
            // As many as fall on each pixel, as height, on a logarithmic scale.
            const scale = this.plotWidth / (to - from);
            let i = lowerBound(one.begin, from, first, end);
            const most = Math.log2(2 + (end - i) / 8);
            for (let x = 0; x < this.plotWidth && i < end; ) {
                x = Math.floor((one.begin[i] - from) * scale);
                const next = lowerBound(one.begin, from + (x + 1) / scale, i, Math.min(end, i + 1)) > i
                    ? this.gallop(one.begin, from + (x + 1) / scale, i, end) : i + 1;
                const height = 4 + Math.min(1, Math.log2(1 + next - i) / most) * (kRow - 8);
                c.fillRect(this.gutter + x, y + (kRow - height) / 2, 1, height);
                i = next;
            }
            return;
        }
        let lastX = -1;
        for (let i = first; i < end; i++) {
            const row = one.rows[i];
            if (rows.end[row] < from) continue;
            const x = this.x(rows.begin[row]);
            if (rows.end[row] > rows.begin[row]) {
                const width = Math.max(1, this.x(rows.end[row]) - x);
                c.globalAlpha = 0.55;
                c.fillRect(Math.max(x, this.gutter - 2), y + 6, width, kRow - 12);
                c.globalAlpha = 1;
                c.fillRect(x, y + 6, 1, kRow - 12);
                if (width > 60) this.label(row, x, y, width);
            } else if (x - lastX >= 0.5 || x < lastX) {
                c.fillRect(x - 1, y + 3, 2.5, kRow - 6);
                lastX = x;
            }
        }
    }

    private gallop(values: Float64Array, wanted: number, from: number, to: number): number {
        let step = 1;
        let at = from;
        while (at + step < to && values[at + step] < wanted) {
            at += step;
            step *= 2;
        }
        return lowerBound(values, wanted, at, Math.min(to, at + step + 1));
    }

    private label(row: number, x: number, y: number, width: number): void {
        const c = this.context;
        const left = Math.max(x, this.gutter) + 4;
        const room = x + width - left - 4;
        if (room < 30) return;
        const name = this.rows.head.latencies[this.rows.slots.a.number(row)];
        if (c.measureText(name).width > room) return;
        const before = c.fillStyle;
        c.fillStyle = this.colours.ink;
        c.textAlign = "left";
        c.fillText(name, left, y + kRow / 2 + 0.5);
        c.fillStyle = before;
    }

    /** From the beginning to what is selected, and to what it led to itself. */
    private paintArrows(): void {
        if (this.selected < 0) return;
        const c = this.context;
        c.strokeStyle = this.colours.accent;
        c.fillStyle = this.colours.accent;
        for (let i = 1; i < this.highlight.length; i++) this.arrow(this.highlight[i - 1], this.highlight[i], 1.6);
        c.globalAlpha = 0.55;
        for (const effect of this.rows.effects(this.selected).subarray(0, 200)) this.arrow(this.selected, effect, 1);
        c.globalAlpha = 1;
        const x = this.x(this.rows.begin[this.selected]);
        const y = this.y(this.rows.lane[this.selected]);
        const width = Math.max(5, this.x(this.rows.end[this.selected]) - x);
        c.strokeStyle = this.colours.ink;
        c.lineWidth = 2;
        c.strokeRect(Math.max(x - 3, this.gutter), y + 2, Math.min(width + 3, this.plotWidth), kRow - 4);
    }

    private arrow(from: number, to: number, width: number): void {
        const c = this.context;
        const x1 = this.x(this.rows.begin[from]);
        const x2 = this.x(this.rows.begin[to]);
        const y1 = this.y(this.rows.lane[from]) + kRow / 2;
        const y2 = this.y(this.rows.lane[to]) + kRow / 2;
        if (Math.max(x1, x2) < this.gutter - 50 || Math.min(x1, x2) > this.width + 50) return;
        // Coordinates far outside lose their precision in canvases.
        const clamp = (x: number) => Math.max(-2000, Math.min(this.width + 2000, x));
        c.save();
        c.beginPath();
        c.rect(this.gutter, 0, this.plotWidth, this.height);
        c.clip();
        c.lineWidth = width;
        c.beginPath();
        c.moveTo(clamp(x1), y1);
        if (y1 !== y2) c.bezierCurveTo(clamp(x1) + 12, y1, clamp(x2) - 12, y2, clamp(x2), y2);
        else c.lineTo(clamp(x2), y2);
        c.stroke();
        if (Math.abs(x2 - x1) + Math.abs(y2 - y1) > 12) {
            const angle = y1 === y2 ? 0 : Math.atan2(y2 - y1, Math.max(6, x2 - x1)) * 0.4;
            c.translate(clamp(x2), y2);
            c.rotate(angle);
            c.beginPath();
            c.moveTo(0, 0);
            c.lineTo(-7, -3.5);
            c.lineTo(-7, 3.5);
            c.fill();
        }
        c.restore();
    }

    private paintAxis(): void {
        const c = this.context;
        const { from, to } = this.view;
        c.fillStyle = this.colours.paper;
        c.fillRect(0, kStrip, this.width, kAxis);
        const step = niceStep(((to - from) / this.plotWidth) * 110);
        c.textAlign = "center";
        for (let at = Math.ceil(Math.max(from, 0) / step) * step; at <= to; at += step) {
            const x = this.x(at);
            c.fillStyle = this.colours.line;
            c.fillRect(Math.round(x), kStrip + kAxis - 6, 1, 6);
            c.globalAlpha = 0.5;
            c.fillRect(Math.round(x), kStrip + kAxis, 1, this.lanesHeight);
            c.globalAlpha = 1;
            c.fillStyle = this.colours.soft;
            if (x > this.gutter + 30 && x < this.width - 34) {
                c.fillText(human(at + this.rows.head.t0, 6), x, kStrip + kAxis / 2 - 1);
            }
        }
    }

    /** The whole trace, and which part of it is shown. */
    private paintStrip(): void {
        const c = this.context;
        c.fillStyle = this.colours.band;
        c.fillRect(this.gutter, 0, this.plotWidth, kStrip - 4);
        let most = 1;
        for (const count of this.strip) most = Math.max(most, count);
        const width = this.plotWidth / this.strip.length;
        c.fillStyle = this.colours.soft;
        this.strip.forEach((count, i) => {
            if (count === 0) return;
            const height = 3 + (Math.log2(1 + count) / Math.log2(1 + most)) * (kStrip - 9);
            c.fillRect(this.gutter + i * width, kStrip - 4 - height, Math.max(1, width), height);
        });
        const x1 = this.gutter + (Math.max(0, this.view.from) / this.span) * this.plotWidth;
        const x2 = this.gutter + (Math.min(this.span, this.view.to) / this.span) * this.plotWidth;
        c.strokeStyle = this.colours.accent;
        c.lineWidth = 2;
        c.strokeRect(x1, 1, Math.max(3, x2 - x1 - 1), kStrip - 6);
        c.fillStyle = this.colours.soft;
        c.textAlign = "right";
        c.fillText("whole trace", this.gutter - 8, kStrip / 2 - 2, this.gutter - 12);
        c.fillStyle = this.colours.paper;
        c.fillRect(0, kStrip - 4, this.width, 4);
    }

    words(row: number): string {
        return describe(this.rows, row);
    }
}
