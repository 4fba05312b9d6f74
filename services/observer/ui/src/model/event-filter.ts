// Which events of one flow are wanted. All that is named must fit; what led to an event that fits is kept beside
// it, so that a filtered tree is still a tree.
import type { EventView, Reaction } from "../api/types";
import { sourceName, typeName } from "./words";

export const REACTION_STATUSES = ["parked", "retrying", "waiting", "done"] as const;
export type ReactionStatus = (typeof REACTION_STATUSES)[number];

export interface EventFilter {
  type?: string;
  /** It emitted the event, or reacts to it. */
  service?: string;
  /** How one of its reactions stands. */
  status?: ReactionStatus;
  /** In its names, ids, key, place, or in what its reactions say. */
  text?: string;
}

export interface Fits {
  event(event: EventView): boolean;
  /** Whether a reaction to an event that fits is wanted too. */
  reaction(reaction: Reaction): boolean;
}

/** Nothing where all events are wanted. */
export function fitting({ type, service, status, text }: EventFilter): Fits | undefined {
  if (!type && !service && !status && !text) return undefined;
  const words = (text ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  const reaction = (each: Reaction) =>
    (!service || each.service === service) && (!status || each.status === status);
  return {
    reaction,
    event(event) {
      if (type && event.type !== type) return false;
      const emitted = !status && service !== undefined && sourceName(event.source) === service;
      if ((service || status) && !emitted && !event.reactions.some(reaction)) return false;
      const all = words.length > 0 ? wordsOf(event) : "";
      return words.every((word) => all.includes(word));
    },
  };
}

const told = new WeakMap<EventView, string>();

/** All that is to be found of an event, made once for each: people type letter by letter. */
function wordsOf(event: EventView): string {
  const known = told.get(event);
  if (known !== undefined) return known;
  const { id, type, key, source, topic, partition, offset, trace_id } = event;
  const place = `${topic}/${partition}@${offset}`;
  const reactions = event.reactions.flatMap(({ service, reaction, status, why, attempts }) => [
    service,
    reaction,
    status,
    why,
    ...attempts.map(({ error_code }) => error_code),
  ]);
  const all = [id, type, typeName(type), key, source, place, trace_id, ...reactions];
  const words = all.filter(Boolean).join(" ").toLowerCase();
  told.set(event, words);
  return words;
}

/** What there is to choose from, among the events that are loaded. */
export function choices(events: readonly EventView[]): { types: string[]; services: string[] } {
  const types = new Set<string>();
  const services = new Set<string>();
  for (const { type, source, reactions } of events) {
    types.add(type);
    services.add(sourceName(source));
    for (const { service } of reactions) services.add(service);
  }
  return { types: [...types].sort(), services: [...services].sort() };
}
