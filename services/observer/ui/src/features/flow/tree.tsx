// The cause tree: what caused what, with numbers instead of a picture.
import { useMemo } from "react";
import type { LoadedFlow } from "../../model/flow-pages";
import type { Row } from "../../model/tree";
import { duration } from "../../model/words";
import { type Column, Lines, type ViewProps } from "./lines";
import { RowName, Words } from "./names";

export function CauseTree(props: ViewProps & { flow: LoadedFlow }) {
  const { events } = props.flow;
  const columns = useMemo((): Column[] => {
    const afters = new Map(events.map((event) => [event.place, event.after_ms]));
    const since = (row: Row) => {
      if (row.kind !== "event" || row.event.parent === undefined) return "";
      const cause = afters.get(row.event.parent);
      return cause === undefined ? "" : `+${duration(row.event.after_ms - cause)}`;
    };
    return [
      { name: "Event or reaction", className: "col-name", cell: (row) => <RowName row={row} /> },
      {
        name: "What became of it",
        className: "col-words",
        cell: (row) => <Words words={becameWords(row)} />,
      },
      { name: "After start", className: "col-number", cell: after },
      { name: "After cause", className: "col-number col-cause", cell: since },
      { name: "Ran", className: "col-number", cell: took },
      { name: "Record", className: "col-record mono", cell: record },
    ];
  }, [events]);
  return <Lines {...props} label="Cause tree" className="cause-tree" tall={3.25} columns={columns} />;
}

function after(row: Row): string {
  return row.kind === "event" ? `+${duration(row.event.after_ms)}` : "";
}

function took(row: Row): string {
  return row.kind === "reaction" && row.reaction.attempts.length > 0 ? duration(row.reaction.ran_ms) : "";
}

function record(row: Row): string {
  if (row.kind !== "event") return "";
  const { topic, partition, offset } = row.event;
  return `${topic}/${partition}@${offset}`;
}

function becameWords(row: Row): string {
  if (row.kind === "fold") return row.expanded ? "" : "folded: Enter shows them";
  if (row.kind === "may") return `once ${row.reaction.service} is done`;
  if (row.kind === "event") {
    if (!row.event.read) return "its record was not read: only receipts tell of it";
    if (row.event.reactions.length === 0) return "nobody reacts to it";
    return "";
  }
  const { reaction } = row;
  if (reaction.why) return reaction.why;
  const last = reaction.attempts.at(-1);
  if (reaction.status === "done") {
    const failed = reaction.attempts.some(({ outcome }) => outcome === "retry");
    return failed && last ? `done at attempt ${last.attempt}` : "";
  }
  return last?.error_code ? `attempt ${last.attempt}: ${last.error_code}` : "";
}
