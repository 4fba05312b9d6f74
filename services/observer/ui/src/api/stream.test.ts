// The stream's life, with an EventSource that the test speaks through and a clock that the test moves.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Link, Stream } from "./stream";

class Source {
  static all: Source[] = [];
  onopen?: () => void;
  onerror?: () => void;
  closed = false;
  private told = new Map<string, (message: { data: string }) => void>();
  constructor(readonly url: string) {
    Source.all.push(this);
  }
  addEventListener(name: string, listener: (message: { data: string }) => void) {
    this.told.set(name, listener);
  }
  say(name: string, data: string) {
    this.told.get(name)?.({ data });
  }
  close() {
    this.closed = true;
  }
}

const INDEX = {
  change: 7,
  caught_up: true,
  behind_records: 0,
  behind_ms: 0,
  broker: "answers",
  flows: 0,
  events: 0,
  receipts: 0,
  bytes: 0,
};
let links: Link["state"][];
let backs: number;
let heard: number[];
let stream: Stream;
const last = () => Source.all.at(-1) as Source;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("EventSource", Source);
  Source.all = [];
  links = [];
  backs = 0;
  heard = [];
  stream = new Stream({
    link: ({ state }) => links.push(state),
    index: ({ change }) => heard.push(change),
    back: () => {
      backs += 1;
    },
  });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("listens to its topics over one connection, which is replaced when they change", () => {
  stream.listen(["flows"]);
  last().onopen?.();
  stream.listen(["flows"]);
  expect(Source.all.length).toBe(1);
  stream.listen(["flow:a b"]);
  expect(Source.all.map(({ closed }) => closed)).toEqual([true, false]);
  expect(last().url).toBe("/api/stream?topics=flow%3Aa%20b");
});

test("tells what it hears, and goes on after a message that nobody can read", () => {
  const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
  stream.listen(["flows"]);
  last().say("index", JSON.stringify(INDEX));
  last().say("index", "{");
  last().say("index", JSON.stringify({ ...INDEX, change: "many" }));
  last().say("index", JSON.stringify({ ...INDEX, change: 8 }));
  expect(heard).toEqual([7, 8]);
  expect(warn).toHaveBeenCalledTimes(2);
  expect(last().closed).toBe(false);
});

test("tries again and again, more and more slowly, until it is back", () => {
  stream.listen(["flows"]);
  last().onopen?.();
  expect(backs).toBe(1);
  for (const wait of [500, 1000, 2000, 4000, 8000, 8000]) {
    const tried = Source.all.length;
    last().onerror?.();
    vi.advanceTimersByTime(wait - 1);
    expect(Source.all.length).toBe(tried);
    vi.advanceTimersByTime(1);
    expect(Source.all.length).toBe(tried + 1);
  }
  expect(links.at(-1)).toBe("away");
  last().onopen?.();
  expect(links.at(-1)).toBe("open");
  expect(backs).toBe(2);
});

test("takes a connection that is silent for dead", () => {
  stream.listen(["flows"]);
  last().onopen?.();
  vi.advanceTimersByTime(11_000);
  last().say("index", JSON.stringify(INDEX));
  vi.advanceTimersByTime(11_000);
  expect(links.at(-1)).toBe("open");
  vi.advanceTimersByTime(1_000);
  expect(links.at(-1)).toBe("away");
});

test("rests while nobody looks, and is fresh when somebody does", () => {
  stream.listen(["flows"]);
  last().onopen?.();
  stream.rest();
  expect(last().closed).toBe(true);
  vi.advanceTimersByTime(600_000);
  stream.listen(["flow:a"]);
  expect(Source.all.length).toBe(1);
  stream.wake();
  last().onopen?.();
  expect(last().url).toContain("flow%3Aa");
  expect(backs).toBe(2);
});
