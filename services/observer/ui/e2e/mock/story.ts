// Tells a flow as a tree of what caused what, and makes of it what the API answers.
import { createHash } from "node:crypto";
import type { Attempt, EventView, FlowSummary, Reaction, Status } from "../../src/api/types";

export interface Told {
  type: string;
  source: string;
  kind?: EventView["kind"];
  /** Milliseconds after the flow's start. */
  after: number;
  data?: Record<string, unknown>;
  reactions?: ToldReaction[];
  copies?: number;
}

export interface ToldReaction {
  service: string;
  status?: Reaction["status"];
  why?: string;
  attempts?: (Partial<Attempt> & { after: number; ran: number })[];
  emits?: Told[];
  may?: string[];
  duplicates?: number;
}

export interface Story {
  key: string;
  space?: string;
  start: number;
  status: Status;
  why: string;
  root: Told;
  notes?: string[];
}

export interface StoredFlow {
  summary: FlowSummary;
  events: EventView[];
  notes: string[];
  data: Map<string, Record<string, unknown>>;
}

/** As the observer does, no more are told of either. */
const EMITTED_MAX = 100;
const ATTEMPTS_MAX = 50;

let offsets = 40;
let change = 0;

export function nextChange(): number {
  change += 1;
  return change;
}

export function time(ms: number): string {
  const micros = Math.round((ms - Math.floor(ms)) * 1000);
  return new Date(Math.floor(ms)).toISOString().replace("Z", `${String(micros % 1000).padStart(3, "0")}Z`);
}

/** Ids look like ids and are the same in every run. */
export function idOf(words: string): string {
  const text = createHash("sha256").update(words).digest("hex").slice(0, 32);
  return [
    text.slice(0, 8),
    text.slice(8, 12),
    `5${text.slice(13, 16)}`,
    `a${text.slice(17, 20)}`,
    text.slice(20),
  ].join("-");
}

export function tell(story: Story): StoredFlow {
  const { key, space = "order", start, status, why, root, notes = [] } = story;
  const id = idOf(`flow ${space} ${key}`);
  const events: EventView[] = [];
  const data = new Map<string, Record<string, unknown>>();
  const add = (told: Told, depth: number, parent?: EventView, by?: string): string => {
    const place = events.length;
    const eventId = idOf(`${key} ${told.type} ${place}`);
    const topic = told.type.split(".")[0] ?? "events";
    offsets += 1 + (place % 3);
    const view: EventView = {
      id: eventId,
      source: told.source,
      type: told.type,
      kind: told.kind ?? "fact",
      key,
      ...(parent ? { cause: parent.id, parent: parent.place, emitted_by: by } : {}),
      time: time(start + told.after),
      after_ms: told.after,
      topic,
      partition: (key.length + place) % 6,
      offset: offsets,
      depth,
      place,
      cause_missing: false,
      read: true,
      copies: told.copies ?? 1,
      trace_id: idOf(`trace ${key}`).replaceAll("-", ""),
      reactions: [],
    };
    events.push(view);
    data.set(eventId, told.data ?? { order_id: key });
    for (const reaction of told.reactions ?? []) {
      view.reactions.push(react(reaction, told, view));
      const last = view.reactions.at(-1);
      for (const child of reaction.emits ?? []) {
        const id = add(child, depth + 1, view, reaction.service);
        if (last && last.emitted.length < EMITTED_MAX) last.emitted.push(id);
        if (last) last.emitted_count += 1;
      }
    }
    return eventId;
  };
  const react = (told: ToldReaction, event: Told, view: EventView): Reaction => {
    const first = { after: event.after + 0.8, ran: 0.4 };
    const attempts = (told.attempts ?? (told.status === "waiting" ? [] : [first])).map(
      ({ after, ran, ...rest }, nth): Attempt => ({
        attempt: nth + 1,
        outcome: "done",
        started_at: time(start + after),
        duration_ms: ran,
        instance: `${told.service}-1`,
        code_version: "0.4.2",
        ...rest,
      }),
    );
    return {
      service: told.service,
      reaction: snake(view.type),
      status: told.status ?? "done",
      ...(told.why ? { why: told.why } : {}),
      duplicates: told.duplicates ?? 0,
      attempts: attempts.slice(-ATTEMPTS_MAX),
      attempt_count: attempts.length,
      ran_ms: attempts.reduce((sum, { duration_ms }) => sum + duration_ms, 0),
      emitted: [],
      emitted_count: 0,
      may_emit: told.may ?? [],
    };
  };
  add(root, 0);
  const last = events.reduce((most, event) => Math.max(most, event.after_ms), 0);
  const failed = events.flatMap(({ reactions }) => reactions.flatMap(({ attempts }) => attempts));
  const summary: FlowSummary = {
    id,
    type: root.type,
    status,
    why,
    keys: [{ space, key }],
    started_at: time(start),
    last_at: time(start + last),
    took_ms: last,
    event_count: events.length,
    failed_count: failed.filter(({ outcome }) => outcome === "retry" || outcome === "parked").length,
    last_event: events.at(-1)?.type,
    outcomes: events.filter(({ kind }) => kind === "outcome").map(({ type }) => type),
    services: [...new Set(events.flatMap(({ reactions }) => reactions.map(({ service }) => service)))],
    change: nextChange(),
  };
  return { summary, events, notes, data };
}

function snake(type: string): string {
  const name = type.slice(type.lastIndexOf(".") + 1);
  return name.replace(/(?<!^)[A-Z]/g, (letter) => `_${letter}`).toLowerCase();
}
