// A flow as rows: events, who reacted to each, what those emitted, and what may still come. Built once per
// answer (`grow`), then flattened by what is open (`rows`). Iterative, as a chain may be thousands deep.
import type { EventView, Reaction } from "../api/types";
import type { Fits } from "./event-filter";

/** So many siblings of one type, and they are shown as one row. */
export const FOLD_MIN = 5;

interface Shared {
  id: string;
  level: number;
  parent?: string;
  /** Place among its siblings, from 1, and how many those are. */
  nth: number;
  siblings: number;
  expandable: boolean;
  expanded: boolean;
  problem: boolean;
  /** It does not fit the filter, and is there because of what came of it. */
  context: boolean;
}

export interface EventRow extends Shared {
  kind: "event";
  event: EventView;
}
export interface ReactionRow extends Shared {
  kind: "reaction";
  event: EventView;
  reaction: Reaction;
}
/** What a reaction that is not done may emit. */
export interface MayRow extends Shared {
  kind: "may";
  event: EventView;
  reaction: Reaction;
  type: string;
}
/** Many siblings of one type. */
export interface FoldRow extends Shared {
  kind: "fold";
  type: string;
  count: number;
  failed: number;
  /** From the first to the last of them, after the flow's start. */
  from_ms: number;
  to_ms: number;
  /** More of them may be on pages that are not loaded. */
  partial: boolean;
}
export type Row = EventRow | ReactionRow | MayRow | FoldRow;

type Content =
  | { kind: "event"; event: EventView }
  | { kind: "reaction"; event: EventView; reaction: Reaction }
  | { kind: "may"; event: EventView; reaction: Reaction; type: string }
  | Omit<FoldRow, keyof Shared>;

export interface Node {
  id: string;
  content: Content;
  problem: boolean;
  context?: boolean;
  children: Node[];
}

/** What differs from how a tree is first shown: all open, folds closed. */
export interface Openness {
  closed: ReadonlySet<string>;
  opened: ReadonlySet<string>;
}

export const AS_IT_COMES: Openness = { closed: new Set(), opened: new Set() };

export function eventRowId(event: EventView): string {
  return `${event.source} ${event.id}`;
}

export function reactionRowId(event: EventView, reaction: Reaction): string {
  return `${eventRowId(event)} ${reaction.service} ${reaction.reaction}`;
}

export function isFailing(reaction: Reaction): boolean {
  return reaction.status === "parked" || reaction.status === "retrying";
}

/** `more` says that the flow has events which are not loaded; `fits`, which of them are wanted. */
export function grow(events: readonly EventView[], more: boolean, fits?: Fits): Node[] {
  const nodes = new Map<number, Node>();
  const emitters = new Map<string, Node>();
  let roots: Node[] = [];
  const open = more ? openPath(events) : new Set<number>();
  for (const event of events) {
    const id = eventRowId(event);
    const problem = event.kind === "failure";
    const node: Node = { id, content: { kind: "event", event }, problem, children: [] };
    for (const reaction of event.reactions) {
      const child: Node = {
        id: reactionRowId(event, reaction),
        content: { kind: "reaction", event, reaction },
        problem: reaction.status !== "done",
        children: [],
      };
      node.children.push(child);
      emitters.set(`${event.place} ${reaction.service}`, child);
    }
    nodes.set(event.place, node);
    const parent = event.parent === undefined ? undefined : nodes.get(event.parent);
    const emitter = emitters.get(`${event.parent} ${event.emitted_by}`);
    (emitter ?? parent)?.children.push(node);
    if (!parent) roots.push(node);
  }
  if (fits) roots = pruned([...nodes.values()], roots, fits);
  for (const node of nodes.values()) {
    const place = node.content.kind === "event" ? node.content.event.place : -1;
    node.children = fold(node.id, node.children, open.has(place));
    for (const child of node.children) {
      if (child.content.kind !== "reaction") continue;
      child.children = fold(child.id, child.children, open.has(place));
      if (!child.context) child.children.push(...promises(child));
    }
  }
  return fold("", roots, more);
}

