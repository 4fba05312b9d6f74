import { expect, test } from "vitest";
import { visible } from "./rows";

test.each([
  ["above all of it", 100, { first: 0, end: 30 }],
  ["in the middle", -3200, { first: 95, end: 134 }],
  ["at the end", -31_900, { first: 991, end: 1000 }],
  ["below all of it", -99_000, { first: 1000, end: 1000 }],
  ["not in sight yet", 5000, { first: 0, end: 0 }],
])("%s", (_, top, window) => expect(visible(top, 900, 32, 1000, 5)).toEqual(window));

test("a list of nothing shows nothing", () => {
  expect(visible(0, 900, 32, 0, 5)).toEqual({ first: 0, end: 0 });
});
