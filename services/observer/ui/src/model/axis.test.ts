import { describe, expect, test } from "vitest";
import { elastic, previous, type Span, wall } from "./axis";

const DAY = 86_400_000;
const at = (...instants: number[]): Span[] => instants.map((from) => ({ from, to: from }));

describe("the elastic axis", () => {
  test("folds days in which nothing happened, and says how long they were", () => {
    const axis = elastic(at(0, 80, 2 * DAY, 2 * DAY + 90, 3 * DAY));
    expect(axis.folds.map(({ words }) => words)).toEqual(["2 d idle", "1 d idle"]);
    expect(axis.ticks.map(({ words }) => words)).toEqual(["0", "+2 d", "+3 d"]);
  });

  test("folds nothing in a flow that never rests", () => {
    const axis = elastic(at(0, 4, 9, 14));
    expect(axis.folds).toEqual([]);
    expect(axis.place(7)).toBeCloseTo(0.5);
  });

  test("never calls an attempt that runs idle", () => {
    const axis = elastic([...at(0), { from: 1, to: 30_000 }, ...at(30_010)]);
    expect(axis.folds).toEqual([]);
  });

  test("keeps the order of time, from 0 to 1", () => {
    const instants = [0, 3, 1050, 3100, 7200, 15_300, DAY, DAY + 5];
    const axis = elastic(at(...instants));
    const places = instants.map((ms) => axis.place(ms));
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(places[0]).toBe(0);
    expect(places.at(-1)).toBeCloseTo(1);
    expect(axis.place(-5)).toBe(0);
    expect(axis.place(9 * DAY)).toBe(1);
  });

  test("leaves room for what happened, however many folds there are", () => {
    const axis = elastic(at(...Array.from({ length: 40 }, (_, nth) => nth * DAY)));
    const folded = axis.folds.reduce((sum, { from, to }) => sum + to - from, 0);
    expect(axis.folds.length).toBeLessThanOrEqual(8);
    expect(folded).toBeLessThanOrEqual(0.56);
  });

  test("bears a single instant, and none", () => {
    expect(elastic(at(5)).place(5)).toBe(0);
    expect(elastic([]).place(5)).toBe(1);
  });
});

describe("the wall axis", () => {
  test("is to scale, with round steps", () => {
    const axis = wall(at(1000, 1014));
    expect(axis.place(1007)).toBe(0.5);
    expect(axis.ticks.map(({ words }) => words)).toEqual([
      "0",
      "+2 ms",
      "+4 ms",
      "+6 ms",
      "+8 ms",
      "+10 ms",
      "+12 ms",
      "+14 ms",
    ]);
  });

  test("has steps of a clock for hours and days", () => {
    expect(wall(at(0, 5 * 3_600_000)).ticks.map(({ words }) => words)[1]).toBe("+1 h");
    expect(wall(at(0, 12 * DAY)).ticks.map(({ words }) => words)[1]).toBe("+2 d");
  });
});

test("since the cause, a wait of days and a reaction of milliseconds both show", () => {
  const axis = previous(2 * DAY);
  expect(axis.place(0)).toBe(0);
  expect(axis.place(2)).toBeGreaterThan(0.05);
  expect(axis.place(2 * DAY)).toBeLessThanOrEqual(1);
  expect(axis.place(2 * DAY)).toBeGreaterThan(axis.place(DAY / 2));
});
