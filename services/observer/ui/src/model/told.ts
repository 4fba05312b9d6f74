// Events and flows for tests, with whatever the test does not care about filled in.
import type { EventView, FlowSummary, Reaction } from "../api/types";

export function event(place: number, more: Partial<EventView> = {}): EventView {
  return {
    id: `e${place}`,
    source: "orders",
    type: "orders.v1.OrderPlaced",
    kind: "fact",
    after_ms: place,
    topic: "orders",
    partition: 0,
    offset: place,
    depth: 0,
    place,
    cause_missing: false,
    read: true,
    copies: 1,
    reactions: [],
    ...more,
  };
}

export function reaction(service: string, more: Partial<Reaction> = {}): Reaction {
  return {
    service,
    reaction: "order_placed",
    status: "done",
    duplicates: 0,
    attempts: [],
    attempt_count: more.attempts?.length ?? 0,
    ran_ms: (more.attempts ?? []).reduce((sum, { duration_ms }) => sum + duration_ms, 0),
    emitted: [],
    emitted_count: more.emitted?.length ?? 0,
    may_emit: [],
    ...more,
  };
}

export function summary(id: string, more: Partial<FlowSummary> = {}): FlowSummary {
  return {
    id,
    status: "running",
    why: "it runs",
    keys: [{ space: "order", key: id }],
    took_ms: 1,
    event_count: 1,
    failed_count: 0,
    outcomes: [],
    services: [],
    change: 1,
    ...more,
  };
}
