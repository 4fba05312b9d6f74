// Small things that components share and that need React: the clock, widths, what the person prefers.
import {
  type RefObject,
  useCallback,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
  useSyncExternalStore,
} from "react";

/** The time, anew every so often. */
export function useNow(every_ms: number): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), every_ms);
    return () => clearInterval(timer);
  }, [every_ms]);
  return now;
}

export function useMedia(query: string): boolean {
  const subscribe = useCallback(
    (listener: () => void) => {
      const media = matchMedia(query);
      media.addEventListener("change", listener);
      return () => media.removeEventListener("change", listener);
    },
    [query],
  );
  return useSyncExternalStore(subscribe, () => matchMedia(query).matches);
}

/** Below this the screens are one column. */
export function useNarrow(): boolean {
  return useMedia("(max-width: 47.5em)");
}

/** How many pixels a rem is: rows grow with the reader's letters. */
export function rem(): number {
  return Number.parseFloat(getComputedStyle(document.documentElement).fontSize) || 16;
}

/** Remembered in this browser, if it lets us. */
export function useRemembered<T extends string>(name: string, otherwise: T): [T, (value: T) => void] {
  const [value, setValue] = useState<T>(() => {
    try {
      return (localStorage.getItem(name) as T | null) ?? otherwise;
    } catch {
      return otherwise;
    }
  });
  const remember = useCallback(
    (next: T) => {
      setValue(next);
      try {
        localStorage.setItem(name, next);
      } catch {
        // It holds for this page then.
      }
    },
    [name],
  );
  return [value, remember];
}

/** Calls the latest `told` with a stable function, so that effects need not run again. */
export function useStable<A extends unknown[], R>(told: (...args: A) => R): (...args: A) => R {
  const latest = useRef(told);
  useLayoutEffect(() => {
    latest.current = told;
  });
  return useCallback((...args: A) => latest.current(...args), []);
}

export function useWidth(ref: RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const element = ref.current;
    if (!element) return;
    setWidth(element.clientWidth);
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    return () => observer.disconnect();
  }, [ref]);
  return width;
}
