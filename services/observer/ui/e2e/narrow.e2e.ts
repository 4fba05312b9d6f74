// On a phone a screen shows first what one came for; filters and switches are folded behind buttons.
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { axe, launch, sideways, type Theme, type Visit, visit } from "./browser";
import { Mock } from "./mock/server";
import { focus, toFlow, toFlows } from "./walks";

let browser: Browser;
let mock: Mock;
let open: Visit | undefined;

beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser?.close());
beforeEach(async () => {
  mock = await new Mock().start();
});
afterEach(async () => {
  const ended = open;
  open = undefined;
  await ended?.close();
  await mock.stop();
  expect(ended?.foreign ?? []).toEqual([]);
  expect(ended?.errors ?? []).toEqual([]);
});

async function come(theme: Theme = "light"): Promise<Page> {
  open = await visit(browser, { base: mock.url, width: 360, height: 740, theme });
  return open.page;
}

/** How many of these are wholly on the first screen. */
async function seenWhole(page: Page, rows: string): Promise<number> {
  const boxes = await page.locator(rows).evaluateAll((all) =>
    all.map((each) => {
      const { top, bottom } = each.getBoundingClientRect();
      return { top, bottom };
    }),
  );
  return boxes.filter(({ top, bottom }) => top >= 0 && bottom <= 740).length;
}

const filters = (page: Page) => page.getByRole("button", { name: /^Filters/ });

for (const theme of ["light", "dark"] as Theme[]) {
  test(`each screen shows what it is for without scrolling, ${theme}`, async () => {
    const page = await come(theme);
    await toFlows(page);
    expect(await seenWhole(page, ".windowed > .flow-row"), "flows").toBeGreaterThanOrEqual(4);
    expect(await axe(page)).toEqual([]);
    await toFlow(page, "4711");
    expect(await seenWhole(page, ".why-words"), "why").toBe(1);
    expect(await seenWhole(page, ".windowed > .line"), "events and reactions").toBeGreaterThanOrEqual(2);
    expect(await axe(page)).toEqual([]);
    await page.goto("/services");
    await page.locator(".service").first().waitFor();
    expect(await seenWhole(page, ".service"), "services").toBeGreaterThanOrEqual(4);
    expect(await axe(page)).toEqual([]);
  });
}

test("filters unfold by keys, show as chips, and stay as they were left", async () => {
  const page = await come();
  await toFlows(page, "?status=completed&since=24h");
  expect(await filters(page).innerText()).toBe("Filters (2)");
  expect(await filters(page).getAttribute("aria-expanded")).toBe("false");
  await filters(page).focus();
  await page.keyboard.press("Enter");
  expect(await filters(page).getAttribute("aria-expanded")).toBe("true");
  await page.getByLabel("Since").waitFor();
  expect(await sideways(page)).toBe(0);
  expect(await axe(page)).toEqual([]);
  // Another screen, and back: it is as it was left.
  await page.getByRole("link", { name: "Services" }).click();
  await page.locator(".service").first().waitFor();
  await page.goBack();
  await page.getByLabel("Since").waitFor();
  await page.getByRole("button", { name: "Completed , remove" }).click();
  await page.waitForURL((url) => url.search === "?since=24h");
  expect(await filters(page).innerText()).toBe("Filters (1)");
  // Escape closes it, and the focus stands where it was opened.
  await page.getByLabel("Since").focus();
  await page.keyboard.press("Escape");
  expect(await filters(page).getAttribute("aria-expanded")).toBe("false");
  expect(await focus(page)).toBe("button: Filters (1)");
});

test("the key that leads to the text of a flow's filter unfolds it", async () => {
  const page = await come();
  await toFlow(page, "4711");
  await page.keyboard.press("e");
  await page.keyboard.type("PaymentCaptured");
  await page.waitForURL((url) => url.searchParams.get("text") === "PaymentCaptured");
  expect(await filters(page).innerText()).toBe("Filters (1)");
  await page.keyboard.press("Escape");
  await page.waitForURL((url) => !url.searchParams.has("text"));
});
