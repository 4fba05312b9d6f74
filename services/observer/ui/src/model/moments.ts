// When the things of a flow happened, as a row of the timeline draws them.
import type { Attempt, EventView, FlowView, Reaction } from "../api/types";
import type { AxisKind } from "./address";
import { type Axis, elastic, previous, type Span, wall } from "./axis";
import type { Row } from "./tree";
import { instant } from "./words";

export interface Bar {
  from: number;
  to: number;
  /** `waiting` has not happened: it lasts until now, or until it is due. */
  look: Attempt["outcome"] | "waiting";
  words: string;
}

/** Milliseconds since 1970 at which an event came, whichever way that is known. */
export function eventInstant(event: EventView, flowStart: number): number {
  return event.time === undefined ? flowStart + event.after_ms : instant(event.time);
}

/** Where the flow begins: what `after_ms` is counted from. */
export function flowStart(flow: Pick<FlowView, "started_at">, events: readonly EventView[]): number {
  if (flow.started_at !== undefined) return instant(flow.started_at);
  const timed = events.find((event) => event.time !== undefined);
  return timed?.time === undefined ? 0 : instant(timed.time) - timed.after_ms;
}

export interface Scale {
  axis: Axis;
  /** From an instant of this row to a share of the width. */
  place(row: Row, ms: number): number;
}

/** The axis that shows all of these events, and how far a wait that is not over has come. */
export function scale(kind: AxisKind, events: readonly EventView[], start: number, now: number): Scale {
  if (kind === "previous") {
    const causes = new Map(events.map((event) => [event.place, eventInstant(event, start)]));
    const begin = (row: Row) => {
      if (row.kind === "fold") return start;
      const own = eventInstant(row.event, start);
      if (row.kind !== "event" || row.event.parent === undefined) return own;
      return causes.get(row.event.parent) ?? own;
    };
    let longest = 0;
    for (const event of events) {
      const own = eventInstant(event, start);
      const cause = event.parent === undefined ? undefined : causes.get(event.parent);
      if (cause !== undefined) longest = Math.max(longest, own - cause);
      for (const { to } of reactionSpans(event, now)) longest = Math.max(longest, to - own);
    }
    const axis = previous(longest);
    return { axis, place: (row, ms) => axis.place(Math.max(0, ms - begin(row))) };
  }
  const spans = events.flatMap((event) => {
    const at = eventInstant(event, start);
    return [{ from: at, to: at }, ...reactionSpans(event, now)];
  });
  const axis = kind === "wall" ? wall(spans) : elastic(spans);
  return { axis, place: (_, ms) => axis.place(ms) };
}

/** When its attempts ran, and the instants at which one is due or a wait has come to. A wait itself is idle. */
function reactionSpans(event: EventView, now: number): Span[] {
  return event.reactions.flatMap((reaction) => {
    const spans = reaction.attempts.map((attempt): Span => {
      const from = instant(attempt.started_at);
      return { from, to: from + attempt.duration_ms };
    });
    const due = dueAt(reaction);
    if (due !== undefined) spans.push({ from: due, to: due });
    if (reaction.status === "waiting") spans.push({ from: now, to: now });
    return spans;
  });
}

/** When the next attempt is due, if one is. */
export function dueAt(reaction: Reaction): number | undefined {
  const last = reaction.attempts.at(-1);
  if (reaction.status !== "retrying" || last?.next_attempt_at === undefined) return undefined;
  return instant(last.next_attempt_at);
}

/** The attempts of a reaction, and what it waits for, as bars. */
export function bars(event: EventView, reaction: Reaction, start: number, now: number): Bar[] {
  const found: Bar[] = reaction.attempts.map((attempt) => {
    const from = instant(attempt.started_at);
    const look = attempt.outcome;
    return { from, to: from + attempt.duration_ms, look, words: attemptWords(attempt) };
  });
  const due = dueAt(reaction);
  const lastEnd = found.at(-1)?.to ?? eventInstant(event, start);
  if (due !== undefined) found.push({ from: lastEnd, to: due, look: "waiting", words: "next attempt" });
  if (reaction.status === "waiting") {
    found.push({ from: lastEnd, to: Math.max(now, lastEnd), look: "waiting", words: "waiting" });
  }
  return found;
}

export function attemptWords(attempt: Attempt): string {
  const code = attempt.error_code ? ` ${attempt.error_code}` : "";
  return `attempt ${attempt.attempt}: ${attempt.outcome}${code}`;
}
