// The list of flows: pages one below the other, and what the stream says of them. A row that is on the screen
// changes in place and never moves; what is not on the screen waits until somebody asks for it.
import type { Counts, FlowPage, FlowSummary } from "../api/types";
import type { FlowsAddress } from "./address";

/** More than these are not counted one by one. */
const WAITING_MAX = 999;

export interface FlowList {
  rows: FlowSummary[];
  next?: string;
  counts?: Counts;
  types: string[];
  /** When the first page came: what started later is new. */
  loaded: number;
  /** Flows that changed and are not in `rows`: id to whether it is new. */
  waiting: ReadonlyMap<string, boolean>;
  /** More changed than was listed. */
  overflow: boolean;
}

export function fromPage(page: FlowPage, now: number): FlowList {
  return {
    rows: page.flows,
    next: page.next,
    counts: page.counts,
    types: page.types,
    loaded: now,
    waiting: new Map(),
    overflow: false,
  };
}

/** The next page. A flow that changed meanwhile may stand in both; the newer one counts, where it stands. */
export function withPage(list: FlowList, page: FlowPage): FlowList {
  const places = new Map(list.rows.map((row, place) => [row.id, place]));
  const rows = [...list.rows];
  for (const flow of page.flows) {
    const place = places.get(flow.id);
    if (place === undefined) rows.push(flow);
    else rows[place] = newer(rows[place], flow);
  }
  return { ...list, rows, next: page.next, counts: page.counts, types: page.types };
}

export interface Change {
  changed: FlowSummary[];
  more: boolean;
  counts?: Counts;
  /** The observer may have begun anew, and counts changes from the start: what it says now is newer. */
  restarted?: boolean;
}

/** `held` says that the person paused: nothing moves and nothing changes, it is only counted. */
export function withChange(list: FlowList, change: Change, address: FlowsAddress, held: boolean): FlowList {
  const places = new Map(list.rows.map((row, place) => [row.id, place]));
  const rows = [...list.rows];
  const waiting = new Map(list.waiting);
  for (const flow of change.changed) {
    const place = places.get(flow.id);
    if (place !== undefined && held) {
      waiting.set(flow.id, false);
    } else if (place !== undefined) {
      rows[place] = change.restarted ? flow : newer(rows[place], flow);
    } else if (matches(flow, address)) {
      const started = flow.started_at === undefined ? Number.NaN : Date.parse(flow.started_at);
      waiting.set(flow.id, waiting.get(flow.id) === true || started >= list.loaded);
    }
  }
  const tooMany = waiting.size > WAITING_MAX;
  const overflow = list.overflow || change.more || tooMany;
  const counts = held ? list.counts : (change.counts ?? list.counts);
  return { ...list, rows, waiting: tooMany ? list.waiting : waiting, overflow, counts };
}

/** "12 new", "3 changed", "12 new or changed", "100+ new or changed"; nothing if nothing waits. */
export function waitingWords(list: FlowList): string | undefined {
  const total = list.waiting.size;
  if (list.overflow) return total === 0 ? "more changed" : `${total}+ new or changed`;
  if (total === 0) return undefined;
  const fresh = [...list.waiting.values()].filter((isNew) => isNew).length;
  if (fresh === total) return `${total} new`;
  return fresh === 0 ? `${total} changed` : `${total} new or changed`;
}

/** Whether a flow belongs into the list, as far as a page can tell. */
export function matches(flow: FlowSummary, address: FlowsAddress): boolean {
  const { status, type, service, q } = address;
  if (status.length > 0 && !status.includes(flow.status)) return false;
  if (type !== undefined && flow.type !== type) return false;
  if (service !== undefined && !flow.services.includes(service)) return false;
  if (q === undefined) return true;
  return flow.id.startsWith(q) || flow.keys.some(({ key }) => key.startsWith(q));
}

function newer(old: FlowSummary | undefined, flow: FlowSummary): FlowSummary {
  return old && old.change > flow.change ? old : flow;
}
