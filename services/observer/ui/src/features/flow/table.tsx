// The timeline's twin: the same rows and times, as a table.
import type { LoadedFlow } from "../../model/flow-pages";
import { dueAt, eventInstant, flowStart } from "../../model/moments";
import type { Row } from "../../model/tree";
import { count, duration, instant } from "../../model/words";
import { useNow } from "../../parts/hooks";
import { Lines, type ViewProps } from "./lines";
import { RowName, Words } from "./names";

export function TimelineTable(props: ViewProps & { flow: LoadedFlow }) {
  const now = useNow(2000);
  const start = flowStart(props.flow.head, props.flow.events);
  return (
    <Lines
      {...props}
      label="Timeline as table"
      className="timeline-table"
      tall={3.25}
      columns={[
        { name: "Event or reaction", className: "col-name", cell: (row) => <RowName row={row} /> },
        { name: "Begins", className: "col-number", cell: (row) => begins(row, start) },
        { name: "Ends", className: "col-number", cell: (row) => ends(row, start) },
        { name: "Ran", className: "col-number", cell: took },
        {
          name: "Attempts",
          className: "col-words",
          cell: (row) => <Words words={attempts(row, start, now)} />,
        },
      ]}
    />
  );
}

function after(ms: number, start: number): string {
  return `+${duration(ms - start)}`;
}

function begins(row: Row, start: number): string {
  if (row.kind === "event") return after(eventInstant(row.event, start), start);
  const first = row.kind === "reaction" ? row.reaction.attempts[0] : undefined;
  return first ? after(instant(first.started_at), start) : "";
}

function ends(row: Row, start: number): string {
  const last = row.kind === "reaction" ? row.reaction.attempts.at(-1) : undefined;
  return last ? after(instant(last.started_at) + last.duration_ms, start) : "";
}

function took(row: Row): string {
  return row.kind === "reaction" && row.reaction.attempts.length > 0 ? duration(row.reaction.ran_ms) : "";
}

function attempts(row: Row, start: number, now: number): string {
  if (row.kind === "may") return "not yet";
  if (row.kind !== "reaction") return "";
  const { reaction } = row;
  if (reaction.status === "waiting") return `waiting for ${duration(now - eventInstant(row.event, start))}`;
  const words = reaction.attempts.map(({ attempt, outcome, error_code }) =>
    [`${attempt}: ${outcome}`, error_code].filter(Boolean).join(" "),
  );
  const earlier = reaction.attempt_count - reaction.attempts.length;
  if (earlier > 0) words.unshift(`${count(earlier)} earlier`);
  const due = dueAt(reaction);
  if (due !== undefined) words.push(due > now ? `next in ${duration(due - now)}` : "next is due");
  return words.join(" · ");
}
