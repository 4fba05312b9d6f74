// How a service stands, in a word and a sentence: from who of it is alive, and how far it is.
import type { InstanceView, ServiceView } from "../api/types";
import type { Tone } from "./status";
import { age, count, duration, instant, plural } from "./words";

export interface Standing {
  /** Most urgent first: the order of the list. */
  rank: number;
  word: string;
  tone: Tone;
  icon: "blocked" | "warning" | "retrying" | "running" | "done";
  why: string;
}

/** Below this, being behind is not worth a word of warning. */
const LAG_MS = 5_000;

export function standing(service: ServiceView, now: number): Standing {
  const { alive, last_seen, unassigned, paused, lag, lag_ms, retrying } = service;
  if (!alive) {
    const seen = last_seen === undefined ? undefined : age(now - instant(last_seen));
    const why =
      seen === undefined
        ? "no instance of it was seen in the last hour"
        : `no instance of it is alive; one was last seen ${seen} ago`;
    return { rank: 0, word: "Down", tone: "blocked", icon: "blocked", why };
  }
  const activities = new Set(service.instances.filter((each) => each.alive).map(({ activity }) => activity));
  if (!activities.has("running")) {
    const why = activities.has("waiting")
      ? "it waits for what it needs: a topic, the broker, or its partitions"
      : "it finishes what it has begun, and takes nothing new";
    const word = activities.has("waiting") ? "Waiting" : "Draining";
    return { rank: 1, word, tone: "warning", icon: "warning", why };
  }
  if (unassigned > 0) {
    const why = `${plural(unassigned, "partition")} of its topics ${unassigned === 1 ? "is" : "are"} at nobody`;
    return { rank: 2, word: "Partly", tone: "warning", icon: "warning", why };
  }
  if (paused > 0) {
    const why = `${plural(paused, "partition")} paused: too much is unfinished`;
    return { rank: 3, word: "Paused", tone: "warning", icon: "warning", why };
  }
  if (retrying > 0) {
    const why = `${plural(retrying, "event")} ${retrying === 1 ? "waits" : "wait"} for another attempt`;
    return { rank: 4, word: "Retrying", tone: "warning", icon: "retrying", why };
  }
  if (lag_ms > LAG_MS) {
    const why = `it is ${plural(lag, "event")} behind`;
    return { rank: 5, word: "Lagging", tone: "warning", icon: "running", why };
  }
  return { rank: 6, word: "Running", tone: "good", icon: "done", why: "it reacts to events" };
}

/** Those first that somebody has to look at. */
export function inOrder(services: readonly ServiceView[], now: number): ServiceView[] {
  const ranked = services.map((service) => ({ service, rank: standing(service, now).rank }));
  ranked.sort((a, b) => a.rank - b.rank || a.service.name.localeCompare(b.service.name));
  return ranked.map(({ service }) => service);
}

/** "up to date", "32 events", "32 events, about 8 s"; nothing where nobody can say. */
export function lagWords({ alive, lag, lag_ms }: ServiceView): string {
  if (!alive) return "–";
  if (lag === 0) return "up to date";
  const time = lag_ms > 0 ? `, about ${duration(lag_ms)}` : "";
  return `${plural(lag, "event")}${time}`;
}

/** Versions of those that are alive, or else of those that were. */
export function versions({ instances }: ServiceView): string[] {
  const alive = instances.filter((instance) => instance.alive);
  const told = alive.length > 0 ? alive : instances;
  return [...new Set(told.map(({ code_version }) => code_version))].sort();
}

/** "orders 0–5, payments 1": the partitions of an instance, few words for many. */
export function partitionWords({ assignment }: InstanceView): string {
  const topics = new Map<string, number[]>();
  for (const { topic, partition } of assignment) {
    const known = topics.get(topic);
    if (known) known.push(partition);
    else topics.set(topic, [partition]);
  }
  const words = [...topics].map(([topic, numbers]) => `${topic} ${spans(numbers)}`);
  return words.join(", ") || "none";
}

function spans(numbers: number[]): string {
  const sorted = [...numbers].sort((a, b) => a - b);
  const found: [number, number][] = [];
  for (const number of sorted) {
    const last = found.at(-1);
    if (last && number === last[1] + 1) last[1] = number;
    else found.push([number, number]);
  }
  return found.map(([from, to]) => (from === to ? count(from) : `${count(from)}–${count(to)}`)).join(" ");
}
