import { describe, expect, test } from "vitest";
import type { EventView } from "../api/types";
import { type EventFilter, fitting } from "./event-filter";
import { event, reaction } from "./told";
import {
  AS_IT_COMES,
  allClosed,
  allOpen,
  eventRowId,
  grow,
  nextProblem,
  oneLevelLess,
  oneLevelMore,
  type Row,
  revealed,
  rows,
  toggled,
} from "./tree";

/** Rows as an indented text, so that a test shows what a person would see. */
function drawn(shown: Row[]): string[] {
  return shown.map((row) => {
    const words = {
      event: () => (row.kind === "event" ? row.event.id : ""),
      reaction: () => (row.kind === "reaction" ? `${row.reaction.status} ${row.reaction.service}` : ""),
      may: () => (row.kind === "may" ? `may ${row.type}` : ""),
      fold: () =>
        row.kind === "fold"
          ? `${row.type} ×${row.count}${row.partial ? "+" : ""} (${row.failed} failed)`
          : "",
    }[row.kind]();
    return `${"  ".repeat(row.level - 1)}${words}`;
  });
}

const order: EventView[] = [
  event(0, { reactions: [reaction("inventory"), reaction("orders")] }),
  event(1, {
    parent: 0,
    cause: "e0",
    emitted_by: "inventory",
    reactions: [
      reaction("payments", { status: "waiting", may_emit: ["PaymentCaptured", "PaymentDeclined"] }),
    ],
  }),
];

/** An event that made many others, of which some failed. */
function fan(count: number, failing: number): EventView[] {
  const ids = Array.from({ length: count }, (_, nth) => `e${nth + 1}`);
  const children = ids.map((id, nth) =>
    event(nth + 1, {
      id,
      parent: 0,
      emitted_by: "shipping",
      type: "Shipped",
      reactions: [reaction("orders", { status: nth < failing ? "parked" : "done" })],
    }),
  );
  return [event(0, { reactions: [reaction("shipping")] }), ...children];
}

describe("rows", () => {
  test("stand below what caused them, with what may still come", () => {
    expect(drawn(rows(grow(order, false), AS_IT_COMES))).toEqual([
      "e0",
      "  done inventory",
      "    e1",
      "      waiting payments",
      "        may PaymentCaptured",
      "        may PaymentDeclined",
      "  done orders",
    ]);
  });

  test("say their level and their place among their siblings", () => {
    const shown = rows(grow(order, false), AS_IT_COMES);
    expect(shown.map(({ level, nth, siblings }) => [level, nth, siblings])).toEqual([
      [1, 1, 1],
      [2, 1, 2],
      [3, 1, 1],
      [4, 1, 1],
      [5, 1, 2],
      [5, 2, 2],
      [2, 2, 2],
    ]);
  });

  test("an event that no reaction is known to have emitted stands below its cause itself", () => {
    const events = [event(0), event(1, { parent: 0 })];
    expect(drawn(rows(grow(events, false), AS_IT_COMES))).toEqual(["e0", "  e1"]);
  });

  test("events without a cause in the index stand at the top", () => {
    const events = [event(0), event(1, { cause: "gone", cause_missing: true })];
    expect(drawn(rows(grow(events, false), AS_IT_COMES))).toEqual(["e0", "e1"]);
  });

  test("two events of one id, from two sources, are two rows", () => {
    const events = [event(0), event(1, { id: "e0", source: "shop" })];
    const shown = rows(grow(events, false), AS_IT_COMES);
    expect(new Set(shown.map(({ id }) => id)).size).toBe(2);
  });
});

