import { describe, expect, test } from "vitest";
import {
  age,
  ago,
  bytes,
  clock,
  count,
  duration,
  flowName,
  instant,
  plural,
  sentence,
  sourceName,
  typeName,
  typePackage,
} from "./words";

describe("duration", () => {
  test.each([
    [-3, "0 ms"],
    [0, "0 ms"],
    [0.09, "0.09 ms"],
    [0.999, "1 ms"],
    [14.1, "14.1 ms"],
    [99.97, "100 ms"],
    [999.6, "1 s"],
    [1200, "1.2 s"],
    [59_960, "1 min"],
    [184_000, "3 min 4 s"],
    [3_599_900, "1 h"],
    [7_500_000, "2 h 5 min"],
    [86_399_999, "1 d"],
    [273_600_000, "3 d 4 h"],
  ])("%d ms is %s", (ms, words) => expect(duration(ms)).toBe(words));
});

test("an age has one unit, and is never negative", () => {
  expect([-5, 500, 12_400, 185_000, 10_900_000, 90_000_000, 200_000_000].map(age)).toEqual([
    "now",
    "now",
    "12 s",
    "3 min",
    "3 h",
    "25 h",
    "2 d",
  ]);
});

test("thousands are parted by a thin space", () => {
  expect(count(999)).toBe("999");
  expect(count(1_234_567)).toBe("1\u202f234\u202f567");
  expect(plural(1, "event")).toBe("1 event");
  expect(plural(2, "event")).toBe("2 events");
});

test("types and flows have short names", () => {
  expect(typeName("orders.v1.OrderPlaced")).toBe("OrderPlaced");
  expect(typePackage("orders.v1.OrderPlaced")).toBe("orders.v1");
  expect(typeName("Bare")).toBe("Bare");
  expect(typePackage("Bare")).toBe("");
  expect(sourceName("/quadrille/orders")).toBe("orders");
  expect(sourceName("https://shop.example/checkout")).toBe("https://shop.example/checkout");
  expect([ago(-1), ago(3100)]).toEqual(["just now", "3 s ago"]);
  expect(flowName({ id: "0123456789", keys: [{ space: "order", key: "4711" }] })).toBe("order 4711");
  expect(flowName({ id: "0123456789", keys: [] })).toBe("01234567");
});

test("an instant keeps what is below a millisecond", () => {
  expect(instant("2026-11-20T16:02:05.123456Z") - Date.parse("2026-11-20T16:02:05Z")).toBeCloseTo(123.456, 3);
  expect(instant("2026-11-20T16:02:05.5Z")).toBe(Date.parse("2026-11-20T16:02:05.500Z"));
  expect(instant("2026-11-20T16:02:05Z")).toBe(Date.parse("2026-11-20T16:02:05Z"));
});

test("a clock shows as much of the day as is needed", () => {
  const now = new Date(2026, 10, 27, 18, 0, 0).getTime();
  expect(clock(new Date(2026, 10, 27, 9, 5, 7).getTime(), now)).toBe("09:05:07");
  expect(clock(new Date(2026, 10, 24, 9, 5, 7).getTime(), now)).toBe("Tue 09:05:07");
  expect(clock(new Date(2026, 9, 1, 9, 5, 7).getTime(), now)).toBe("1 Oct 09:05:07");
  expect(clock(new Date(2025, 9, 1, 9, 5, 7).getTime(), now)).toBe("1 Oct 2025 09:05:07");
});

test("sizes and sentences", () => {
  expect([12, 2310, 4_500_000, 2_000_000_000].map(bytes)).toEqual(["12 B", "2.3 kB", "4.5 MB", "2 GB"]);
  expect(sentence("no flow has this id")).toBe("No flow has this id.");
  expect(sentence("What?")).toBe("What?");
  expect(sentence("")).toBe("");
});
