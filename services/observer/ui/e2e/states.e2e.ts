// What the pages show when the world is not fair, by a mock whose weather the test makes.
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { axe, launch, sideways, type Theme, type Visit, visit, type Wish } from "./browser";
import { Mock } from "./mock/server";
import { completed, many, parked, retrying } from "./mock/stories";
import { tell } from "./mock/story";
import { badge, focus, heading, toFlow, toFlows, toPanel, until, why } from "./walks";

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

async function come(wish: Partial<Wish> = {}): Promise<Page> {
  open = await visit(browser, { base: mock.url, ...wish });
  return open.page;
}

describe("states that teach", () => {
  const states: [string, () => void, string, RegExp][] = [
    [
      "no events yet",
      () => {
        mock.weather.empty = true;
      },
      "/flows",
      /curl -s http:\/\/127\.0\.0\.1:\d+\/orders/,
    ],
    [
      "catching up",
      () => {
        mock.weather = { ...mock.weather, empty: true, read_percent: 43.4 };
      },
      "/flows",
      /43 % of the topics is read, 12 s left/,
    ],
    [
      "no broker yet",
      () => {
        mock.weather = {
          ...mock.weather,
          empty: true,
          brokerless: new Date(Date.now() - 12_000).toISOString(),
        };
      },
      "/flows",
      /broker has not answered yet[\s\S]*nothing has to be restarted/i,
    ],
    ["no match", () => {}, "/flows?status=running&q=zz", /status running.*beginning with “zz”/],
    [
      "an error",
      () => {
        mock.weather.broken = true;
      },
      "/flows",
      /disk I\/O error[\s\S]*free space/i,
    ],
    ["no such flow", () => {}, "/flows/nobody", /no flow has the id or business key nobody/i],
    [
      "a flow that fails to load",
      () => {
        mock.weather.broken = true;
      },
      "/flows/4711",
      /disk I\/O error/,
    ],
    ["no such page", () => {}, "/nowhere/at/all", /leads nowhere/],
  ];
  for (const theme of ["light", "dark"] as Theme[]) {
    for (const [name, make, path, says] of states) {
      test(`${name}, ${theme}`, async () => {
        make();
        const page = await come({ theme });
        await toPanel(page, path);
        expect(await page.locator(".panel").innerText()).toMatch(says);
        expect(await axe(page)).toEqual([]);
        await page.setViewportSize({ width: 320, height: 568 });
        expect(await sideways(page)).toBe(0);
      });
    }
  }

  test("the index catches up, and the flows appear by themselves", async () => {
    mock.weather = { ...mock.weather, empty: true, read_percent: 43.4 };
    const page = await come();
    await toPanel(page, "/flows");
    await until(
      () => badge(page),
      (words) => words.startsWith("catching up 43 %, 12 s left"),
      "the badge",
    );
    mock.fair();
    mock.changed(tell(completed("6000", Date.now())));
    await page.locator(".flow-row", { hasText: "order 6000" }).waitFor();
  });

  test("a broker that comes later is waited for, and the flows appear by themselves", async () => {
    const since = new Date(Date.now() - 12_000).toISOString();
    mock.weather = { ...mock.weather, empty: true, brokerless: since };
    const page = await come();
    await toPanel(page, "/flows");
    await until(
      () => badge(page),
      (words) => /^no broker yet for \d+ s/.test(words),
      "the badge",
    );
    mock.fair();
    mock.changed(tell(completed("6000", Date.now())));
    await page.locator(".flow-row", { hasText: "order 6000" }).waitFor();
  });

  test("a flow that nobody knows yet is waited for, and shown when it comes", async () => {
    const page = await come();
    await toPanel(page, "/flows/6000");
    await page.getByText("this page shows it by itself").waitFor();
    expect(await page.locator(".panel h2").innerText()).toBe("There is no such flow yet");
    mock.changed(tell(completed("6000", Date.now())));
    await page.locator(".why-words").waitFor();
    expect(await heading(page)).toBe("order 6000");
  });

  test("a payload that retention took says so, and the event is still told", async () => {
    mock.weather.expired = true;
    const page = await come();
    await toFlow(page, "4712");
    await page.locator(".windowed > .line").first().click();
    await page.locator(".note").waitFor();
    expect(await page.locator(".note").innerText()).toMatch(/payload is gone[\s\S]*retention keeps 7 days/i);
    expect(await page.locator(".detail-facts").innerText()).toContain("orders/");
    expect(await axe(page)).toEqual([]);
  });

  test("what is masked is marked, with why", async () => {
    const page = await come();
    await toFlow(page, "4712");
    await page.locator(".windowed > .line").first().click();
    await page.locator(".json").waitFor();
    expect(await page.locator(".json-masked").count()).toBe(2);
    expect(await page.locator(".masked-why").innerText()).toMatch(
      /email, card_number: marked sensitive in the schema/,
    );
    expect(await page.locator(".detail a[target=_blank]").getAttribute("href")).toMatch(
      /^http:\/\/127\.0\.0\.1:16686\/trace\/[0-9a-f]{32}$/,
    );
  });
});

