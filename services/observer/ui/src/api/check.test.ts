import { describe, expect, test } from "vitest";
import { flowPage, flowSummary } from "./answers";
import { Garbled, list, number, object, optional, text } from "./check";

const flow = {
  id: "a",
  status: "parked",
  why: "it is parked",
  keys: [{ space: "order", key: "4711" }],
  took_ms: 1.5,
  event_count: 3,
  failed_count: 1,
  outcomes: [],
  services: ["shipping"],
  change: 7,
};

test("an answer as agreed is taken; unknown fields and nulls are left out", () => {
  expect(flowSummary({ ...flow, type: null, colour: "red" }, "flow")).toEqual(flow);
});

describe("an answer that is not as agreed is refused, with the place", () => {
  test.each<[string, unknown, string]>([
    ["absent", { ...flow, why: undefined }, "flow.why should be text, and is absent"],
    ["of another kind", { ...flow, took_ms: "1" }, 'flow.took_ms should be a number, and is "1"'],
    ["not a number", { ...flow, change: Number.NaN }, "flow.change should be a number, and is null"],
    [
      "deep within",
      { ...flow, keys: [{ space: "order" }] },
      "flow.keys[0].key should be text, and is absent",
    ],
    ["an unknown word", { ...flow, status: "lost" }, "flow.status should be one of parked, blocked"],
    ["a list", [flow], "flow should be an object"],
  ])("%s", (_, value, words) => {
    expect(() => flowSummary(value, "flow")).toThrow(Garbled);
    expect(() => flowSummary(value, "flow")).toThrow(words);
  });
});

test("a status that nobody has may be missing from the counts", () => {
  const index = {
    change: 1,
    caught_up: true,
    behind_records: 0,
    behind_ms: 0,
    broker: "answers",
    flows: 1,
    events: 1,
    receipts: 0,
    bytes: 9,
  };
  const page = flowPage({ flows: [flow], counts: { parked: 1 }, types: [], index }, "page");
  expect(page.counts).toMatchObject({ parked: 1, completed: 0 });
  expect(page.next).toBeUndefined();
});

test("long values are not repeated in full", () => {
  const check = object<{ a: number; b?: string[] }>({ a: number, b: optional(list(text)) });
  expect(() => check({ a: "x".repeat(500) }, "it")).toThrow(/…$/);
  expect(check({ a: 1, b: ["c"] }, "it")).toEqual({ a: 1, b: ["c"] });
});
