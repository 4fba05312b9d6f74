import { describe, expect, test } from "vitest";
import { type Counts, type FlowPage, STATUSES } from "../api/types";
import { ALL_FLOWS } from "./address";
import { type FlowList, fromPage, matches, waitingWords, withChange, withPage } from "./flow-list";
import { summary } from "./told";

const counts = Object.fromEntries(STATUSES.map((status) => [status, 1])) as Counts;
const page = (flows: FlowPage["flows"], next?: string): FlowPage => ({
  flows,
  next,
  counts,
  types: [],
  index: {
    change: 1,
    caught_up: true,
    behind_records: 0,
    behind_ms: 0,
    broker: "answers",
    flows: 0,
    events: 0,
    receipts: 0,
    bytes: 0,
  },
});
const NOW = Date.parse("2026-11-27T12:00:00Z");
const list = (): FlowList => fromPage(page([summary("a"), summary("b")], "2"), NOW);
const names = ({ rows }: FlowList) => rows.map(({ id, why }) => `${id} ${why}`);
const one = (flow: ReturnType<typeof summary>, more = false) => ({ changed: [flow], more });

describe("a change", () => {
  test("of a row on the screen is shown where it stands", () => {
    const changed = withChange(list(), one(summary("b", { change: 2, why: "it failed" })), ALL_FLOWS, false);
    expect(names(changed)).toEqual(["a it runs", "b it failed"]);
    expect(waitingWords(changed)).toBeUndefined();
  });

  test("that is older than what is shown is not shown", () => {
    const newer = withChange(list(), one(summary("b", { change: 5, why: "new" })), ALL_FLOWS, false);
    const older = withChange(newer, one(summary("b", { change: 4, why: "old" })), ALL_FLOWS, false);
    expect(names(older)).toContain("b new");
    // After a restart the observer counts anew, and what it says then is newer whatever its number.
    const anew = withChange(
      newer,
      { ...one(summary("b", { change: 1, why: "anew" })), restarted: true },
      ALL_FLOWS,
      false,
    );
    expect(names(anew)).toContain("b anew");
  });

  test("of a flow that is not on the screen waits, new or not", () => {
    const fresh = one(summary("c", { started_at: "2026-11-27T12:00:01Z" }));
    const old = one(summary("d", { started_at: "2026-11-27T11:00:00Z" }));
    const first = withChange(list(), fresh, ALL_FLOWS, false);
    expect(waitingWords(first)).toBe("1 new");
    expect(names(first)).toEqual(names(list()));
    expect(waitingWords(withChange(list(), old, ALL_FLOWS, false))).toBe("1 changed");
    expect(waitingWords(withChange(first, old, ALL_FLOWS, false))).toBe("2 new or changed");
    expect(waitingWords(withChange(first, { ...fresh, more: true }, ALL_FLOWS, false))).toBe(
      "1+ new or changed",
    );
  });

  test("changes nothing while the person paused, and is counted", () => {
    const held = withChange(
      list(),
      { ...one(summary("b", { why: "it failed" })), counts: { ...counts, parked: 9 } },
      ALL_FLOWS,
      true,
    );
    expect(names(held)).toEqual(names(list()));
    expect(held.counts?.parked).toBe(1);
    expect(waitingWords(held)).toBe("1 changed");
  });
});

test("what waits is not counted without end", () => {
  const many = Array.from({ length: 5000 }, (_, nth) => summary(`n${nth}`));
  let waits = list();
  for (let nth = 0; nth < many.length; nth += 100) {
    waits = withChange(waits, { changed: many.slice(nth, nth + 100), more: false }, ALL_FLOWS, false);
  }
  expect(waits.waiting.size).toBeLessThan(1000);
  expect(waitingWords(waits)).toMatch(/^9\d\d\+ new or changed$/);
});

test("a page that begins with what moved is not shown twice", () => {
  const longer = withPage(list(), page([summary("b", { change: 3, why: "newer" }), summary("c")]));
  expect(names(longer)).toEqual(["a it runs", "b newer", "c it runs"]);
  expect(longer.next).toBeUndefined();
});

test.each([
  [{ status: ["parked" as const] }, false],
  [{ status: ["running" as const] }, true],
  [{ type: "orders.v1.OrderPlaced" }, true],
  [{ type: "other" }, false],
  [{ service: "shipping" }, true],
  [{ service: "payments" }, false],
  [{ q: "47" }, true],
  [{ q: "11" }, false],
])("%j matches: %s", (filter, expected) => {
  const flow = summary("4711", { type: "orders.v1.OrderPlaced", services: ["shipping"] });
  expect(matches(flow, { ...ALL_FLOWS, ...filter })).toBe(expected);
});