describe("the observer goes away", () => {
  test("the list says so, keeps its rows, and is fresh again by itself", async () => {
    const page = await come();
    await toFlows(page);
    await mock.stop();
    await page.locator(".bar", { hasText: "does not answer" }).waitFor();
    expect(await badge(page)).toMatch(/^observer away/);
    expect(await page.locator(".windowed > .flow-row").count()).toBeGreaterThan(10);
    expect(await axe(page)).toEqual([]);

    const flow = mock.find("4702");
    flow.summary = { ...flow.summary, status: "completed", why: "ended while nobody looked" };
    await mock.start();
    await page.locator(".flow-row", { hasText: "ended while nobody looked" }).waitFor();
    await page.locator(".bar").waitFor({ state: "detached" });
    await until(
      () => badge(page),
      (words) => words.startsWith("live"),
      "the badge",
    );
  });

  test("an observer that comes back with another index is shown as it is now", async () => {
    const page = await come();
    await toFlows(page);
    await mock.stop();
    await page.locator(".bar", { hasText: "does not answer" }).waitFor();
    const only = tell(completed("7000", Date.now()));
    only.summary.change = 1;
    mock.flows = [only];
    await mock.start();
    await page.locator(".flow-row", { hasText: "order 7000" }).waitFor();
    expect(await page.locator(".windowed > .flow-row").count()).toBe(1);
  });

  test("a page opened meanwhile waits, and comes by itself", async () => {
    const page = await come();
    await toFlows(page);
    mock.weather.slow_ms = 0;
    await mock.stop();
    await page.locator(".windowed > .flow-row a").first().click();
    await page.locator(".panel", { hasText: "does not answer" }).waitFor();
    expect(await axe(page)).toEqual([]);
    await mock.start();
    await page.locator(".why-words").waitFor();
  });

  test("a page that gets no stream says that it is not live, and tries again", async () => {
    mock.weather.streamless = true;
    const page = await come();
    await toFlows(page);
    await until(
      () => badge(page),
      (words) => words.startsWith("not live for"),
      "the badge",
    );
    await page.locator(".bar", { hasText: "sends nothing live" }).waitFor();
    mock.fair();
    await until(
      () => badge(page),
      (words) => words.startsWith("live"),
      "the badge",
    );
  });

  test("an index that says nothing more turns stale", async () => {
    const page = await come();
    await toFlows(page);
    mock.weather.silent = true;
    await until(
      () => badge(page),
      (words) => /^stale \d+ s/.test(words),
      "the badge",
    );
  });

  test("trouble of the observer itself stands in the badge", async () => {
    mock.weather.trouble = "broker out of reach at 127.0.0.1:9092";
    const page = await come();
    await toFlows(page);
    await until(
      () => badge(page),
      (words) => words.startsWith("broker out of reach"),
      "the badge",
    );
  });
});

