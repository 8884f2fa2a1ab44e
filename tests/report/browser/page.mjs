// page.mjs CHROMIUM SHOTS [MILLION]: what the page must do in a browser. SHOTS: "" or a folder.
import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const [executablePath, shots, million] = process.argv.slice(2);
if (shots) mkdirSync(shots, { recursive: true });
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
const failures = [];
const check = (ok, what) => { if (!ok) failures.push(what); };
const url = (name) => pathToFileURL(resolve(name)).href;

/** A page that counts what it must never do. */
async function open(name, options = {}, hash = "") {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    const page = await context.newPage();
    page.on("console", (m) => check(m.type() !== "error", `${name}: console: ${m.text()}`));
    page.on("pageerror", (e) => failures.push(`${name}: ${e.message}`));
    page.on("dialog", (d) => { failures.push(`${name}: a dialog`); void d.dismiss(); });
    page.on("request", (r) => check(r.url().startsWith(url(name)), `${name}: asks for ${r.url()}`));
    await page.goto(url(name) + hash);
    if (options.javaScriptEnabled !== false && await hasScript(page)) {
        await page.waitForSelector("html[data-ready]", { state: "attached", timeout: 30000 });
    }
    return page;
}
const hasScript = async (page) => (await page.locator("#figures").count()) > 0;
const shot = async (page, name, options) => { if (shots) await page.screenshot({ path: `${shots}/${name}.png`, ...options }); };
/** A section of the page by itself, as the manual shows it. */
const sectionShot = async (page, section, name) => { if (shots) await page.locator(`#${section}`).screenshot({ path: `${shots}/${name}.png` }); };
const wide = (page) => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
const hash = async (page) => { await page.waitForTimeout(450); return new URLSearchParams(new URL(page.url()).hash.slice(1)); };

