// A long list of rows of one height, of which only those are drawn that can be seen. The page scrolls, not a
// box within it, so that it reflows on small screens and the browser's own keys work.
import {
  type CSSProperties,
  type ReactNode,
  useEffect,
  useImperativeHandle,
  useLayoutEffect,
  useRef,
  useState,
} from "react";
import { visible, type Window } from "../model/rows";

const AROUND = 12;

export interface Reveal {
  /** Scrolls so that this row can be seen, not hidden below what sticks to the top. */
  reveal(row: number): void;
}

export interface WindowedProps {
  count: number;
  height: number;
  /** A row that is drawn wherever it stands, as the focus is on it. */
  keep?: number;
  /** Pixels at the top that something sticky covers. */
  covered: number;
  handle?: { current: Reveal | null };
  className?: string;
  role?: string;
  children: (row: number, style: CSSProperties) => ReactNode;
  /** Called when the end comes into sight, and again whenever `loaded` has grown and it still is. */
  onEnd?: () => void;
  loaded?: number;
}

export function Windowed(props: WindowedProps) {
  const { count, height, keep, covered, handle, className, role, children, onEnd, loaded } = props;
  const box = useRef<HTMLDivElement>(null);
  const [shown, setShown] = useState<Window>({ first: 0, end: Math.min(count, 60) });

  useLayoutEffect(() => {
    // Where the list begins on the page. Asked for only when something may have moved it: whoever scrolls does not.
    let begins = 0;
    function look() {
      const next = visible(begins - window.scrollY, window.innerHeight, height, count, AROUND);
      setShown((old) => (old.first === next.first && old.end === next.end ? old : next));
    }
    function measure() {
      begins = (box.current?.getBoundingClientRect().top ?? 0) + window.scrollY;
      look();
    }
    measure();
    window.addEventListener("scroll", look, { passive: true });
    window.addEventListener("resize", measure);
    const observer = new ResizeObserver(measure);
    observer.observe(document.body);
    return () => {
      window.removeEventListener("scroll", look);
      window.removeEventListener("resize", measure);
      observer.disconnect();
    };
  }, [count, height]);

  const nearEnd = shown.end >= count - 1;
  // Not at every drawing: a page that fails to load must not be asked for without end.
  useEffect(() => {
    if (nearEnd && count > 0) onEnd?.();
  }, [nearEnd, count, loaded, onEnd]);

  useImperativeHandle(handle, () => ({
    reveal(row) {
      const list = box.current?.getBoundingClientRect();
      if (!list) return;
      const top = list.top + row * height;
      const least = covered + 4;
      const most = window.innerHeight - height - 12;
      if (top < least) window.scrollBy({ top: top - least });
      else if (top > most) window.scrollBy({ top: top - most });
    },
  }));

  const rows: ReactNode[] = [];
  const draw = (row: number) => rows.push(children(row, { top: row * height, height }));
  const end = Math.min(shown.end, count);
  if (keep !== undefined && keep >= 0 && keep < shown.first) draw(keep);
  for (let row = shown.first; row < end; row += 1) draw(row);
  if (keep !== undefined && keep >= end && keep < count) draw(keep);
  return (
    <div ref={box} className={`windowed ${className ?? ""}`} role={role} style={{ height: count * height }}>
      {rows}
    </div>
  );
}
