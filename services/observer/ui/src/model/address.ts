// The address bar holds all that a person may want to share. This reads it and writes it.
import { STATUSES, type Status } from "../api/types";
import { type EventFilter, REACTION_STATUSES } from "./event-filter";

export interface FlowsAddress {
  screen: "flows";
  status: Status[];
  type?: string;
  service?: string;
  /** One of `SINCE`, or an RFC 3339 time. */
  since?: string;
  until?: string;
  q?: string;
}

export const VIEWS = ["timeline", "tree", "records"] as const;
export const AXES = ["elastic", "wall", "previous"] as const;
export type View = (typeof VIEWS)[number];
export type AxisKind = (typeof AXES)[number];

export interface FlowAddress extends EventFilter {
  screen: "flow";
  id: string;
  view: View;
  axis: AxisKind;
  /** The timeline as a table. */
  table: boolean;
  /** The event whose detail is open. */
  event?: string;
}

/** Whatever one holds in hand, from a link of another tool: it leads on to the flow that is meant. */
export interface FindAddress {
  screen: "find";
  q: string;
}

/** Who takes part, and how far they are. */
export interface ServicesAddress {
  screen: "services";
  /** Services of which all is shown. */
  open: string[];
}

export interface NowhereAddress {
  screen: "nowhere";
  path: string;
}

export type Address = FlowsAddress | FlowAddress | FindAddress | ServicesAddress | NowhereAddress;

/** Since when, as one may choose it. */
export const SINCE: { value: string; words: string; ms: number }[] = [
  { value: "15m", words: "last 15 min", ms: 15 * 60_000 },
  { value: "1h", words: "last hour", ms: 3_600_000 },
  { value: "24h", words: "last 24 h", ms: 86_400_000 },
  { value: "7d", words: "last 7 days", ms: 7 * 86_400_000 },
];

export const ALL_FLOWS: FlowsAddress = { screen: "flows", status: [] };
export const ALL_SERVICES: ServicesAddress = { screen: "services", open: [] };

export function readAddress(path: string, search: string): Address {
  const query = new URLSearchParams(search);
  const given = (name: string) => query.get(name)?.trim() || undefined;
  const parts = path.split("/").filter((part) => part !== "");
  const [screen, id] = parts;
  if (parts.length === 0 || (screen === "flows" && parts.length === 1)) {
    const asked = (given("status") ?? "").split(",");
    return compact({
      screen: "flows",
      status: STATUSES.filter((status) => asked.includes(status)),
      type: given("type"),
      service: given("service"),
      since: readSince(given("since")),
      until: readTime(given("until")),
      q: given("q"),
    });
  }
  if (screen === "services" && parts.length === 1) {
    return { screen: "services", open: (given("open") ?? "").split(",").filter(Boolean) };
  }
  if (screen === "flows" && id !== undefined && parts.length === 2) {
    return compact({
      screen: "flow",
      id: decode(id),
      view: VIEWS.find((view) => view === given("view")) ?? "timeline",
      axis: AXES.find((axis) => axis === given("axis")) ?? "elastic",
      table: given("as") === "table",
      event: given("e"),
      type: given("type"),
      service: given("service"),
      status: REACTION_STATUSES.find((status) => status === given("status")),
      text: given("text"),
    });
  }
  const q = screen === "find" ? (given("q") ?? given("key")) : sought(parts.map(decode));
  return q === undefined ? { screen: "nowhere", path } : { screen: "find", q };
}

/** `/e/{topic}/{partition}/{offset}` and `/trace/{trace_id}`, as other tools may link to them. */
function sought([screen, ...rest]: string[]): string | undefined {
  if (screen === "e" && rest.length === 3) return rest.join("/");
  if (screen === "trace" && rest.length === 1) return rest[0];
  return undefined;
}

export function writeAddress(address: Address): string {
  if (address.screen === "nowhere") return address.path;
  if (address.screen === "services") {
    const open = address.open.map(encodeURIComponent).join(",");
    return open === "" ? "/services" : `/services?open=${open}`;
  }
  if (address.screen === "find") return `/find?${new URLSearchParams({ q: address.q })}`;
  const query = new URLSearchParams();
  const put = (name: string, value: string | undefined) => value && query.set(name, value);
  let path = "/flows";
  if (address.screen === "flows") {
    put("status", address.status.join(","));
    put("type", address.type);
    put("service", address.service);
    put("since", address.since);
    put("until", address.until);
    put("q", address.q);
  } else {
    path += `/${encodeURIComponent(address.id)}`;
    put("view", address.view === "timeline" ? undefined : address.view);
    put("axis", address.axis === "elastic" ? undefined : address.axis);
    put("as", address.table ? "table" : undefined);
    put("e", address.event);
    put("type", address.type);
    put("service", address.service);
    put("status", address.status);
    put("text", address.text);
  }
  const search = query.toString().replaceAll("%2C", ",").replaceAll("%3A", ":");
  return search ? `${path}?${search}` : path;
}

export function flowAddress(id: string, event?: string): FlowAddress {
  return compact({ screen: "flow", id, view: "timeline", axis: "elastic", table: false, event });
}

/** What is asked of the observer: a span becomes a time. */
export function sinceTime(since: string | undefined, now: number): string | undefined {
  const span = SINCE.find((each) => each.value === since);
  return span ? new Date(now - span.ms).toISOString() : since;
}

/** The same address for somebody who opens it later: with times instead of spans. */
export function lasting(address: Address, now: number): Address {
  if (address.screen !== "flows") return address;
  return compact({ ...address, since: sinceTime(address.since, now) });
}

/** The filters of an address in words, or nothing where all flows are shown. */
export function filterWords(address: FlowsAddress): string[] {
  const words: string[] = [];
  if (address.status.length > 0) words.push(`status ${address.status.join(" or ")}`);
  if (address.type) words.push(`type ${address.type}`);
  if (address.service) words.push(`service ${address.service}`);
  const span = SINCE.find((each) => each.value === address.since);
  if (address.since) words.push(span ? span.words : `since ${address.since}`);
  if (address.until) words.push(`until ${address.until}`);
  if (address.q) words.push(`id or key beginning with “${address.q}”`);
  return words;
}

function readSince(given: string | undefined): string | undefined {
  return SINCE.some((each) => each.value === given) ? given : readTime(given);
}

function readTime(given: string | undefined): string | undefined {
  return given !== undefined && Number.isFinite(Date.parse(given)) ? given : undefined;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Without what is undefined, so that two equal addresses are equal. */
function compact<T extends object>(address: T): T {
  return Object.fromEntries(Object.entries(address).filter(([, value]) => value !== undefined)) as T;
}
