// The records as they stand in the topics. Choosing one shows its headers and its masked body beside the list.
import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import type { EventView } from "../../api/types";
import type { LoadedFlow } from "../../model/flow-pages";
import { eventInstant, flowStart } from "../../model/moments";
import { count, fullClock, typeName } from "../../model/words";
import { rem, useNarrow, useStable } from "../../parts/hooks";
import { useShortcuts } from "../../parts/shortcuts";
import { type Reveal, Windowed } from "../../parts/window";
import type { LinesHandle } from "./lines";

interface Props {
  flow: LoadedFlow;
  /** Those that are wanted. */
  events: readonly EventView[];
  selected?: EventView;
  select: (event: EventView) => void;
  more: () => Promise<LoadedFlow | undefined>;
  handle: { current: LinesHandle | null };
}

export function Records({ flow, events, selected, select, more, handle }: Props) {
  const narrow = useNarrow();
  const start = flowStart(flow.head, flow.events);
  const grid = useRef<HTMLDivElement>(null);
  const reveal = useRef<Reveal | null>(null);
  // The row that is to take the focus, once it is the active one: an effect of an earlier drawing may run first.
  const wanted = useRef(-1);
  const [moved, setMoved] = useState<number>();
  const atSelected = selected ? events.indexOf(selected) : -1;
  const active = Math.min(moved ?? Math.max(0, atSelected), events.length - 1);
  const height = Math.round(rem() * (narrow ? 4.25 : 2));

  const focus = () => {
    grid.current?.querySelector<HTMLElement>(`[data-row="${active}"]`)?.focus({ preventScroll: true });
  };
  const move = useStable((to: number) => {
    const at = Math.min(Math.max(to, 0), events.length - 1);
    reveal.current?.reveal(at);
    // Where nothing changes nothing is drawn, and a wish that stays open would take the focus away later.
    if (at === moved) focus();
    else wanted.current = at;
    setMoved(at);
    return true;
  });
  useEffect(() => {
    if (wanted.current < 0 || wanted.current !== active) return;
    wanted.current = -1;
    focus();
  });
  useEffect(() => {
    handle.current = { focus: () => void move(active) };
  });
  const problem = (step: 1 | -1) => {
    for (let at = (moved ?? -1) + step; at >= 0 && at < events.length; at += step) {
      if (events[at]?.kind === "failure" || events[at]?.reactions.some(({ status }) => status !== "done")) {
        return move(at);
      }
    }
    return true;
  };
  useShortcuts((action) => {
    if (action === "next") return move(moved === undefined ? active : active + 1);
    if (action === "previous") return move(active - 1);
    if (action === "nextProblem") return problem(1);
    if (action === "previousProblem") return problem(-1);
    return false;
  });
  function press(event: KeyboardEvent) {
    const acts: Record<string, () => void> = {
      ArrowDown: () => move(active + 1),
      ArrowUp: () => move(active - 1),
      Home: () => move(0),
      End: () => move(events.length - 1),
      Enter: () => choose(active),
      " ": () => choose(active),
    };
    const act = acts[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  }
  const choose = (at: number) => {
    const event = events[at];
    setMoved(at);
    if (event) select(event);
  };
  const onEnd = useStable(() => void more());

  return (
    <div
      ref={grid}
      className="lines records"
      role="grid"
      aria-label="Raw records"
      aria-rowcount={flow.next === undefined ? events.length + 1 : -1}
      onKeyDown={press}
    >
      <div className="lines-head" role="rowgroup">
        <div className="line" role="row" aria-rowindex={1}>
          {["Record", "Type", "Event id", "Key", "Time"].map((name) => (
            <div key={name} role="columnheader" className="line-cell">
              {name}
            </div>
          ))}
        </div>
      </div>
      <div className="lines-body">
        <Windowed
          role="rowgroup"
          count={events.length}
          height={height}
          keep={active}
          covered={rem() * 6.5}
          handle={reveal}
          onEnd={onEnd}
        >
          {(at, { top }) => {
            const event = events[at];
            return (
              event && (
                // biome-ignore lint/a11y/useKeyWithClickEvents: the grid hears the keys for all its rows.
                <div
                  key={event.place}
                  role="row"
                  tabIndex={at === active ? 0 : -1}
                  aria-rowindex={at + 2}
                  aria-selected={at === atSelected}
                  data-row={at}
                  className={`line line-record${at === atSelected ? " chosen" : ""}`}
                  style={{ top, height }}
                  onClick={() => choose(at)}
                  onFocus={() => setMoved(at)}
                >
                  <div role="rowheader" className="line-cell mono">
                    {event.topic}/{event.partition}@{event.offset}
                    {event.copies > 1 && <span className="tag">×{count(event.copies)}</span>}
                  </div>
                  <div role="gridcell" className="line-cell" title={event.type}>
                    {typeName(event.type)}
                  </div>
                  <div role="gridcell" className="line-cell mono ellipsis" title={event.id}>
                    {event.id}
                  </div>
                  <div role="gridcell" className="line-cell mono ellipsis">
                    {event.key ?? "–"}
                  </div>
                  <div role="gridcell" className="line-cell ellipsis">
                    {fullClock(eventInstant(event, start))}
                  </div>
                </div>
              )
            );
          }}
        </Windowed>
      </div>
    </div>
  );
}