/** Takes away what neither fits nor led to anything that does. Causes stand before their effects. */
function pruned(nodes: Node[], roots: Node[], fits: Fits): Node[] {
  const kept = new Set<Node>();
  for (const node of nodes.reverse()) {
    const fit = node.content.kind === "event" && fits.event(node.content.event);
    for (const child of node.children) {
      const { content } = child;
      if (content.kind !== "reaction") continue;
      child.children = child.children.filter((each) => kept.has(each));
      const own = fit && fits.reaction(content.reaction);
      child.context = !own;
      if (own || child.children.length > 0) kept.add(child);
    }
    node.children = node.children.filter((child) => kept.has(child));
    node.context = !fit;
    if (fit || node.children.length > 0) kept.add(node);
  }
  return roots.filter((node) => kept.has(node));
}

/** The events whose effects may go on after the last loaded one: it and all above it. */
function openPath(events: readonly EventView[]): Set<number> {
  const byPlace = new Map(events.map((event) => [event.place, event]));
  const path = new Set<number>();
  let at = events[events.length - 1];
  while (at && !path.has(at.place)) {
    path.add(at.place);
    at = at.parent === undefined ? undefined : byPlace.get(at.parent);
  }
  return path;
}

function promises(node: Node): Node[] {
  if (node.content.kind !== "reaction" || node.content.reaction.status === "done") return [];
  const { event, reaction } = node.content;
  return reaction.may_emit.map((type) => ({
    id: `${node.id} may ${type}`,
    content: { kind: "may", event, reaction, type },
    problem: false,
    children: [],
  }));
}

function fold(parent: string, siblings: Node[], partial: boolean): Node[] {
  if (siblings.length < FOLD_MIN) return siblings;
  const byType = new Map<string, Node[]>();
  for (const node of siblings) {
    if (node.content.kind !== "event") continue;
    const { type } = node.content.event;
    const group = byType.get(type);
    if (group) group.push(node);
    else byType.set(type, [node]);
  }
  const folded: Node[] = [];
  for (const node of siblings) {
    const group = node.content.kind === "event" ? byType.get(node.content.event.type) : undefined;
    if (!group || group.length < FOLD_MIN) {
      folded.push(node);
    } else if (group[0] === node && node.content.kind === "event") {
      const failed = group.filter(hasFailed).length;
      const { type } = node.content.event;
      folded.push({
        id: `${parent} × ${type}`,
        content: { kind: "fold", type, count: group.length, failed, partial, ...extent(group) },
        problem: failed > 0,
        children: group,
      });
    }
  }
  return folded;
}

function extent(group: readonly Node[]): { from_ms: number; to_ms: number } {
  let from_ms = Number.POSITIVE_INFINITY;
  let to_ms = Number.NEGATIVE_INFINITY;
  for (const { content } of group) {
    if (content.kind !== "event") continue;
    from_ms = Math.min(from_ms, content.event.after_ms);
    to_ms = Math.max(to_ms, content.event.after_ms);
  }
  return { from_ms, to_ms };
}

function hasFailed(node: Node): boolean {
  if (node.content.kind !== "event") return false;
  const { event } = node.content;
  return event.kind === "failure" || event.reactions.some(isFailing);
}

function isOpen(node: Node, open: Openness): boolean {
  return node.content.kind === "fold" ? open.opened.has(node.id) : !open.closed.has(node.id);
}

export function rows(roots: readonly Node[], open: Openness): Row[] {
  const found: Row[] = [];
  const stack: Siblings[] = [];
  stack.push({ nodes: roots, next: 0, level: 1 });
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const node = top.nodes[top.next];
    top.next += 1;
    if (node === undefined) {
      stack.pop();
      continue;
    }
    const expandable = node.children.length > 0;
    const expanded = expandable && isOpen(node, open);
    found.push(rowOf(node, top, expandable, expanded));
    if (expanded) stack.push({ nodes: node.children, next: 0, level: top.level + 1, parent: node.id });
  }
  return found;
}

