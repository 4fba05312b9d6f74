// Asks for the list of flows, page by page, and keeps it fresh by the stream.
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import { askFlows, type Failure, failure } from "../../api/client";
import type { FlowSummary, FlowsChanged } from "../../api/types";
import { type FlowsAddress, sinceTime, writeAddress } from "../../model/address";
import { type Change, type FlowList, fromPage, withChange, withPage } from "../../model/flow-list";
import { useStable } from "../../parts/hooks";
import { heard, useLive, useTopics } from "../../parts/live";

const PAGE = 100;
/** After an outage, so many pages are asked for again; of what lies below, one is told that it may be old. */
const FRESH_PAGES_MAX = 5;

export interface Loaded {
  list?: FlowList;
  failure?: Failure;
  /** A first answer for this address is under way. */
  loading: boolean;
  loadingMore: boolean;
  more(): void;
  refresh(): void;
}

/** Whoever steps back from a flow finds the list as it was left. */
let kept: { address: string; list: FlowList; scroll: number } | undefined;

export function useFlows(address: FlowsAddress): Loaded {
  const written = writeAddress(address);
  const asked = useSame(address, written);
  const restored = useRef(kept?.address === written ? kept : undefined);
  const [list, setList] = useState<FlowList | undefined>(restored.current?.list);
  const [trouble, setTrouble] = useState<Failure>();
  const [loading, setLoading] = useState(!list);
  const [loadingMore, setLoadingMore] = useState(false);
  const latest = useRef<{ list?: FlowList; written: string }>({ list, written });
  const { paused } = useLive();
  const position = useRef(0);
  const cluster = useRef<string>(undefined);
  latest.current = { list, written };

  const ask = useCallback(
    async (after?: string, signal?: AbortSignal) => {
      const question = { ...asked, since: sinceTime(asked.since, Date.now()) };
      const page = await askFlows(question, PAGE, after, signal);
      heard(page.index);
      position.current = page.index.change;
      cluster.current = page.index.cluster ?? cluster.current;
      return page;
    },
    [asked],
  );

  const load = useCallback(
    async (signal?: AbortSignal) => {
      setLoading(true);
      try {
        const page = await ask(undefined, signal);
        if (latest.current.written !== written) return;
        setList(fromPage(page, Date.now()));
        setTrouble(undefined);
      } catch (error) {
        if (signal?.aborted) return;
        setTrouble(failure(error));
      }
      setLoading(false);
    },
    [ask, written],
  );

  useEffect(() => {
    if (restored.current) {
      window.scrollTo({ top: restored.current.scroll });
      restored.current = undefined;
      return;
    }
    const stop = new AbortController();
    void load(stop.signal);
    return () => stop.abort();
  }, [load]);

  // What is on the screen when one leaves is kept, with how far one had scrolled.
  // As a layout effect, since it must be done before the next screen scrolls to its top.
  const scroll = useRef(0);
  useLayoutEffect(() => {
    const note = () => {
      scroll.current = window.scrollY;
    };
    window.addEventListener("scroll", note, { passive: true });
    return () => {
      window.removeEventListener("scroll", note);
      const { list: last, written: at } = latest.current;
      if (last) kept = { address: at, list: last, scroll: scroll.current };
    };
  }, []);

  const more = useStable(() => {
    if (!list?.next || loadingMore) return;
    setLoadingMore(true);
    ask(list.next)
      .then((page) => {
        setList((old) => old && withPage(old, page));
        setTrouble(undefined);
      })
      .catch((error: unknown) => setTrouble(failure(error)))
      .finally(() => setLoadingMore(false));
  });

  const apply = useStable((change: Change) => {
    // Where there is no row that could move, what is new is shown at once.
    const empty = list && list.rows.length === 0 && !paused;
    if (empty && change.changed.length + Number(change.more) > 0) void load();
    else setList((old) => old && withChange(old, change, address, paused));
  });

  /** The stream is new: what changed before it is found out page by page, without moving a row. */
  const catchUp = useStable(async () => {
    if (!list) return load();
    if (paused) return;
    const [before, read] = [position.current, cluster.current];
    const flows: FlowSummary[] = [];
    try {
      let page = await ask();
      // An index that went back is another one, built anew: what is shown may not even be in it.
      if (page.index.change < before || (read !== undefined && cluster.current !== read)) {
        setList(fromPage(page, Date.now()));
        setTrouble(undefined);
        return;
      }
      flows.push(...page.flows);
      for (let nth = 1; nth < FRESH_PAGES_MAX && page.next && flows.length < list.rows.length; nth += 1) {
        page = await ask(page.next);
        flows.push(...page.flows);
      }
      const more = flows.length < list.rows.length && page.next !== undefined;
      setTrouble(undefined);
      if (latest.current.written === written)
        apply({ changed: flows, more, counts: page.counts, restarted: true });
    } catch (error) {
      setTrouble(failure(error));
    }
  });

  // Going on after a pause shows what changed meanwhile.
  const wasPaused = useRef(paused);
  useEffect(() => {
    if (wasPaused.current && !paused) void load();
    wasPaused.current = paused;
  }, [paused, load]);

  const hear = useStable((message: FlowsChanged) => {
    const read = message.index.cluster;
    if (read !== undefined && read !== (cluster.current ?? read)) {
      // Another cluster: what is shown is not in it.
      if (!paused) void load();
      return;
    }
    position.current = Math.max(position.current, message.index.change);
    apply(message);
  });
  useTopics(["flows"], { flows: hear, back: catchUp });
  const refresh = useStable(() => {
    window.scrollTo({ top: 0 });
    void load();
  });
  return { list, failure: trouble, loading, loadingMore, more, refresh };
}

/** The same object for as long as the address is written the same. */
function useSame(address: FlowsAddress, written: string): FlowsAddress {
  const same = useRef(address);
  if (writeAddress(same.current) !== written) same.current = address;
  return same.current;
}