describe("live", () => {
  test("a row changes in place, and a new one waits in the pill", async () => {
    const page = await come();
    await toFlows(page);
    const names = () => page.locator(".windowed > .flow-row a").allInnerTexts();
    const before = await names();
    const flow = mock.find("4702");
    flow.summary = {
      ...flow.summary,
      status: "completed",
      why: "ended with OrderConfirmed after 4 attempts",
    };
    mock.changed(flow);
    await page.locator(".flow-row", { hasText: "after 4 attempts" }).waitFor();
    expect(await names()).toEqual(before);

    mock.changed(tell(completed("6001", Date.now() + 1000)));
    mock.changed(tell(completed("6002", Date.now() + 1000)));
    await page.locator(".pill", { hasText: "2 new" }).click();
    await page.locator(".flow-row", { hasText: "order 6002" }).waitFor();
    expect((await names()).slice(0, 2)).toEqual(["order 6002", "order 6001"]);
    expect(await page.locator(".pill").count()).toBe(0);
  });

  test("a paused page stands still and counts, and shows all once it goes on", async () => {
    const page = await come();
    await toFlows(page);
    await until(
      async () => mock.listeners,
      (pages) => pages > 0,
      "a page that listens",
    );
    await page.keyboard.press("l");
    await until(
      () => badge(page),
      (words) => words.startsWith("paused"),
      "the badge",
    );
    const flow = mock.find("4702");
    const was = flow.summary.why;
    flow.summary = { ...flow.summary, why: "something else" };
    mock.changed(flow);
    await page.locator(".pill", { hasText: "1 changed while paused" }).waitFor();
    expect(await page.locator(".flow-row", { hasText: "order 4702" }).innerText()).toContain(was);
    await page.keyboard.press("l");
    await page.locator(".flow-row", { hasText: "something else" }).waitFor();
  });

  test("an open flow follows what happens to it", async () => {
    const page = await come();
    await toFlow(page, "4709");
    const flow = mock.find("4709");
    const done = tell(completed("4709", Date.now() - 5000));
    flow.events = done.events;
    flow.summary = {
      ...flow.summary,
      status: "completed",
      why: done.summary.why,
      event_count: done.events.length,
    };
    mock.changed(flow);
    await page.locator(".why-words", { hasText: "Ended with OrderConfirmed" }).waitFor();
    expect(await page.locator(".line-event").count()).toBe(6);
  });

  test("whoever steps back finds the list as it was", async () => {
    const page = await come();
    await toFlows(page);
    await page.evaluate(() => scrollTo(0, 3200));
    const row = page.locator(".windowed > .flow-row a", { hasText: "order 43" }).nth(5);
    const name = await row.innerText();
    await row.click();
    await page.locator(".why-words").waitFor();
    expect(await page.evaluate(() => scrollY)).toBe(0);
    await page.goBack();
    await page.locator(".windowed > .flow-row a", { hasText: name }).waitFor();
    expect(await page.evaluate(() => scrollY)).toBeGreaterThan(1000);
  });
});

describe("much of one thing", () => {
  test("what one event led to is listed up to a limit, and all of it stands in the tree", async () => {
    const page = await come();
    await toFlow(page, "4601");
    await page.locator(".windowed > .line").first().click();
    await page.locator(".reaction-out", { hasText: "and 400 more" }).waitFor();
    expect(await page.locator(".line", { hasText: "shipping" }).count()).toBeGreaterThan(0);
    await page.locator(".line-fold", { hasText: "412" }).waitFor();
  });

  test("of hundreds of attempts the newest are listed, and the others counted", async () => {
    const story = retrying("6100", Date.now() - 900_000, Date.now());
    const pay = story.root.reactions?.[0]?.emits?.[0]?.reactions?.[0];
    if (!pay) throw new Error("the story has a payment");
    const attempt = { ran: 20, outcome: "retry", error_code: "gateway_timeout" } as const;
    pay.attempts = Array.from({ length: 300 }, (_, nth) => ({ ...attempt, after: 10 + nth * 3000 }));
    mock.changed(tell(story));
    const page = await come();
    await toFlow(page, "6100");
    await page.locator(".line", { hasText: "300 attempts" }).waitFor();
    await page.locator(".line", { hasText: "StockReserved" }).first().click();
    await page.locator(".reaction", { hasText: "The newest 50 of 300 attempts" }).waitFor();
    expect(await page.locator(".attempts tbody tr").count()).toBe(50);
    expect(await axe(page)).toEqual([]);
  });
});

