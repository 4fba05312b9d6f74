// One check for each shape of `types.ts`.
import { anything, type Check, flag, list, number, object, oneOf, optional, pair, text } from "./check";
import type {
  AssignedView,
  Attempt,
  ContractsPage,
  ContractView,
  Counts,
  EventView,
  FlowChanged,
  FlowPage,
  FlowSummary,
  FlowsChanged,
  FlowUnknown,
  FlowView,
  Found,
  IndexState,
  InstanceView,
  Key,
  Reaction,
  RecordView,
  ServicesPage,
  ServiceView,
  StatusView,
} from "./types";
import { STATUSES } from "./types";

const status = oneOf(STATUSES);

export const indexState = object<IndexState>({
  change: number,
  cluster: optional(text),
  caught_up: flag,
  behind_records: number,
  behind_ms: number,
  eta_ms: optional(number),
  read_percent: optional(number),
  broker: oneOf(["waiting", "answers", "away"]),
  broker_since: optional(text),
  trouble: optional(text),
  flows: number,
  events: number,
  receipts: number,
  bytes: number,
});

/** A status that nobody has may be left out. */
const counts: Check<Counts> = (value, at) => {
  const given = object<{ [K in keyof Counts]?: number }>({
    parked: optional(number),
    blocked: optional(number),
    retrying: optional(number),
    running: optional(number),
    unknown: optional(number),
    completed: optional(number),
    compensated: optional(number),
    settled: optional(number),
  })(value, at);
  return Object.fromEntries(STATUSES.map((each) => [each, given[each] ?? 0])) as Counts;
};

const summary = {
  id: text,
  type: optional(text),
  status,
  why: text,
  keys: list(object<Key>({ space: text, key: text })),
  started_at: optional(text),
  last_at: optional(text),
  took_ms: number,
  event_count: number,
  failed_count: number,
  last_event: optional(text),
  outcomes: list(text),
  services: list(text),
  change: number,
};

export const flowSummary = object<FlowSummary>(summary);

export const flowPage = object<FlowPage>({
  flows: list(flowSummary),
  next: optional(text),
  counts,
  types: list(text),
  index: indexState,
});

const attempt = object<Attempt>({
  attempt: number,
  outcome: oneOf(["done", "retry", "parked", "duplicate"]),
  error_code: optional(text),
  started_at: text,
  duration_ms: number,
  next_attempt_at: optional(text),
  instance: text,
  code_version: text,
});

const reaction = object<Reaction>({
  service: text,
  reaction: text,
  status: oneOf(["done", "retrying", "parked", "waiting"]),
  why: optional(text),
  duplicates: number,
  attempts: list(attempt),
  attempt_count: number,
  ran_ms: number,
  emitted: list(text),
  emitted_count: number,
  may_emit: list(text),
});

const eventView = object<EventView>({
  id: text,
  source: text,
  type: text,
  kind: oneOf(["fact", "failure", "outcome", "notice", "unknown"]),
  key: optional(text),
  cause: optional(text),
  time: optional(text),
  after_ms: number,
  topic: text,
  partition: number,
  offset: number,
  depth: number,
  parent: optional(number),
  emitted_by: optional(text),
  place: number,
  cause_missing: flag,
  read: flag,
  copies: number,
  trace_id: optional(text),
  reactions: list(reaction),
});

export const flowView = object<FlowView>({
  ...summary,
  events: list(eventView),
  next: optional(text),
  notes: list(text),
  others: list(flowSummary),
  index: indexState,
});

export const recordView = object<RecordView>({
  topic: text,
  partition: number,
  offset: number,
  time: optional(text),
  key: optional(text),
  type: optional(text),
  flow: optional(text),
  event_id: optional(text),
  headers: list(pair),
  bytes: number,
  data: anything,
  data_error: optional(text),
  masked: list(text),
  reactions: list(reaction),
});

export const found = object<Found>({
  kind: oneOf(["flow", "key", "event", "record", "trace", "none"]),
  flows: list(flowSummary),
  event: optional(text),
  tried: list(text),
});

const assigned = object<AssignedView>({
  topic: text,
  partition: number,
  paused: flag,
  unfinished: number,
  low_water: number,
  lag: number,
});

const instance = object<InstanceView>({
  instance: text,
  code_version: text,
  activity: text,
  at: text,
  alive: flag,
  assignment: list(assigned),
  retrying_count: number,
  parked_count: number,
  skipped_count: number,
});

const service = object<ServiceView>({
  name: text,
  alive: flag,
  last_seen: optional(text),
  lag: number,
  lag_ms: number,
  unassigned: number,
  paused: number,
  retrying: number,
  instances: list(instance),
  reacts_to: list(text),
  may_emit: list(text),
  originates: list(text),
  waiting_flows: number,
  parked_flows: number,
});

const promise = object<ContractView["reactions"][number]>({ name: text, event: text, emits: list(text) });

export const contractsPage = object<ContractsPage>({
  contracts: list(
    object<ContractView>({ service: text, code_version: text, start: text, reactions: list(promise) }),
  ),
});

export const servicesPage = object<ServicesPage>({
  services: list(service),
  index: indexState,
});

export const statusView = object<StatusView>({
  index: indexState,
  version: text,
  trace_link: optional(text),
});

export const flowsChanged = object<FlowsChanged>({
  changed: list(flowSummary),
  more: flag,
  counts,
  index: indexState,
});

export const flowChanged = object<FlowChanged>({
  asked: optional(text),
  id: text,
  change: number,
  status,
  why: text,
});
export const flowUnknown = object<FlowUnknown>({ asked: text, error: text, mend: text });
