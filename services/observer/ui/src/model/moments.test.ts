import { describe, expect, test } from "vitest";
import type { Attempt } from "../api/types";
import { bars, dueAt, eventInstant, flowStart, scale } from "./moments";
import { event, reaction } from "./told";
import { AS_IT_COMES, grow, rows } from "./tree";

const START = Date.parse("2026-11-27T12:00:00Z");
const at = (ms: number) => new Date(START + ms).toISOString();
const attempt = (nth: number, from: number, ran_ms: number, more: Partial<Attempt> = {}): Attempt => ({
  attempt: nth,
  outcome: "done",
  started_at: at(from),
  duration_ms: ran_ms,
  instance: "a",
  code_version: "1",
  ...more,
});

test("a flow begins where it says, or where its first timed event says", () => {
  expect(flowStart({ started_at: at(5) }, [])).toBe(START + 5);
  expect(flowStart({}, [event(0), event(1, { time: at(9), after_ms: 4 })])).toBe(START + 5);
  expect(eventInstant(event(0, { after_ms: 7 }), START)).toBe(START + 7);
});

describe("a reaction as bars", () => {
  test("that is done has its attempts", () => {
    const done = reaction("payments", {
      attempts: [attempt(1, 2, 3, { outcome: "retry" }), attempt(2, 9, 1)],
    });
    expect(
      bars(event(0), done, START, START + 99).map(({ from, to, look }) => [from - START, to - START, look]),
    ).toEqual([
      [2, 5, "retry"],
      [9, 10, "done"],
    ]);
    expect(dueAt(done)).toBeUndefined();
  });

  test("that is retried waits until it is due", () => {
    const last = attempt(1, 2, 3, { outcome: "retry", next_attempt_at: at(500) });
    const retrying = reaction("payments", { status: "retrying", attempts: [last] });
    expect(bars(event(0), retrying, START, START).at(-1)).toMatchObject({
      from: START + 5,
      to: START + 500,
      look: "waiting",
    });
  });

  test("that waits does so since its event, until now", () => {
    const waiting = reaction("payments", { status: "waiting" });
    expect(bars(event(0, { after_ms: 4 }), waiting, START, START + 60)).toEqual([
      { from: START + 4, to: START + 60, look: "waiting", words: "waiting" },
    ]);
  });
});

describe("scales", () => {
  const events = [
    event(0, { after_ms: 0, reactions: [reaction("payments", { status: "waiting", emitted: ["e1"] })] }),
    event(1, { after_ms: 172_800_000, parent: 0 }),
  ];
  const shown = rows(grow(events, false), AS_IT_COMES);

  test("fold a wait of days that is not over", () => {
    expect(scale("elastic", events.slice(0, 1), START, START + 172_800_000).axis.folds.length).toBe(1);
  });

  test("since the cause, each row begins at its own cause", () => {
    const { place } = scale("previous", events, START, START);
    const [root] = shown;
    const child = shown.find((row) => row.kind === "event" && row.event.place === 1);
    if (!root || !child) throw new Error("both rows are shown");
    expect(place(root, START)).toBe(0);
    expect(place(child, START + 172_800_000)).toBeGreaterThan(0.8);
  });
});
