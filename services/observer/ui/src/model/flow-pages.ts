// A flow comes in pages, in the order of its cause tree. This puts them together.
import type { EventView, FlowView } from "../api/types";

export interface LoadedFlow {
  /** The newest answer, for all but the events. */
  head: FlowView;
  events: EventView[];
  next?: string;
}

export function first(page: FlowView): LoadedFlow {
  return { head: page, events: page.events, next: page.next };
}

/** The page after those that are there. Events that a change pushed from one page to the next are not doubled;
 * the flow is asked for again after a change anyway. */
export function appended(flow: LoadedFlow, page: FlowView): LoadedFlow {
  const last = flow.events.at(-1)?.place ?? -1;
  const events = [...flow.events, ...page.events.filter((event) => event.place > last)];
  return { head: { ...flow.head, index: page.index }, events, next: page.next };
}

/** The event with this id; an id may stand twice, from two sources, and then the first is meant. */
export function eventById(flow: LoadedFlow, id: string | undefined): EventView | undefined {
  return id === undefined ? undefined : flow.events.find((event) => event.id === id);
}
