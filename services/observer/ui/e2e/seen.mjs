// Says what a flow looks like on both screens, in both themes, on a real observer:
// `node e2e/seen.mjs BASE KEY MARK WORDS SHOTS`. Waits until the mark and the words of its sentence are there,
// in the list and on its own page, and leaves pictures in `SHOTS-…png`. Each line is a sentence as it stands there.
import { chromium } from "playwright-core";

const [base, key, mark, words, shots] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
});
try {
  for (const colorScheme of ["light", "dark"]) {
    const page = await browser.newPage({
      viewport: { width: 1440, height: 900 },
      colorScheme,
      reducedMotion: "reduce",
    });
    const told = async (where, sentence, marked) => {
      const there = page.locator(sentence, { hasText: words });
      await there.waitFor({ timeout: 60_000 });
      await page.locator(marked, { hasText: mark }).waitFor({ timeout: 60_000 });
      await page.screenshot({ path: `${shots}-${where}-${colorScheme}.png` });
      console.log(`${where}: ${mark}: ${(await there.innerText()).replaceAll("\n", " ")}`);
    };
    await page.goto(`${base}/flows?q=${encodeURIComponent(key)}`);
    await told("list", ".windowed > .flow-row .cell-why", ".windowed > .flow-row .cell-status");
    await page.locator(".windowed > .flow-row a").first().click();
    await page.locator(".windowed > .line").first().waitFor();
    await told("flow", ".why-words", ".flow-title .mark");
    await page.close();
  }
} finally {
  await browser.close();
}