/** The nodes below one, and which comes next. */
interface Siblings {
  nodes: readonly Node[];
  next: number;
  level: number;
  parent?: string;
}

/** Field by field: a spread takes ten times as long, which one feels with 20 000 rows. */
function rowOf(
  { id, content, problem, context = false }: Node,
  among: Siblings,
  expandable: boolean,
  expanded: boolean,
): Row {
  const { level, parent, next: nth } = among;
  const siblings = among.nodes.length;
  switch (content.kind) {
    case "event": {
      const { kind, event } = content;
      return { id, level, parent, nth, siblings, expandable, expanded, problem, context, kind, event };
    }
    case "reaction": {
      const { kind, event, reaction } = content;
      return {
        id,
        level,
        parent,
        nth,
        siblings,
        expandable,
        expanded,
        problem,
        context,
        kind,
        event,
        reaction,
      };
    }
    default:
      return { ...content, id, level, parent, nth, siblings, expandable, expanded, problem, context };
  }
}

/** Opens or closes one row. */
export function toggled(open: Openness, row: Row, to: boolean = !row.expanded): Openness {
  return changed(open, [row], to);
}

/** One level more: opens every closed row that can be seen. */
export function oneLevelMore(open: Openness, shown: readonly Row[]): Openness {
  const shut = shown.filter((row) => row.expandable && !row.expanded);
  return changed(open, shut, true);
}

/** One level less: closes the deepest rows that are open. */
export function oneLevelLess(open: Openness, shown: readonly Row[]): Openness {
  const unfolded = shown.filter((row) => row.expanded);
  const deepest = unfolded.reduce((most, row) => Math.max(most, row.level), 0);
  const last = unfolded.filter((row) => row.level === deepest);
  return changed(open, last, false);
}

export function allOpen(roots: readonly Node[]): Openness {
  const opened = new Set<string>();
  walk(roots, (node) => {
    if (node.content.kind === "fold") opened.add(node.id);
  });
  return { closed: new Set(), opened };
}

export function allClosed(roots: readonly Node[]): Openness {
  const closed = new Set<string>();
  walk(roots, (node) => {
    if (node.children.length > 0 && node.content.kind !== "fold") closed.add(node.id);
  });
  return { closed, opened: new Set() };
}

/** Opens all that hides the event with this id. */
export function revealed(roots: readonly Node[], open: Openness, eventId: string): Openness {
  const parents = new Map<string, Node>();
  let found: Node | undefined;
  walk(roots, (node) => {
    for (const child of node.children) parents.set(child.id, node);
    if (node.content.kind === "event" && node.content.event.id === eventId) found ??= node;
  });
  const closed = new Set(open.closed);
  const opened = new Set(open.opened);
  for (let at = found && parents.get(found.id); at !== undefined; at = parents.get(at.id)) {
    if (at.content.kind === "fold") opened.add(at.id);
    else closed.delete(at.id);
  }
  const same = closed.size === open.closed.size && opened.size === open.opened.size;
  return same ? open : { closed, opened };
}

/** The place of the next problem after `from`, or before it, among all rows; -1 if there is none. */
export function nextProblem(shown: readonly Row[], from: number, step: 1 | -1): number {
  for (let at = from + step; at >= 0 && at < shown.length; at += step) {
    if (shown[at]?.problem) return at;
  }
  return -1;
}

function changed(open: Openness, which: readonly Row[], to: boolean): Openness {
  const closed = new Set(open.closed);
  const opened = new Set(open.opened);
  for (const row of which) {
    if (row.kind === "fold") to ? opened.add(row.id) : opened.delete(row.id);
    else to ? closed.delete(row.id) : closed.add(row.id);
  }
  return { closed, opened };
}

function walk(roots: readonly Node[], visit: (node: Node) => void) {
  const stack = [...roots].reverse();
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    visit(node);
    for (let nth = node.children.length - 1; nth >= 0; nth -= 1) {
      const child = node.children[nth];
      if (child) stack.push(child);
    }
  }
}
