// Opens a flow's page and says when it tells what is waited for, one after the other, without a reload:
// `node e2e/told.mjs URL WORDS… [--shot FILE]`. Each line is the sentence that had the words.
import { chromium } from "playwright-core";

const [url, ...words] = process.argv.slice(2);
const at = words.indexOf("--shot");
const [, shot] = at < 0 ? [] : words.splice(at, 2);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
});
try {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  await page.goto(url);
  const why = page.locator(".why-words");
  for (const wanted of words) {
    await why.filter({ hasText: wanted }).waitFor({ timeout: 120_000 });
    const told = (await why.innerText()).replaceAll("\n", " ");
    // Before anybody is told, who may want to look at it.
    if (shot) await page.screenshot({ path: shot });
    console.log(told);
  }
} finally {
  await browser.close();
}
