import { expect, test } from "vitest";
import type { IndexState } from "../api/types";
import { freshness, type Seen } from "./freshness";

const NOW = 1_000_000;
const index: IndexState = {
  change: 1,
  caught_up: true,
  behind_records: 3,
  behind_ms: 800,
  broker: "answers",
  flows: 1,
  events: 1,
  receipts: 1,
  bytes: 1,
};
const time = (ms: number) => new Date(ms).toISOString();
const seen = (more: Partial<Seen> = {}): Seen => ({
  link: { state: "open" },
  index,
  heard: NOW - 1000,
  paused: false,
  ...more,
});

test.each<[string, Seen, string]>([
  [
    "before the first word",
    seen({ index: undefined, heard: undefined, link: { state: "connecting" } }),
    "connecting",
  ],
  ["live", seen(), "live · index 0.8 s behind"],
  ["nothing is behind", seen({ index: { ...index, behind_ms: 0, behind_records: 0 } }), "live · up to date"],
  ["minutes behind", seen({ index: { ...index, behind_ms: 184_000 } }), "live · index 3 min 4 s behind"],
  ["paused", seen({ paused: true }), "paused · index 0.8 s behind"],
  ["a tab that was hidden comes back", seen({ heard: 0, link: { state: "connecting" } }), "connecting"],
  ["another screen connects anew", seen({ link: { state: "connecting" } }), "live · index 0.8 s behind"],
  ["silent", seen({ heard: NOW - 180_000 }), "stale 3 min"],
  [
    "catching up",
    seen({ index: { ...index, caught_up: false, read_percent: 43.9, eta_ms: 11_200 } }),
    "catching up 43 %, 12 s left",
  ],
  ["catching up, nobody knows how far", seen({ index: { ...index, caught_up: false } }), "catching up"],
  ["trouble", seen({ index: { ...index, trouble: "broker out of reach" } }), "broker out of reach"],
  [
    "the broker comes later",
    seen({ index: { ...index, caught_up: false, broker: "waiting", broker_since: time(NOW - 12_000) } }),
    "no broker yet for 12 s",
  ],
  [
    "the broker went",
    seen({ index: { ...index, trouble: "nobody answers", broker: "away", broker_since: time(NOW - 3000) } }),
    "broker away for 3 s",
  ],
  ["away", seen({ link: { state: "away", since: NOW - 4000, again: NOW + 2500 } }), "observer away for 4 s"],
  [
    "only the stream is away",
    seen({ link: { state: "away", since: NOW - 4000, again: NOW + 2500, answers: true } }),
    "not live for 4 s",
  ],
])("%s", (_, state, words) => expect(freshness(state, NOW).words).toBe(words));

test("away says when it tries again, and is told before anything older", () => {
  const away = freshness(
    seen({ heard: 0, link: { state: "away", since: NOW - 4000, again: NOW + 2500 } }),
    NOW,
  );
  expect(away.detail).toContain("Next try in 3 s");
  expect(away.tone).toBe("danger");
});
