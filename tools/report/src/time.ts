// Times in words, as the rest of mcemu writes them.

/** "160.311 us" of picoseconds; `digits` after the point. */
export function human(ps: number, digits = 3): string {
    const sign = ps < 0 ? "-" : "";
    const size = Math.abs(ps);
    const units: [number, string][] = [[1e12, "s"], [1e9, "ms"], [1e6, "us"], [1e3, "ns"]];
    for (const [unit, name] of units) {
        if (size >= unit) return sign + trim(size / unit, digits) + " " + name;
    }
    return sign + trim(size, 0) + " ps";
}

function trim(value: number, digits: number): string {
    return value.toFixed(digits).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "");
}

/** A step of 1, 2 or 5 times a power of ten, at least `least`. */
export function niceStep(least: number): number {
    const power = Math.pow(10, Math.floor(Math.log10(Math.max(least, 1))));
    for (const factor of [1, 2, 5, 10]) {
        if (power * factor >= least) return power * factor;
    }
    return power * 10;
}