describe("services", () => {
  test("that are down stand on top, lead to the flows that wait, and are up again by themselves", async () => {
    const page = await come();
    await page.goto("/services");
    const first = page.locator(".service").first();
    await first.waitFor();
    expect(await first.innerText()).toMatch(/shipping[\s\S]*Down[\s\S]*last seen 31 min ago/);
    expect(await page.title()).toBe("(1) Services · Quadrille");
    expect(await page.locator(".service", { hasText: "notifications" }).innerText()).toContain(
      "1\u202f843 events, about 15.1 s",
    );
    await page.keyboard.press("f");
    await page.keyboard.press("f");
    expect(await focus(page)).toBe("button: payments");
    mock.weather.shipping = true;
    mock.speakIndex();
    await page.locator(".service.tone-good", { hasText: "shipping" }).waitFor();
    await page.locator(".service", { hasText: "shipping" }).getByRole("link", { name: /wait/ }).click();
    await page.locator(".flow-row", { hasText: "order 4698" }).waitFor();
    expect(new URL(page.url()).searchParams.get("service")).toBe("shipping");
  });

  test("none yet, and an observer that is away, are told", async () => {
    mock.weather.empty = true;
    const page = await come();
    await toPanel(page, "/services");
    expect(await page.locator(".panel").innerText()).toContain("No service yet");
    expect(await axe(page)).toEqual([]);
    mock.fair();
    mock.speakIndex();
    await page.locator(".service").first().waitFor();
    await mock.stop();
    await page.locator(".bar", { hasText: "does not answer" }).waitFor();
    expect(await page.locator(".service").count()).toBe(5);
    await mock.start();
    await page.locator(".bar").waitFor({ state: "detached" });
  });
});

describe("filters of a flow", () => {
  test("of 400 shipments those that failed are left, with what led to them", async () => {
    const page = await come();
    await toFlow(page, "4601");
    await page.getByLabel("Reaction").selectOption("parked");
    await page.locator(".flow-filters", { hasText: "9 of 413 events fit" }).waitFor();
    expect(new URL(page.url()).search).toBe("?status=parked");
    await page.locator(".line-fold", { hasText: "×9" }).click();
    await page.locator(".line-reaction", { hasText: "unknown_line" }).first().waitFor();
    expect(await page.locator(".line.context", { hasText: "OrderPlaced" }).count()).toBe(1);
    expect(await page.locator(".line", { hasText: "inventory" }).count()).toBe(0);
    expect(await axe(page)).toEqual([]);
    await page.keyboard.press("3");
    await until(
      () => page.locator(".line-record").count(),
      (records) => records === 9,
      "records that fit",
    );
    await page.getByRole("button", { name: "Clear filters" }).click();
    await until(
      () => page.locator(".line-record").count(),
      (records) => records > 20,
      "all records",
    );
  });
});

describe("filters", () => {
  test("a counter filters the list and stands in the address", async () => {
    const page = await come();
    await toFlows(page);
    await page.getByRole("button", { name: /Blocked/ }).click();
    await until(
      () => page.locator(".windowed > .flow-row").count(),
      (rows) => rows === 2,
      "blocked rows",
    );
    expect(new URL(page.url()).search).toBe("?status=blocked");
    await page.getByLabel("Waits for, or fails at").selectOption("payments");
    await page.locator(".panel", { hasText: "No flow matches" }).waitFor();
    await page.getByRole("link", { name: "In any status" }).click();
    await page.locator(".flow-row", { hasText: "order 4702" }).waitFor();
    expect(new URL(page.url()).search).toBe("?service=payments");
  });

  test("the next page comes when one scrolls", async () => {
    const page = await come();
    await toFlows(page);
    for (let nth = 0; nth < 12; nth += 1) await page.mouse.wheel(0, 2000);
    await page.locator(".list-foot", { hasText: "all that match" }).waitFor();
    expect(await page.locator(".windowed > .flow-row").count()).toBeLessThan(80);
  });
});

