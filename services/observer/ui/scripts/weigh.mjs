// Weighs what a first visit loads, and fails above the limit: 250 kB gzipped.
import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const LIMIT_KB = 250;
const folder = new URL("../dist/", import.meta.url);
let total = 0;
for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
  if (!/\.(js|css|html|svg)$/.test(name)) continue;
  const bytes = gzipSync(readFileSync(new URL(name, folder)), { level: 9 }).length;
  total += bytes;
  console.log(`${(bytes / 1000).toFixed(1).padStart(7)} kB gz  ${name}`);
}
console.log(`${(total / 1000).toFixed(1).padStart(7)} kB gz  in all, of at most ${LIMIT_KB}`);
if (total > LIMIT_KB * 1000) {
  console.error(`dist/ weighs more than ${LIMIT_KB} kB gzipped: split a route off or drop a dependency`);
  process.exit(1);
}
