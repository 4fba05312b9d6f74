// A body as indented JSON. What the observer masked is marked, so that nobody takes the word for the value.
import { Fragment, type ReactNode } from "react";
import { Icon } from "../../parts/icons";

const MASK = "[masked]";
/** More lines than this are cut, and one is told so. */
const LINES_MAX = 400;

export function Json({ value, masked }: { value: unknown; masked: string[] }) {
  const lines: ReactNode[] = [];
  write(value, 0, null, "", masked.length > 0, lines);
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

function write(
  value: unknown,
  depth: number,
  name: ReactNode,
  end: string,
  masks: boolean,
  lines: ReactNode[],
) {
  const pad = "  ".repeat(depth);
  const many = Array.isArray(value)
    ? value.map((item) => [undefined, item] as const)
    : typeof value === "object" && value !== null
      ? Object.entries(value)
      : undefined;
  if (!many || many.length === 0) {
    lines.push(
      <>
        {pad}
        {name}
        {many ? (Array.isArray(value) ? "[]" : "{}") : leaf(value, masks)}
        {end}
      </>,
    );
    return;
  }
  const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  lines.push(
    <>
      {pad}
      {name}
      {open}
    </>,
  );
  many.forEach(([key, item], nth) => {
    const label = key === undefined ? null : <span className="json-name">{JSON.stringify(key)}: </span>;
    write(item, depth + 1, label, nth === many.length - 1 ? "" : ",", masks, lines);
  });
  lines.push(
    <>
      {pad}
      {close}
      {end}
    </>,
  );
}

function leaf(value: unknown, masks: boolean): ReactNode {
  if (masks && value === MASK) {
    return (
      <span className="json-masked">
        <Icon name="lock" size={11} /> masked
      </span>
    );
  }
  const look = typeof value === "string" ? "json-text" : "json-plain";
  return <span className={look}>{JSON.stringify(value)}</span>;
}