describe("keys", () => {
  test("j, k, f and b move the focus, Enter opens", async () => {
    const page = await come();
    await toFlows(page);
    await page.keyboard.press("f");
    expect(await focus(page)).toBe("a: order 4711");
    await page.keyboard.press("f");
    expect(await focus(page)).toBe("a: order 4702");
    await page.keyboard.press("b");
    expect(await focus(page)).toBe("a: order 4711");
    await page.keyboard.press("j");
    expect(await focus(page)).toBe("a: order 4712");
    await page.keyboard.press("k");
    await page.keyboard.press("Enter");
    await page.locator(".why-words").waitFor();
    expect(await heading(page)).toBe("order 4711");
    expect(await why(page)).toMatch(/^Shipping could not handle PaymentCaptured/);
  });

  test("in a flow, keys go to problems, fold, and turn the axis", async () => {
    const page = await come();
    await toFlow(page, "4711");
    await page.keyboard.press("f");
    expect(await focus(page)).toMatch(/^row: parked\s*shipping/);
    await page.keyboard.press("t");
    expect(new URL(page.url()).searchParams.get("axis")).toBe("wall");
    await page.keyboard.press("[");
    expect(await page.locator(".windowed > .line").count()).toBe(1);
    await page.keyboard.press("o");
    expect(await page.locator(".windowed > .line").count()).toBe(3);
    await page.keyboard.press("p");
    expect(await page.locator(".windowed > .line").count()).toBe(1);
    await page.keyboard.press("]");
    expect(await page.locator(".windowed > .line").count()).toBe(9);
    await page.keyboard.press("2");
    const row = page.locator(".windowed > .line").first();
    await row.focus();
    await page.keyboard.press("ArrowLeft");
    expect(await row.getAttribute("aria-expanded")).toBe("false");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowRight");
    expect(await focus(page)).toMatch(/^row: done\s*inventory/);
    await page.keyboard.press("End");
    expect(await focus(page)).toMatch(/^row: done\s*orders/);
  });

  test("what has the focus is never hidden below what sticks to the top", async () => {
    const page = await come({ height: 420 });
    await toFlows(page);
    const hidden = () =>
      page.evaluate(() => {
        const at = document.activeElement?.getBoundingClientRect();
        const over = document.querySelector(".flow-head, .lines-head")?.getBoundingClientRect();
        return at && over ? at.top < over.bottom - 1 || at.bottom > innerHeight + 1 : true;
      });
    for (let nth = 0; nth < 24; nth += 1) await page.keyboard.press("j");
    for (let nth = 0; nth < 20; nth += 1) {
      await page.keyboard.press("k");
      expect(await hidden()).toBe(false);
    }
    for (let nth = 0; nth < 12; nth += 1) await page.keyboard.press("j");
    for (let nth = 0; nth < 10; nth += 1) {
      await page.keyboard.press("Shift+Tab");
      expect(await hidden()).toBe(false);
    }
    await toFlow(page, "4601", "?view=records");
    for (let nth = 0; nth < 40; nth += 1) await page.keyboard.press("j");
    for (let nth = 0; nth < 30; nth += 1) {
      await page.keyboard.press("k");
      expect(await hidden()).toBe(false);
    }
  });

  test("the focus is never taken from where a person has put it", async () => {
    const page = await come();
    await toFlow(page, "4709");
    await page.keyboard.press("End");
    for (let nth = 0; nth < 20; nth += 1) await page.keyboard.press("j");
    expect(await focus(page)).toMatch(/^row: done\s*orders/);
    await page.getByRole("tab", { name: "Timeline" }).focus();
    // A change draws all of it anew.
    const flow = mock.find("4709");
    flow.summary = { ...flow.summary, why: "payments is slow" };
    mock.changed(flow);
    await page.locator(".why-words", { hasText: "Payments is slow" }).waitFor();
    expect(await focus(page)).toBe("tab: Timeline");
  });

  test("y copies a link that lasts", async () => {
    const page = await come();
    await toFlows(page, "?status=parked&since=24h");
    await page.keyboard.press("y");
    await page.locator(".toast").waitFor();
    const link = new URL(await page.evaluate(() => navigator.clipboard.readText()));
    expect(link.searchParams.get("status")).toBe("parked");
    expect(Number.isFinite(Date.parse(link.searchParams.get("since") ?? ""))).toBe(true);
  });

  test("single keys can be switched off, and stay off", async () => {
    const page = await come();
    await toFlows(page);
    await page.keyboard.press("?");
    await page.locator("dialog[open]").waitFor();
    expect(await axe(page)).toEqual([]);
    await page.getByLabel("Single keys act").uncheck();
    await page.keyboard.press("Escape");
    await page.locator("dialog[open]").waitFor({ state: "detached" });
    await page.keyboard.press("f");
    expect(await focus(page)).not.toContain("order");
    await page.reload();
    await page.locator(".windowed > .flow-row").first().waitFor();
    await page.keyboard.press("/");
    expect(await focus(page)).not.toContain("combobox");
    await page.keyboard.press("Control+k");
    expect(await focus(page)).toContain("combobox");
  });

  test("search finds by event, by record and by trace, and says what it looked for", async () => {
    const page = await come();
    const flow = mock.find("4711");
    const event = flow.events[2];
    if (!event) throw new Error("order 4711 has three events");
    for (const what of [event.id, `${event.topic}/${event.partition}/${event.offset}`]) {
      await toFlows(page);
      await page.keyboard.press("/");
      await page.keyboard.type(what);
      await page.keyboard.press("Enter");
      await page.locator(".detail h2", { hasText: "PaymentCaptured" }).waitFor();
      expect(new URL(page.url()).searchParams.get("e")).toBe(event.id);
    }
    await toFlows(page);
    await page.keyboard.press("/");
    await page.keyboard.type("nobody knows");
    await page.locator(".search-say", { hasText: "Looked for: flow id, business key" }).waitFor();
    expect(await axe(page)).toEqual([]);
  });

  test("links of other tools lead to the flow", async () => {
    const page = await come();
    const event = mock.find("4711").events[2];
    if (!event) throw new Error("order 4711 has three events");
    for (const link of [`/e/${event.topic}/${event.partition}/${event.offset}`, `/find?q=${event.id}`]) {
      await page.goto(link);
      await page.locator(".detail h2", { hasText: "PaymentCaptured" }).waitFor();
    }
    await page.goto(`/trace/${event.trace_id}`);
    await page.locator(".why-words").waitFor();
    expect(await heading(page)).toBe("order 4711");
    await toPanel(page, "/find?key=nobody");
    expect(await page.locator(".panel").innerText()).toMatch(/Nothing is called nobody[\s\S]*flow id/);
    expect(await axe(page)).toEqual([]);
  });

  test("the theme is chosen, and remembered", async () => {
    const page = await come({ theme: "light" });
    await toFlows(page);
    const ground = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    const light = await ground();
    await page.getByRole("button", { name: /^Theme: system/ }).click();
    await page.getByRole("button", { name: /^Theme: light/ }).click();
    expect(await ground()).not.toBe(light);
    await page.reload();
    expect(await page.evaluate(() => document.documentElement.dataset.theme)).toBe("dark");
  });
});

