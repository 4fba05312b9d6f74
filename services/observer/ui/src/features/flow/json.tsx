// A body as indented JSON. What the observer masked is marked, so that nobody takes the word for the value.
import { Fragment, type ReactNode } from "react";
import { masksOf } from "../../model/masks";
import { Icon } from "../../parts/icons";

/** More lines than this are cut, and one is told so. */
const LINES_MAX = 400;

export function Json({ value, masked }: { value: unknown; masked: string[] }) {
  const lines: ReactNode[] = [];
  write({ value, depth: 0, end: "" }, masksOf(masked), lines);
  const shown = lines.slice(0, LINES_MAX);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keys.
    <pre className="json" tabIndex={0}>
      <code>
        {shown.map((line, nth) => (
          <Fragment key={nth}>
            {line}
            {"\n"}
          </Fragment>
        ))}
        {lines.length > LINES_MAX &&
          `… and ${lines.length - LINES_MAX} lines more; copy the body to see all of it`}
      </code>
    </pre>
  );
}

interface Piece {
  value: unknown;
  depth: number;
  /** The field that it stands in, also where that is a list. */
  field?: string;
  /** What stands before it and after it. */
  name?: ReactNode;
  end: string;
}

type IsMask = ReturnType<typeof masksOf>;

function write(piece: Piece, isMask: IsMask, lines: ReactNode[]) {
  const { value, depth, field, name, end } = piece;
  const pad = "  ".repeat(depth);
  const push = (words: ReactNode, after = "") =>
    lines.push(
      <>
        {pad}
        {words}
        {after}
      </>,
    );
  const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  const inner = Object.entries(typeof value === "object" && value !== null ? value : {});
  const named = (words: ReactNode) => (
    <>
      {name}
      {words}
    </>
  );
  if (typeof value !== "object" || value === null) return push(named(leaf(value, isMask(field, value))), end);
  if (inner.length === 0) return push(named(open + close), end);
  push(named(open));
  inner.forEach(([key, item], nth) => {
    const last = nth === inner.length - 1;
    const own = Array.isArray(value)
      ? { field }
      : { field: key, name: <span className="json-name">{JSON.stringify(key)}: </span> };
    write({ value: item, depth: depth + 1, end: last ? "" : ",", ...own }, isMask, lines);
  });
  push(close, end);
}

function leaf(value: unknown, masked: boolean): ReactNode {
  if (masked) {
    return (
      <span className="json-masked">
        <Icon name="lock" size={11} /> masked
      </span>
    );
  }
  const look = typeof value === "string" ? "json-text" : "json-plain";
  return <span className={look}>{JSON.stringify(value)}</span>;
}
