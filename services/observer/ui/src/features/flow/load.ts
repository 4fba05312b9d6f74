// Asks for one flow, page by page, and again when the stream says that it changed.
import { useCallback, useEffect, useRef, useState } from "react";
import { askFlow, type Failure, failure } from "../../api/client";
import { appended, first, type LoadedFlow } from "../../model/flow-pages";
import { useStable } from "../../parts/hooks";
import { heard, isCaughtUp, isPaused, useLive, useTopics } from "../../parts/live";

const FIRST_PAGE = 200;
const PAGE = 500;
/** A flow is asked for again at most this often, and a long one less often. */
const AGAIN_MS = 500;
const AGAIN_PER_PAGE_MS = 1000;
/** Letters of a name that are worth looking for: the observer takes 1024 bytes. */
const NAME_MAX = 1024;

export interface Flow {
  flow?: LoadedFlow;
  failure?: Failure;
  /** The observer knows no such flow, and will say when it comes. */
  awaited: boolean;
  /** It changed while the person paused. */
  held: boolean;
  loadingMore: boolean;
  /** Loads the next page; the promise holds the flow as it is then. */
  more(): Promise<LoadedFlow | undefined>;
  refresh(): void;
}

export function useFlow(id: string): Flow {
  const [flow, setFlow] = useState<LoadedFlow>();
  const [trouble, setTrouble] = useState<Failure>();
  const [held, setHeld] = useState(false);
  const [awaited, setAwaited] = useState(false);
  const [loadingMore, setLoadingMore] = useState(false);
  const latest = useRef<LoadedFlow>(undefined);
  const under_way = useRef<Promise<LoadedFlow | undefined>>(undefined);
  const { paused, index } = useLive();

  const show = useCallback((next: LoadedFlow) => {
    latest.current = next;
    heard(next.head.index);
    setFlow(next);
    setTrouble(undefined);
    setHeld(false);
  }, []);

  /** As many events as are shown, all of them anew. */
  const refresh = useStable(async () => {
    const wanted = latest.current?.events.length ?? 0;
    try {
      let next = first(await askFlow(id, Math.max(FIRST_PAGE, Math.min(wanted, PAGE))));
      while (next.next !== undefined && next.events.length < wanted) {
        next = appended(next, await askFlow(id, PAGE, next.next));
      }
      show(next);
    } catch (error) {
      const why = failure(error);
      // It is not there any more, and not only until topics are read: another life of the broker, say.
      if (why.kind === "missing" && isCaughtUp()) {
        latest.current = undefined;
        setFlow(undefined);
      }
      setTrouble(why);
    }
  });

  useEffect(() => {
    void refresh();
  }, [refresh]);

  // What could not be told while topics were read can be told now.
  const failed = trouble !== undefined;
  const caughtUp = index?.caught_up === true;
  useEffect(() => {
    if (failed && caughtUp) void refresh();
  }, [failed, caughtUp, refresh]);

  const next = useStable(async (): Promise<LoadedFlow | undefined> => {
    try {
      for (let now = latest.current; now?.next !== undefined; now = latest.current) {
        const page = await askFlow(id, PAGE, now.next);
        // A refresh may have come between; then its pages are the ones to go on from.
        if (latest.current !== now) continue;
        const longer = appended(now, page);
        under_way.current = undefined;
        show(longer);
        return longer;
      }
    } catch (error) {
      setTrouble(failure(error));
    }
    return undefined;
  });
  const more = useStable(() => {
    if (latest.current?.next === undefined) return Promise.resolve(undefined);
    if (!under_way.current) {
      setLoadingMore(true);
      under_way.current = next().finally(() => {
        under_way.current = undefined;
        setLoadingMore(false);
      });
    }
    return under_way.current;
  });

  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const soon = useStable(() => {
    if (isPaused()) {
      setHeld(true);
      return;
    }
    if (timer.current !== undefined) return;
    const pages = Math.floor((latest.current?.events.length ?? 0) / PAGE);
    timer.current = setTimeout(
      () => {
        timer.current = undefined;
        void refresh();
      },
      AGAIN_MS + pages * AGAIN_PER_PAGE_MS,
    );
  });
  useEffect(() => () => clearTimeout(timer.current), []);
  useEffect(() => {
    if (!paused && held) soon();
  }, [paused, held, soon]);

  // The address may hold a business key; the stream knows flows by their id.
  const topic = flow?.head.id ?? id;
  // One that the observer refuses to look for is not listened to either.
  const askable = topic.length <= NAME_MAX;
  useTopics(askable ? [`flow:${topic}`] : [], {
    flow: (message) => {
      if (message.id !== topic && message.asked !== topic) return;
      setAwaited(false);
      soon();
    },
    unknown: (message) => {
      if (message.asked === topic) setAwaited(true);
    },
    back: soon,
  });
  return { flow, failure: trouble, awaited, held, loadingMore, more, refresh: () => void refresh() };
}