describe("many alike", () => {
  test("are one row from five on, which says how many failed", () => {
    expect(drawn(rows(grow(fan(4, 1), false), AS_IT_COMES)).length).toBe(2 + 4 * 2);
    expect(drawn(rows(grow(fan(412, 9), false), AS_IT_COMES))).toEqual([
      "e0",
      "  done shipping",
      "    Shipped ×412 (9 failed)",
    ]);
  });

  test("may be more than are loaded", () => {
    expect(drawn(rows(grow(fan(6, 0), true), AS_IT_COMES)).at(-1)).toBe("    Shipped ×6+ (0 failed)");
  });

  test("are shown once the row is opened", () => {
    const roots = grow(fan(6, 0), false);
    const shown = rows(roots, AS_IT_COMES);
    const fold = shown.at(-1);
    if (!fold) throw new Error("there is a row");
    const opened = rows(roots, toggled(AS_IT_COMES, fold));
    expect(opened.length).toBe(3 + 6 * 2);
    expect(opened.at(-1)?.level).toBe(5);
  });
});

describe("opening and closing", () => {
  const roots = grow(order, false);
  const shown = (open = AS_IT_COMES) => rows(roots, open);

  test("all, nothing, and one level at a time", () => {
    const closed = allClosed(roots);
    expect(drawn(shown(closed))).toEqual(["e0"]);
    const one = oneLevelMore(closed, shown(closed));
    expect(drawn(shown(one))).toEqual(["e0", "  done inventory", "  done orders"]);
    expect(drawn(shown(oneLevelLess(one, shown(one))))).toEqual(["e0"]);
    expect(shown(oneLevelLess(AS_IT_COMES, shown())).length).toBe(5);
    expect(shown(allOpen(roots)).length).toBe(7);
  });

  test("an event that is asked for is revealed, whatever hides it", () => {
    const hidden = grow(fan(30, 0), false);
    const open = revealed(hidden, allClosed(hidden), "e17");
    expect(drawn(rows(hidden, open))).toContain("        e17".slice(2));
    expect(revealed(hidden, open, "e17")).toBe(open);
    expect(revealed(hidden, open, "nobody")).toBe(open);
  });
});

describe("a filter", () => {
  const drawnBy = (filter: EventFilter, events = order) =>
    drawn(rows(grow(events, false, fitting(filter)), AS_IT_COMES));

  test("keeps what fits, and what led to it as context", () => {
    const shown = rows(grow(order, false, fitting({ status: "waiting" })), AS_IT_COMES);
    expect(drawn(shown)).toEqual([
      "e0",
      "  done inventory",
      "    e1",
      "      waiting payments",
      "        may PaymentCaptured",
      "        may PaymentDeclined",
    ]);
    expect(shown.map(({ context }) => context)).toEqual([true, true, false, false, false, false]);
  });

  test("of a service keeps its reactions alone", () => {
    expect(drawnBy({ service: "inventory" })).toEqual(["e0", "  done inventory"]);
  });

  test("that nothing fits leaves nothing, and folds count what fits", () => {
    expect(drawnBy({ text: "nothing of the kind" })).toEqual([]);
    expect(drawnBy({ status: "parked" }, fan(20, 6))).toEqual([
      "e0",
      "  done shipping",
      "    Shipped ×6 (6 failed)",
    ]);
    expect(drawnBy({ status: "parked" }, fan(20, 2)).length).toBe(6);
  });
});

test("problems are found in both directions", () => {
  const shown = rows(grow(order, false), AS_IT_COMES);
  expect(nextProblem(shown, -1, 1)).toBe(3);
  expect(nextProblem(shown, 3, 1)).toBe(-1);
  expect(nextProblem(shown, 6, -1)).toBe(3);
});

test("a chain of 10 000 events and a fan of as many are flattened, without a call for each level", () => {
  const chain = Array.from({ length: 10_000 }, (_, nth) =>
    event(nth, {
      ...(nth ? { parent: nth - 1, emitted_by: "next" } : {}),
      reactions: [reaction("next")],
    }),
  );
  expect(rows(grow(chain, false), AS_IT_COMES).length).toBe(20_000);
  expect(rows(grow(fan(9_999, 9), false), AS_IT_COMES).length).toBe(3);
});

test("a row's id does not change when events come before it", () => {
  const [first] = order;
  if (!first) throw new Error("there is one");
  expect(eventRowId({ ...first, place: 9 })).toBe(eventRowId(first));
});
