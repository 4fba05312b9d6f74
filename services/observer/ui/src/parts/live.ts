// What the whole page knows of the observer: how the stream is, how fresh the index is, whether the person
// paused. Screens say which topics they show, and hear of changes while they are there.
import { useEffect, useRef, useSyncExternalStore } from "react";
import { askStatus } from "../api/client";
import { type Listener, Stream } from "../api/stream";
import type { IndexState, StatusView } from "../api/types";
import type { Seen } from "../model/freshness";

export interface Live extends Seen {
  status?: StatusView;
}

let live: Live = { link: { state: "connecting" }, paused: false };
const watchers = new Set<() => void>();
const screens = new Set<Listener>();

const stream = new Stream({
  flows: (message) => {
    for (const screen of screens) screen.flows?.(message);
    heard(message.index);
  },
  flow: (message) => {
    for (const screen of screens) screen.flow?.(message);
  },
  unknown: (message) => {
    for (const screen of screens) screen.unknown?.(message);
  },
  services: (message) => {
    for (const screen of screens) screen.services?.(message);
    heard(message.index);
  },
  index: heard,
  link: (link) => {
    const before = live.link;
    const answers = before.state === "away" && before.answers;
    update({ link: link.state === "away" ? { ...link, answers } : link });
    if (link.state === "away") void probe();
  },
  back: () => {
    askStatus().then(
      (status) => update({ status }),
      () => {},
    );
    for (const screen of screens) screen.back?.();
  },
});

/** A tab that nobody sees lets go of its connection after this time, and is fresh again when it is seen. */
const UNSEEN_MS = 60_000;
let unseen: ReturnType<typeof setTimeout> | undefined;
document.addEventListener("visibilitychange", () => {
  clearTimeout(unseen);
  if (document.hidden) unseen = setTimeout(() => stream.rest(), UNSEEN_MS);
  else stream.wake();
});

function update(change: Partial<Live>) {
  live = { ...live, ...change };
  for (const watcher of watchers) watcher();
}

/** Is the observer gone, or only its stream? It has a limit of streams, and says so in a way no page can hear. */
async function probe() {
  const answers = await askStatus().then(
    () => true,
    () => false,
  );
  if (live.link.state === "away") update({ link: { ...live.link, answers } });
}

/** Are topics read to their ends, so that what is not known is not there? */
export function isCaughtUp(): boolean {
  return live.index?.caught_up === true;
}

/** Every answer carries how fresh it is. */
export function heard(index: IndexState) {
  update({ index, heard: Date.now() });
}

export function useLive(): Live {
  return useSyncExternalStore(
    (watcher) => {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
    () => live,
  );
}

export function isPaused(): boolean {
  return live.paused;
}

export function setPaused(paused: boolean) {
  update({ paused });
}

export function tryAgain() {
  stream.again();
}

/** Listens to these topics as long as the screen is shown. */
export function useTopics(topics: readonly string[], listener: Listener) {
  const latest = useRef(listener);
  useEffect(() => {
    latest.current = listener;
  });
  const wanted = topics.join(",");
  useEffect(() => {
    const screen: Listener = {
      flows: (message) => latest.current.flows?.(message),
      flow: (message) => latest.current.flow?.(message),
      unknown: (message) => latest.current.unknown?.(message),
      services: (message) => latest.current.services?.(message),
      back: () => latest.current.back?.(),
    };
    screens.add(screen);
    stream.listen(wanted.split(",").filter(Boolean));
    return () => {
      screens.delete(screen);
    };
  }, [wanted]);
}