describe("a flow of 10 000 events", () => {
  const big = () => {
    const flow = tell(many("9999", Date.now() - 3_600_000, 9_999));
    mock.flows.push(flow);
    return flow;
  };

  test("draws few rows, folded and unfolded, to its very end", async () => {
    big();
    const page = await come();
    const begun = Date.now();
    await toFlow(page, "9999");
    const painted = Date.now() - begun;
    const most = async () => page.locator("[role=row]").count();
    expect(await most()).toBeLessThan(30);
    await page.locator(".list-foot", { hasText: "10 000 events, all of them" }).waitFor({ timeout: 30_000 });
    const fold = page.locator(".line-fold");
    await until(
      () => fold.innerText(),
      (words) => /ShipmentDispatched\s*×9\s999\s*\(218 failed\)/.test(words),
      "the fold",
    );

    await page.keyboard.press("]");
    await until(most, (rows) => rows > 20, "unfolded rows");
    let worst = await most();
    for (let nth = 0; nth < 30; nth += 1) {
      await page.mouse.wheel(0, 9000);
      worst = Math.max(worst, await most());
    }
    await page.locator(".windowed > .line").first().focus();
    await page.keyboard.press("End");
    await until(
      () => focus(page),
      (words) => words.includes("orders"),
      "the last row",
    );
    worst = Math.max(worst, await most());
    console.log(`10 000 events: first rows after ${painted} ms, at most ${worst} rows drawn`);
    expect(worst).toBeLessThanOrEqual(300);
    expect(await axe(page)).toEqual([]);
  });

  test("a link to an event far down finds it, whatever page and fold it is in", async () => {
    const flow = big();
    const event = flow.events[4321];
    if (!event) throw new Error("there are 10 000 events");
    const page = await come();
    await page.goto(`/flows/9999?e=${event.id}`);
    await page.locator(".detail", { hasText: event.id }).waitFor({ timeout: 30_000 });
    await page.locator(".line.chosen").waitFor();
    expect(await page.locator("[role=row]").count()).toBeLessThanOrEqual(300);
  });

  test("the next problem is found on a page that is not loaded", async () => {
    mock.flows.push(tell(parked("9001", Date.now())), tell(retrying("9002", Date.now(), Date.now())));
    const page = await come();
    await toFlow(page, "4601");
    await page.keyboard.press("f");
    expect(await focus(page)).toMatch(/ShipmentDispatched\s*×412/);
  });
});
