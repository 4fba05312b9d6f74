// What a person does on the pages, as steps that hold against the mock and against a real observer.
import type { Page } from "playwright-core";

/** Goes to the list, and waits for rows. */
export async function toFlows(page: Page, search = "") {
  await page.goto(`/flows${search}`);
  await page.locator(".windowed > .flow-row").first().waitFor();
}

/** Goes to a flow by id or business key, and waits for its why and its rows. */
export async function toFlow(page: Page, id: string, search = "") {
  await page.goto(`/flows/${encodeURIComponent(id)}${search}`);
  await page.locator(".why-words").waitFor();
  await page.locator(".windowed > .line").first().waitFor();
}

/** Whatever shows the whole story of a screen without rows. */
export async function toPanel(page: Page, path: string) {
  await page.goto(path);
  await page.locator(".panel h2").waitFor();
}

/** Types into the search box as a person would, by keys only, and opens what is found first. */
export async function find(page: Page, what: string) {
  await page.keyboard.press("/");
  await page.keyboard.type(what);
  await page.locator("[role=option]").first().waitFor();
  await page.keyboard.press("Enter");
}

export const why = (page: Page) => page.locator(".why-words").innerText();
export const heading = (page: Page) => page.locator("h1").innerText();
export const badge = (page: Page) => page.locator(".badge-words").innerText();

/** What has the focus, in words. */
export function focus(page: Page): Promise<string> {
  return page.evaluate(() => {
    const at = document.activeElement;
    return at && at !== document.body
      ? `${at.getAttribute("role") ?? at.tagName.toLowerCase()}: ${(at.textContent ?? "").trim()}`
      : "";
  });
}

/** Waits until this holds, and says what it saw last if it never does. */
export async function until<T>(
  look: () => Promise<T>,
  holds: (seen: T) => boolean,
  what: string,
  most_ms = 15_000,
) {
  const end = Date.now() + most_ms;
  let seen = await look();
  while (!holds(seen)) {
    if (Date.now() > end) throw new Error(`${what}: last seen ${JSON.stringify(seen)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
    seen = await look();
  }
  return seen;
}
