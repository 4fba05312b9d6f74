// The list itself. A row is a link; j and k move the focus, f and b move it between problems.
import { type MouseEvent, memo, useCallback, useEffect, useRef, useState } from "react";
import type { FlowSummary } from "../../api/types";
import { flowAddress } from "../../model/address";
import { isProblem } from "../../model/status";
import { age, count, duration, flowName, fullClock, instant, plural, typeName } from "../../model/words";
import { rem, useNarrow, useNow } from "../../parts/hooks";
import { StatusMark } from "../../parts/marks";
import { Go, go } from "../../parts/router";
import { useShortcuts } from "../../parts/shortcuts";
import { type Reveal, Windowed } from "../../parts/window";

interface Props {
  rows: FlowSummary[];
  busy: boolean;
  complete: boolean;
  loadingMore: boolean;
  more: () => void;
}

export function FlowTable({ rows, busy, complete, loadingMore, more }: Props) {
  const narrow = useNarrow();
  const now = useNow(1000);
  const handle = useRef<Reveal | null>(null);
  const [active, setActive] = useState(-1);
  // The row that is to take the focus, once it is the active one: an effect of an earlier drawing may run first.
  const wanted = useRef(-1);
  const table = useRef<HTMLDivElement>(null);
  const height = Math.round(rem() * (narrow ? 7.75 : 3));

  const focus = () => {
    table.current?.querySelector<HTMLElement>(`[data-row="${active}"] a`)?.focus({ preventScroll: true });
  };
  const move = (to: number) => {
    if (to < 0 || to >= rows.length) return true;
    handle.current?.reveal(to);
    // Where nothing changes nothing is drawn, and a wish that stays open would take the focus away later.
    if (to === active) focus();
    else wanted.current = to;
    setActive(to);
    return true;
  };
  const problem = (step: 1 | -1) => {
    for (let at = active + step; at >= 0 && at < rows.length; at += step) {
      if (isProblem(rows[at]?.status ?? "settled")) return move(at);
    }
    return true;
  };
  useShortcuts((action) => {
    if (action === "next") return move(Math.min(active + 1, rows.length - 1));
    if (action === "previous") return move(Math.max(active - 1, 0));
    if (action === "nextProblem") return problem(1);
    if (action === "previousProblem") return problem(-1);
    return false;
  });
  useEffect(() => {
    if (wanted.current < 0 || wanted.current !== active) return;
    wanted.current = -1;
    focus();
  });
  const focused = useCallback((row: number) => setActive(row), []);

  return (
    <>
      <div
        ref={table}
        className={`flow-table${busy ? " busy" : ""}`}
        role="table"
        aria-label="Flows"
        aria-rowcount={complete ? rows.length + 1 : -1}
        aria-busy={busy}
      >
        <div className="flow-head" role="rowgroup">
          <div className="flow-row" role="row" aria-rowindex={1}>
            <span role="columnheader">Flow</span>
            <span role="columnheader">Status</span>
            <span role="columnheader">Why</span>
            <span role="columnheader" className="right">
              Age
            </span>
            <span role="columnheader" className="right">
              Events
            </span>
          </div>
        </div>
        <Windowed
          role="rowgroup"
          count={rows.length}
          height={height}
          keep={active}
          covered={rem() * 6}
          handle={handle}
          onEnd={more}
        >
          {(at, { top }) => {
            const flow = rows[at];
            return (
              flow && (
                <FlowRow
                  key={flow.id}
                  flow={flow}
                  at={at}
                  top={top}
                  height={height}
                  now={now}
                  focused={focused}
                />
              )
            );
          }}
        </Windowed>
      </div>
      <div className="list-foot">
        {complete ? (
          <span>{plural(rows.length, "flow")}, all that match</span>
        ) : (
          <button type="button" className="button small" onClick={more} disabled={loadingMore}>
            {loadingMore ? "Loading more…" : `${count(rows.length)} shown · load more`}
          </button>
        )}
        <span className="keys-hint" aria-hidden="true">
          <kbd>j</kbd> <kbd>k</kbd> move · <kbd>Enter</kbd> open · <kbd>f</kbd> next problem · <kbd>?</kbd>{" "}
          all keys
        </span>
      </div>
    </>
  );
}

interface RowProps {
  flow: FlowSummary;
  at: number;
  top: number | string | undefined;
  height: number;
  now: number;
  focused: (at: number) => void;
}

const FlowRow = memo(function FlowRow({ flow, at, top, height, now, focused }: RowProps) {
  const started = flow.started_at === undefined ? undefined : instant(flow.started_at);
  const last = flow.last_at === undefined ? undefined : instant(flow.last_at);
  const to = flowAddress(flow.id);
  const times = [
    started !== undefined && `started ${fullClock(started)}`,
    last !== undefined && `last changed ${fullClock(last)}`,
    `took ${duration(flow.took_ms)}`,
  ];
  /** The whole row is a target; text in it can still be selected. */
  function click(event: MouseEvent) {
    if (event.target instanceof Element && event.target.closest("a")) return;
    if (getSelection()?.toString()) return;
    if (event.metaKey || event.ctrlKey) return;
    go(to);
  }
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the link in the row is what keys open.
    <div
      role="row"
      aria-rowindex={at + 2}
      data-row={at}
      className={`flow-row status-${flow.status}`}
      style={{ top, height }}
      onClick={click}
      onFocus={() => focused(at)}
    >
      <span role="cell" className="cell-flow">
        <Go to={to}>{flowName(flow)}</Go>
        <small>{flow.type ? typeName(flow.type) : flow.id.slice(0, 8)}</small>
      </span>
      <span role="cell" className="cell-status">
        <StatusMark status={flow.status} />
      </span>
      <span role="cell" className="cell-why">
        <span className="clamp">{flow.why}</span>
      </span>
      <span role="cell" className="cell-age" title={times.filter(Boolean).join("\n")}>
        {started === undefined ? "–" : age(now - started)}
      </span>
      <span role="cell" className="cell-events">
        {count(flow.event_count)}
        <span className="only-narrow"> events</span>
        {flow.failed_count > 0 && <small className="tone-danger">{count(flow.failed_count)} failed</small>}
      </span>
    </div>
  );
});
