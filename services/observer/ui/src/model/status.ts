// The words of a flow's status, and which of them are problems.
import type { EventView, Reaction, Status } from "../api/types";

export type Tone = "danger" | "blocked" | "warning" | "accent" | "good" | "undone" | "quiet";

export interface StatusWords {
  word: string;
  tone: Tone;
  /** What it means, for whoever sees the word for the first time. */
  means: string;
}

export const STATUS_WORDS: Record<Status, StatusWords> = {
  parked: { word: "Parked", tone: "danger", means: "an event was put aside: a person has to look" },
  blocked: { word: "Blocked", tone: "blocked", means: "nobody is there to react, or they are paused" },
  retrying: { word: "Retrying", tone: "warning", means: "an attempt failed, and another one is due" },
  running: { word: "Running", tone: "accent", means: "reactions are at work or about to be" },
  unknown: { word: "Unknown", tone: "quiet", means: "the index is behind, so nobody can say" },
  completed: { word: "Completed", tone: "good", means: "ended with an outcome" },
  compensated: { word: "Compensated", tone: "undone", means: "ended, and what was done was undone" },
  settled: { word: "Settled", tone: "quiet", means: "every reaction is done, without an outcome" },
};

/** Counters stand in these groups, most urgent first. */
export const STATUS_GROUPS: { title: string; statuses: Status[] }[] = [
  { title: "Needs attention", statuses: ["parked", "blocked", "retrying"] },
  { title: "Under way", statuses: ["running", "unknown"] },
  { title: "At rest", statuses: ["completed", "compensated", "settled"] },
];

export const PROBLEMS: readonly Status[] = ["parked", "blocked", "retrying"];

export function isProblem(status: Status): boolean {
  return PROBLEMS.includes(status);
}

export function isAtRest(status: Status): boolean {
  return ["parked", "completed", "compensated", "settled"].includes(status);
}

export const REACTION_WORDS: Record<Reaction["status"], { word: string; tone: Tone }> = {
  done: { word: "done", tone: "good" },
  retrying: { word: "retrying", tone: "warning" },
  parked: { word: "parked", tone: "danger" },
  waiting: { word: "waiting", tone: "quiet" },
};

export const KIND_WORDS: Record<EventView["kind"], { word: string; tone: Tone }> = {
  fact: { word: "fact", tone: "quiet" },
  failure: { word: "failure", tone: "danger" },
  outcome: { word: "outcome", tone: "good" },
  notice: { word: "notice", tone: "quiet" },
  unknown: { word: "unknown type", tone: "quiet" },
};
