// The timeline: one line an event and one a reaction, attempts as marks, idle time folded.
import { type ReactNode, useMemo, useRef } from "react";
import type { AxisKind } from "../../model/address";
import type { LoadedFlow } from "../../model/flow-pages";
import { bars, eventInstant, flowStart, type Scale, scale } from "../../model/moments";
import type { Row } from "../../model/tree";
import { count, duration, fullClock } from "../../model/words";
import { useNow, useWidth } from "../../parts/hooks";
import { type Column, Lines, type ViewProps } from "./lines";
import { RowName } from "./names";

const percent = (share: number) => `${(share * 100).toFixed(3)}%`;
/** A label of the axis needs so many pixels a letter, and so many around it. */
const LETTER_PX = 6.5;
const TICK_GAP_PX = 8;
/** What is written on a fold needs so many; a narrower one is only hatched. */
const FOLD_PX = 58;

export function Timeline(props: ViewProps & { flow: LoadedFlow; axis: AxisKind }) {
  const { flow, axis: kind } = props;
  // Waits that are not over grow, but not faster than one can see.
  const now = useNow(2000);
  const start = flowStart(flow.head, flow.events);
  const over = flow.events.every(({ reactions }) => reactions.every(({ status }) => status !== "waiting"));
  const until = over ? 0 : now;
  const drawn = useMemo(() => scale(kind, flow.events, start, until), [kind, flow.events, start, until]);
  const columns = useMemo(
    (): Column[] => [
      { name: "Event or reaction", className: "col-name", cell: (row) => <RowName row={row} /> },
      {
        name: "Time",
        className: "col-track",
        head: <AxisHead scale={drawn} />,
        cell: (row) => <Track row={row} scale={drawn} start={start} now={until} />,
      },
    ],
    [drawn, start, until],
  );
  return (
    <Lines
      {...props}
      label="Timeline"
      className="timeline"
      tall={3.5}
      behind={<FoldBands scale={drawn} />}
      columns={columns}
    />
  );
}

function AxisHead({ scale: { axis } }: { scale: Scale }) {
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  let free = -1;
  const ticks = axis.ticks.filter(({ at, words }) => {
    const end = at * width + words.length * LETTER_PX + TICK_GAP_PX;
    const folded = axis.folds.some((fold) => at < fold.from && end > fold.from * width);
    if (at * width < free || folded) return false;
    free = end;
    return true;
  });
  return (
    <div ref={box} className="axis plane">
      <span className="unseen">Time</span>
      {ticks.map(({ at, words, ms }) => (
        <span
          key={at}
          className="tick"
          style={{ left: percent(at) }}
          title={ms === undefined ? undefined : fullClock(ms)}
        >
          {words}
        </span>
      ))}
      {axis.folds.map(({ from, to, words }) => (
        <span
          key={from}
          className="fold-words"
          style={{ left: percent(from), width: percent(to - from) }}
          title={words}
        >
          {(to - from) * width > FOLD_PX ? words : <span className="unseen">{words}</span>}
        </span>
      ))}
    </div>
  );
}

/** Where time is folded, all the way down. */
function FoldBands({ scale: { axis } }: { scale: Scale }) {
  return (
    <div className="bands" aria-hidden="true">
      <div className="plane">
        {axis.ticks.map(({ at }) => (
          <span key={`t${at}`} className="grid-line" style={{ left: percent(at) }} />
        ))}
        {axis.folds.map(({ from, to }) => (
          <span
            key={`f${from}`}
            className="band"
            style={{ left: percent(from), width: percent(to - from) }}
          />
        ))}
      </div>
    </div>
  );
}

interface TrackProps {
  row: Row;
  scale: Scale;
  start: number;
  now: number;
}

function Track({ row, scale, start, now }: TrackProps) {
  if (row.kind === "may") return <span className="track-words">not yet</span>;
  if (row.kind === "fold") {
    const left = scale.place(row, start + row.from_ms);
    const right = scale.place(row, start + row.to_ms);
    return (
      <div className="plane">
        <span
          className="attempt attempt-many"
          style={{ left: percent(left), width: percent(right - left) }}
        />
        <Label at={right}>{duration(row.to_ms - row.from_ms)}</Label>
      </div>
    );
  }
  if (row.kind === "event") {
    const at = scale.place(row, eventInstant(row.event, start));
    return (
      <div className="plane">
        <span className={`diamond kind-${row.event.kind}`} style={{ left: percent(at) }} />
        <Label at={at}>+{duration(row.event.after_ms)}</Label>
      </div>
    );
  }
  const drawn = bars(row.event, row.reaction, start, now).map((bar) => ({
    ...bar,
    left: scale.place(row, bar.from),
    right: scale.place(row, bar.to),
  }));
  const end = drawn.reduce((most, bar) => Math.max(most, bar.right), 0);
  return (
    <div className="plane">
      {drawn.map(({ left, right, look, words, from, to }) => (
        <span
          key={`${from} ${look}`}
          className={`attempt attempt-${look}`}
          style={{ left: percent(left), width: percent(right - left) }}
          title={look === "waiting" ? words : `${words}, ${duration(to - from)}`}
        />
      ))}
      <Label at={end}>{reactionWords(row)}</Label>
    </div>
  );
}

/** Behind the mark. The plane ends before the cell does, so that the last label has room. */
function Label({ at, children }: { at: number; children: ReactNode }) {
  return (
    <span className="label" style={{ left: percent(at) }}>
      {children}
    </span>
  );
}

function reactionWords(row: Extract<Row, { kind: "reaction" }>): string {
  const { reaction } = row;
  const { attempts, status } = reaction;
  if (status === "waiting") return reaction.why ?? "waiting";
  const last = attempts.at(-1);
  const code = last?.error_code && status !== "done" ? ` · ${last.error_code}` : "";
  const { attempt_count: tried, ran_ms } = reaction;
  if (status !== "done" && tried > 1) return `${count(tried)} attempts${code}`;
  const tries = tried > 1 ? `${count(tried)} attempts, ` : "";
  return `${tries}${duration(ran_ms)}${code}`;
}
