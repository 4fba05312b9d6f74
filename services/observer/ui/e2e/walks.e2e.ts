// Walks that need nothing of the server but some flows: they run against the mock, and with BASE_URL against a
// real observer, such as the one of `make up`.
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { axe, launch, sideways, type Theme, type Visit, visit, type Wish } from "./browser";
import { Mock } from "./mock/server";
import { badge, find, focus, heading, toFlow, toFlows, until, why } from "./walks";

let browser: Browser;
let mock: Mock | undefined;
let base = process.env.OBSERVER_URL ?? "";
let open: Visit | undefined;

beforeAll(async () => {
  if (!base) {
    mock = await new Mock().start();
    base = mock.url;
  }
  browser = await launch();
});
afterAll(async () => {
  await browser?.close();
  await mock?.stop();
});
afterEach(async () => {
  const ended = open;
  open = undefined;
  await ended?.close();
  // Nothing leaves the machine, and no policy or script is ever broken, whatever was done.
  expect(ended?.foreign ?? []).toEqual([]);
  expect(ended?.errors ?? []).toEqual([]);
});

async function come(wish: Partial<Wish> = {}) {
  open = await visit(browser, { base, ...wish });
  return open.page;
}

/** The business key of the flow that stands on top. */
async function aKey(page: Awaited<ReturnType<typeof come>>) {
  const name = await page.locator(".windowed > .flow-row a").first().innerText();
  return name.split(" ").slice(1).join(" ");
}

for (const theme of ["light", "dark"] as Theme[]) {
  describe(`in the ${theme} theme`, () => {
    test("the list of flows is accessible", async () => {
      const page = await come({ theme });
      await toFlows(page);
      expect(await axe(page)).toEqual([]);
    });

    test("a flow is accessible in each view, and with its detail open", async () => {
      const page = await come({ theme });
      await toFlows(page);
      const key = await aKey(page);
      for (const search of ["", "?axis=wall", "?axis=previous", "?as=table", "?view=tree", "?view=records"]) {
        await toFlow(page, key, search);
        expect(await axe(page), search).toEqual([]);
      }
      await page.locator(".windowed > .line").first().click();
      await page.locator(".json, .note").first().waitFor();
      expect(await axe(page), "detail").toEqual([]);
    });
  });
}

test("the page says how fresh it is", async () => {
  const page = await come();
  await toFlows(page);
  await until(
    () => badge(page),
    (words) => /^live · (up to date|index .* behind)/.test(words),
    "the badge",
  );
});

test("a person without a mouse finds a flow, reads why, and sees a record", async () => {
  const page = await come();
  await toFlows(page);
  const key = await aKey(page);
  await find(page, key);
  await page.locator(".why-words").waitFor();
  expect(await heading(page)).toContain(key);
  expect((await why(page)).length).toBeGreaterThan(10);

  await page.keyboard.press("j");
  expect(await focus(page)).toMatch(/^row: /);
  await page.keyboard.press("Enter");
  await page.locator(".detail h2").waitFor();
  expect(new URL(page.url()).searchParams.get("e")).toBeTruthy();
  await page.locator(".json, .note").first().waitFor();
  await page.keyboard.press("Escape");
  await page.locator(".detail").waitFor({ state: "detached" });
  await until(
    () => focus(page),
    (words) => words.startsWith("row: "),
    "the focus is back on the row",
  );

  for (const [press, view] of [
    ["2", "Cause tree"],
    ["3", "Raw records"],
    ["1", "Timeline"],
  ] as const) {
    await page.keyboard.press(press);
    await page.locator(`[role=tab][aria-selected=true]:text-is("${view}")`).waitFor();
  }
  await page.keyboard.press("Escape");
  await page.locator(".windowed > .flow-row").first().waitFor();
  expect(new URL(page.url()).pathname).toBe("/flows");
});

test("the events of a flow are filtered by keys, and the filter stands in the address", async () => {
  const page = await come();
  await toFlows(page);
  await toFlow(page, await aKey(page));
  const all = await page.locator(".windowed > .line-event").count();
  const first = page.locator(".windowed > .line-event b").first();
  const name = await first.innerText();
  await page.keyboard.press("e");
  expect(await focus(page)).toMatch(/^input/);
  await page.keyboard.type(name);
  await page.locator(".flow-filters", { hasText: / of \d+ events? fits?/ }).waitFor();
  expect(new URL(page.url()).searchParams.get("text")).toBe(name);
  expect(await page.locator(".windowed > .line-event").count()).toBeLessThanOrEqual(all);
  expect(await first.innerText()).toBe(name);
  expect(await axe(page)).toEqual([]);

  // Enter leads to what is found, and the same address shows the same.
  await page.keyboard.press("Enter");
  expect(await focus(page)).toMatch(/^row: /);
  await page.reload();
  await page.locator(".flow-filters", { hasText: / of \d+ events? fits?/ }).waitFor();

  await page.keyboard.press("e");
  await page.keyboard.type(" that is nowhere");
  await page.locator(".none-fits", { hasText: "No event of this flow fits" }).waitFor();
  // Escape empties the field, and then leaves it.
  await page.keyboard.press("Escape");
  await page.locator(".windowed > .line-event").first().waitFor();
  expect(new URL(page.url()).searchParams.get("text")).toBeNull();
  await page.keyboard.press("Escape");
  expect(await focus(page)).toMatch(/^row: /);
});

for (const theme of ["light", "dark"] as Theme[]) {
  test(`the services are told, and walked by keys, in the ${theme} theme`, async () => {
    const page = await come({ theme });
    await toFlows(page);
    await page.getByRole("link", { name: "Services" }).click();
    await page.locator(".service").first().waitFor();
    expect(await page.locator(".service").count()).toBeGreaterThan(0);
    expect(await axe(page)).toEqual([]);
    await page.keyboard.press("j");
    const name = (await focus(page)).replace("button: ", "");
    await page.keyboard.press("Enter");
    await page.locator(".service.open .promises, .service.open .quiet").first().waitFor();
    expect(new URL(page.url()).search).toBe(`?open=${name}`);
    expect(await axe(page), "open").toEqual([]);
    await page.reload();
    await page.locator(".service.open", { hasText: name }).waitFor();
    await page.setViewportSize({ width: 320, height: 568 });
    expect(await sideways(page)).toBe(0);
    expect(await axe(page), "narrow").toEqual([]);
  });
}

test("no letter is cut off to the side at 320 pixels", async () => {
  const page = await come({ width: 320, height: 568 });
  await toFlows(page);
  expect(await sideways(page), "list").toBe(0);
  const key = await aKey(page);
  for (const search of ["", "?as=table", "?view=tree", "?view=records"]) {
    await toFlow(page, key, search);
    expect(await sideways(page), search).toBe(0);
  }
  await page.locator(".windowed > .line").first().click();
  await page.locator(".json, .note").first().waitFor();
  expect(await sideways(page), "detail").toBe(0);
});