{
    const page = await open("one.html");
    check(await page.locator("h2").count() >= 5, "sections are missing");
    if (await hasScript(page)) {
        await shot(page, "light");
        const canvas = page.locator(".timeline canvas");
        await canvas.focus();
        await page.keyboard.press("Home");
        const all = await hash(page);
        await page.keyboard.press("+");
        await page.keyboard.press("+");
        const zoomed = await hash(page);
        const width = (h) => Number(h.get("to")) - Number(h.get("from"));
        check(width(zoomed) < width(all) * 0.5, `+ does not zoom: ${all} to ${zoomed}`);
        await page.keyboard.press("ArrowRight");
        check((await hash(page)).get("from") !== zoomed.get("from"), "the arrow key does not pan");

        // From the delivered signal back to the event, cause by cause.
        await page.keyboard.press("/");
        await page.keyboard.type("signal delivered");
        await page.keyboard.press("Enter");
        const details = page.locator(".details");
        check((await details.innerText()).includes("SIGBUS"), "the signal is not found");
        const effect = (await hash(page)).get("record");
        await canvas.focus();
        await page.keyboard.press("f");
        if (shots) await page.locator("#timeline").scrollIntoViewIfNeeded();
        await shot(page, "chain");
        let steps = 0;
        for (let before = ""; steps < 60; steps++) {
            await page.keyboard.press("c");
            const now = await details.locator("h4").first().innerText();
            if (now === before) break;
            before = now;
        }
        check(steps > 5 && (await details.locator(".what").innerText()).startsWith("scenario event: load"),
            `the causes lead to "${await details.locator(".what").innerText()}" after ${steps} steps`);

        // A click on the picture, on a line of the log, on a step of the chain.
        await page.locator(".log li").nth(2).click();
        check((await details.locator(".what").innerText()).includes("Killing db:900"), "the log does not lead to its record");
        await details.locator(".chain button").first().click();
        check((await details.locator(".what").innerText()).startsWith("scenario event"), "the chain cannot be followed");
        check(await wide(page) <= 0, "the page is wider than its window");

        // The link opens the same record.
        const link = await open("one.html", {}, `#run=0&record=${effect}`);
        check((await link.locator(".details").innerText()).includes("SIGBUS"), "a link does not select its record");
        await link.close();
        await page.emulateMedia({ media: "print" });
        check(await page.locator(".timeline svg").isVisible(), "print has no picture");
        check(!(await page.locator(".timeline canvas").isVisible()), "print shows the canvas");
        await shot(page, "print", { fullPage: true });
        const rows = page.locator("#summary tbody tr").first();
        const head = await page.locator("#summary thead tr").first().boundingBox();
        check((await rows.boundingBox()).y >= head.y + head.height - 1, "print: a heading covers a row");
    } else {
        console.log("the program was built without npm: only its still pages are tested");
    }
    await page.close();
}
for (const [name, options] of [
    ["dark", { colorScheme: "dark" }],
    ["narrow", { viewport: { width: 390, height: 844 } }],
    ["narrow-dark", { viewport: { width: 390, height: 844 }, colorScheme: "dark" }],
    ["still", { javaScriptEnabled: false }],
]) {
    const page = await open("one.html", options);
    check(await wide(page).catch(() => 0) <= 0, `${name}: the page is wider than its window`);
    if (name === "still") check(await page.locator(".timeline svg").isVisible(), "without scripts there is no picture");
    await shot(page, name, { fullPage: true });
    await page.close();
}
for (const [name, options] of [["two", {}], ["two-dark", { colorScheme: "dark" }]]) {
    const page = await open("two.html", options);
    check(await page.locator("#comparison table tbody tr").count() > 1, "variants are not compared");
    await sectionShot(page, "phases", `${name}-phases`);
    await sectionShot(page, "exposure", `${name}-exposure`);
    await shot(page, name, { fullPage: true });
    await page.close();
}
for (const [name, options] of [["many", {}], ["many-dark", { colorScheme: "dark" }]]) {
    const page = await open("many.html", options);
    if (await hasScript(page)) {
        check(await page.locator(".chart canvas").count() > 1, "there are no charts");
        await page.locator("figure.cdf button").nth(1).click();
        check((await page.locator("figure.cdf button").nth(1).innerText()).includes("Show shares"), "the tail is not shown");
    }
    check(await page.locator("#sensitivity svg").isVisible(), "the picture of the sensitivity is missing");
    await sectionShot(page, "latency", `${name}-latency`);
    await sectionShot(page, "sensitivity", `${name}-sensitivity`);
    await shot(page, name, { fullPage: true });
    await page.close();
}
{
    const page = await open("evil.html");
    check(await page.evaluate(() => window.pwned) === undefined, "a name became a script");
    check(await page.locator("img").count() === 0, "a name became an image");
    if (await hasScript(page)) {
        await page.locator(".timeline canvas").focus();
        for (const key of ["n", "n", "e", "c"]) await page.keyboard.press(key);
        await page.locator(".log li").first().click();
        check(await page.evaluate(() => window.pwned) === undefined, "a name became a script");
        check(await page.locator("img").count() === 0, "a name became an image");
    }
    await page.close();
}
if (million) {
    const page = await open(million);
    const paint = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime);
    const ready = await page.evaluate(() => performance.now());
    const rows = await page.locator(".timeline").getAttribute("data-ready");
    const box = await page.locator(".timeline canvas").boundingBox();
    await page.mouse.move(box.x + 700, box.y + 150);
    await page.mouse.down();
    await page.evaluate(() => {
        window.frames_ = [];
        const tick = (t) => { window.frames_.push(t); requestAnimationFrame(tick); };
        requestAnimationFrame(tick);
    });
    for (let i = 0; i < 90; i++) await page.mouse.move(box.x + 700 - i * 5, box.y + 150);
    await page.mouse.up();
    const fps = await page.evaluate(() => {
        const f = window.frames_;
        return (1000 * (f.length - 1)) / (f[f.length - 1] - f[0]);
    });
    await shot(page, "million");
    console.log(`a page of ${rows} records: first paint ${Math.round(paint)} ms, ready ${Math.round(ready)} ms, panning at ${fps.toFixed(0)} frames a second`);
    check(paint < 1500, "the first paint takes longer than 1.5 s");
    check(fps >= 30, "panning is slower than 30 frames a second");
    await page.close();
}
await browser.close();
for (const failure of failures) console.error(failure);
process.exit(failures.length ? 1 : 0);
