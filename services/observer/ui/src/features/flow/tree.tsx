// The cause tree: what caused what, with numbers instead of a picture.
import type { LoadedFlow } from "../../model/flow-pages";
import { ran } from "../../model/moments";
import type { Row } from "../../model/tree";
import { duration } from "../../model/words";
import { Lines, type ViewProps } from "./lines";
import { RowName, Words } from "./names";

export function CauseTree(props: ViewProps & { flow: LoadedFlow }) {
  const afters = new Map(props.flow.events.map((event) => [event.place, event.after_ms]));
  const since = (row: Row) => {
    if (row.kind !== "event" || row.event.parent === undefined) return "";
    const cause = afters.get(row.event.parent);
    return cause === undefined ? "" : `+${duration(row.event.after_ms - cause)}`;
  };
  return (
    <Lines
      {...props}
      label="Cause tree"
      className="cause-tree"
      tall={3.25}
      columns={[
        { name: "Event or reaction", className: "col-name", cell: (row) => <RowName row={row} /> },
        {
          name: "What became of it",
          className: "col-words",
          cell: (row) => <Words words={becameWords(row)} />,
        },
        {
          name: "After start",
          className: "col-number",
          cell: (row) => (row.kind === "event" ? `+${duration(row.event.after_ms)}` : ""),
        },
        { name: "After cause", className: "col-number col-cause", cell: since },
        { name: "Ran", className: "col-number", cell: took },
        { name: "Record", className: "col-record mono", cell: record },
      ]}
    />
  );
}

function took(row: Row): string {
  return row.kind === "reaction" && row.reaction.attempts.length > 0 ? duration(ran(row.reaction)) : "";
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
    if (!row.event.read) return "not read: nobody could say what is in it";
    if (row.event.reactions.length === 0) return "nobody reacts to it";
    return "";
  }
  const { reaction } = row;
  if (reaction.why) return reaction.why;
  const last = reaction.attempts.at(-1);
  if (reaction.status === "done") {
    const failed = reaction.attempts.filter(({ outcome }) => outcome === "retry").length;
    return failed > 0 ? `done at attempt ${last?.attempt ?? failed + 1}` : "";
  }
  return last?.error_code ? `attempt ${last.attempt}: ${last.error_code}` : "";
}
