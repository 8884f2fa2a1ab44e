// Bundles src/ into dist/: report.js, report.css, and the hash of the script for the page's policy.
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";

await build({
    entryPoints: { report: "src/main.ts" },
    outdir: "dist",
    bundle: true,
    minify: true,
    charset: "ascii",
    format: "iife",
    target: ["es2022"],
    legalComments: "inline",
    logLevel: "warning",
});
// A script element ends at the first </script, and bytes decide the hash: the page holds just these.
const script = readFileSync("dist/report.js", "utf8").trim();
if (/<\/script|<!--/i.test(script)) throw new Error("the script would end its own element");
writeFileSync("dist/report.js", script);
const hash = createHash("sha256").update(script).digest("base64");
writeFileSync("dist/hash", `sha256-${hash}`);
