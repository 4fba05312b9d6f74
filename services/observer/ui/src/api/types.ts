// What the observer answers. Times are RFC 3339 in UTC, durations are milliseconds and end in `_ms`.
// The shapes are held against the answers in `check.ts` and `answers.ts`; nothing else reads raw JSON.

export const STATUSES = [
  "parked",
  "blocked",
  "retrying",
  "running",
  "unknown",
  "completed",
  "compensated",
  "settled",
] as const;
export type Status = (typeof STATUSES)[number];

/** How fresh the answers are. */
export interface IndexState {
  change: number;
  /** The cluster that is read: another one has other flows. */
  cluster?: string;
  caught_up: boolean;
  behind_records: number;
  behind_ms: number;
  eta_ms?: number;
  read_percent?: number;
  /** Whether the broker answers: `waiting` is never yet, `away` is no more. */
  broker: "waiting" | "answers" | "away";
  broker_since?: string;
  trouble?: string;
  flows: number;
  events: number;
  receipts: number;
  bytes: number;
}

export interface Key {
  space: string;
  key: string;
}

export interface FlowSummary {
  id: string;
  type?: string;
  status: Status;
  why: string;
  keys: Key[];
  started_at?: string;
  last_at?: string;
  took_ms: number;
  event_count: number;
  failed_count: number;
  last_event?: string;
  outcomes: string[];
  services: string[];
  change: number;
}

export type Counts = Record<Status, number>;

export interface FlowPage {
  flows: FlowSummary[];
  next?: string;
  counts: Counts;
  types: string[];
  index: IndexState;
}

export interface Attempt {
  attempt: number;
  outcome: "done" | "retry" | "parked" | "duplicate";
  error_code?: string;
  started_at: string;
  duration_ms: number;
  next_attempt_at?: string;
  instance: string;
  code_version: string;
}

export interface Reaction {
  service: string;
  reaction: string;
  status: "done" | "retrying" | "parked" | "waiting";
  why?: string;
  duplicates: number;
  /** The newest. */
  attempts: Attempt[];
  attempt_count: number;
  ran_ms: number;
  /** The first of their ids. */
  emitted: string[];
  emitted_count: number;
  may_emit: string[];
}

export interface EventView {
  id: string;
  source: string;
  type: string;
  kind: "fact" | "failure" | "outcome" | "notice" | "unknown";
  key?: string;
  cause?: string;
  time?: string;
  after_ms: number;
  topic: string;
  partition: number;
  offset: number;
  depth: number;
  parent?: number;
  /** The service whose reaction to the parent emitted it. */
  emitted_by?: string;
  place: number;
  cause_missing: boolean;
  read: boolean;
  copies: number;
  trace_id?: string;
  reactions: Reaction[];
}

export interface FlowView extends FlowSummary {
  events: EventView[];
  next?: string;
  notes: string[];
  others: FlowSummary[];
  index: IndexState;
}

export interface RecordView {
  topic: string;
  partition: number;
  offset: number;
  time?: string;
  key?: string;
  type?: string;
  flow?: string;
  event_id?: string;
  headers: [string, string][];
  bytes: number;
  data?: unknown;
  data_error?: string;
  masked: string[];
  reactions: Reaction[];
}

export interface Found {
  kind: "flow" | "key" | "event" | "record" | "trace" | "none";
  flows: FlowSummary[];
  event?: string;
  tried: string[];
}

/** A partition that an instance has. */
export interface AssignedView {
  topic: string;
  partition: number;
  paused: boolean;
  unfinished: number;
  low_water: number;
  lag: number;
}

export interface InstanceView {
  instance: string;
  code_version: string;
  activity: string;
  at: string;
  alive: boolean;
  assignment: AssignedView[];
  retrying_count: number;
  parked_count: number;
  skipped_count: number;
}

export interface ServiceView {
  name: string;
  alive: boolean;
  last_seen?: string;
  lag: number;
  lag_ms: number;
  unassigned: number;
  paused: number;
  retrying: number;
  instances: InstanceView[];
  reacts_to: string[];
  may_emit: string[];
  originates: string[];
  waiting_flows: number;
  parked_flows: number;
}

/** What a service has promised, as far as the pages show it. */
export interface ContractView {
  service: string;
  code_version: string;
  start: string;
  reactions: { name: string; event: string; emits: string[] }[];
}

export interface ContractsPage {
  contracts: ContractView[];
}

export interface ServicesPage {
  services: ServiceView[];
  index: IndexState;
}

export interface StatusView {
  index: IndexState;
  version: string;
  trace_link?: string;
}

/** Some flows changed. `more` says that not all of them are listed. */
export interface FlowsChanged {
  changed: FlowSummary[];
  more: boolean;
  counts: Counts;
  index: IndexState;
}

export interface FlowChanged {
  /** What the stream was asked for: the id, or a business key. */
  asked?: string;
  id: string;
  change: number;
  status: Status;
  why: string;
}

/** No flow is called so yet. */
export interface FlowUnknown {
  asked: string;
  error: string;
  mend: string;
}
