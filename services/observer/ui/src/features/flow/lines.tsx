// The treegrid that timeline, cause tree and table share: rows with real focus, arrow keys, and only those in
// the page that can be seen.
import {
  type CSSProperties,
  type KeyboardEvent,
  memo,
  type ReactNode,
  useEffect,
  useRef,
  useState,
} from "react";
import type { EventView } from "../../api/types";
import type { LoadedFlow } from "../../model/flow-pages";
import { nextProblem, type Openness, type Row, toggled } from "../../model/tree";
import { rem, useNarrow, useStable } from "../../parts/hooks";
import { Icon } from "../../parts/icons";
import { useShortcuts } from "../../parts/shortcuts";
import { type Reveal, Windowed } from "../../parts/window";

export interface LinesHandle {
  focus(): void;
}

/** What every view of a flow's rows is given. */
export interface ViewProps {
  rows: Row[];
  open: Openness;
  setOpen: (open: Openness) => void;
  selected?: EventView;
  select: (event: EventView) => void;
  handle: { current: LinesHandle | null };
  more: () => Promise<LoadedFlow | undefined>;
  /** How many events are there, and whether those are all. */
  loaded: number;
  loadedAll: boolean;
}

export interface Column {
  name: string;
  className?: string;
  head?: ReactNode;
  cell: (row: Row) => ReactNode;
}

interface Props extends ViewProps {
  label: string;
  className: string;
  columns: Column[];
  /** Rows of two lines, where there is no room for columns. */
  tall: number;
  behind?: ReactNode;
}

/** Deeper rows are not indented further: at that depth the level is told in words. */
const INDENT_MAX = 16;

export function Lines(props: Props) {
  const { label, className, columns, tall, behind, rows, open, setOpen, selected, select, handle, more } =
    props;
  const narrow = useNarrow();
  const [activeId, setActiveId] = useState<string>();
  // The row that is to take the focus, once it is the active one: an effect of an earlier drawing may run first.
  const wanted = useRef<string>(undefined);
  const grid = useRef<HTMLDivElement>(null);
  const reveal = useRef<Reveal | null>(null);
  const height = Math.round(rem() * (narrow ? tall : 2));
  const atSelected = selected ? rows.findIndex((row) => row.kind === "event" && row.event === selected) : -1;
  const found = activeId === undefined ? -1 : rows.findIndex((row) => row.id === activeId);
  const active = found >= 0 ? found : Math.max(0, atSelected);

  const focus = () => {
    grid.current?.querySelector<HTMLElement>(`[data-row="${active}"]`)?.focus({ preventScroll: true });
  };
  const move = useStable((to: number) => {
    const row = rows[Math.min(Math.max(to, 0), rows.length - 1)];
    if (!row) return true;
    reveal.current?.reveal(rows.indexOf(row));
    // Where nothing changes nothing is drawn, and a wish that stays open would take the focus away later.
    if (row.id === activeId) focus();
    else wanted.current = row.id;
    setActiveId(row.id);
    return true;
  });
  useEffect(() => {
    if (wanted.current === undefined || rows[active]?.id !== wanted.current) return;
    wanted.current = undefined;
    focus();
  });
  useEffect(() => {
    handle.current = { focus: () => void move(active) };
  });

  // A selection that comes from elsewhere, such as a link, is brought into sight.
  const shownSelection = useRef<string>(undefined);
  useEffect(() => {
    if (!selected || atSelected < 0 || shownSelection.current === selected.id) return;
    shownSelection.current = selected.id;
    reveal.current?.reveal(atSelected);
  }, [selected, atSelected]);

  const problem = useStable((step: 1 | -1) => {
    const to = nextProblem(rows, found >= 0 ? found : -1, step);
    if (to >= 0) return move(to);
    // It may be on a page that is not loaded yet.
    if (step === 1) void more().then((flow) => flow && setTimeout(() => problem(1)));
    return true;
  });
  useShortcuts((action) => {
    if (action === "next") return move(found < 0 ? active : active + 1);
    if (action === "previous") return move(active - 1);
    if (action === "nextProblem") return problem(1);
    if (action === "previousProblem") return problem(-1);
    return false;
  });

  const choose = useStable((row: Row) => {
    setActiveId(row.id);
    if (row.kind === "fold") setOpen(toggled(open, row));
    else select(row.event);
  });
  const toggle = useStable((row: Row) => setOpen(toggled(open, row)));
  const toParent = (row: Row) => {
    const parent = rows.findIndex((each) => each.id === row.parent);
    if (parent >= 0) move(parent);
  };
  function press(event: KeyboardEvent) {
    const row = rows[active];
    if (!row || event.ctrlKey || event.metaKey || event.altKey) return;
    // A button or a link in a row does what it says.
    if (event.target instanceof Element && event.target.closest("a, button")) return;
    const acts: Record<string, () => void> = {
      ArrowDown: () => move(active + 1),
      ArrowUp: () => move(active - 1),
      Home: () => move(0),
      End: () => move(rows.length - 1),
      PageDown: () => move(active + 15),
      PageUp: () => move(active - 15),
      ArrowRight: () => {
        if (row.expandable && !row.expanded) setOpen(toggled(open, row, true));
        else if (row.expanded) move(active + 1);
      },
      ArrowLeft: () => {
        if (row.expanded) setOpen(toggled(open, row, false));
        else toParent(row);
      },
      Enter: () => choose(row),
      " ": () => choose(row),
    };
    const act = acts[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  const onEnd = useStable(() => void more());
  return (
    <div
      ref={grid}
      className={`lines ${className}`}
      role="treegrid"
      aria-label={label}
      aria-rowcount={props.loadedAll ? rows.length + 1 : -1}
      aria-colcount={columns.length}
      onKeyDown={press}
    >
      <div className="lines-head" role="rowgroup">
        <div className="line" role="row" aria-rowindex={1}>
          {columns.map((column) => (
            <div key={column.name} role="columnheader" className={`line-cell ${column.className ?? ""}`}>
              {column.head ?? column.name}
            </div>
          ))}
        </div>
      </div>
      <div className="lines-body">
        {behind}
        <Windowed
          role="rowgroup"
          count={rows.length}
          height={height}
          keep={active}
          covered={rem() * 6.5}
          handle={reveal}
          onEnd={onEnd}
          loaded={props.loaded}
        >
          {(at, { top }) => {
            const row = rows[at];
            if (!row) return null;
            return (
              <Line
                key={row.id}
                row={row}
                at={at}
                top={top}
                height={height}
                columns={columns}
                reachable={at === active}
                chosen={at === atSelected}
                choose={choose}
                toggle={toggle}
                focused={setActiveId}
              />
            );
          }}
        </Windowed>
      </div>
    </div>
  );
}

interface LineProps {
  row: Row;
  at: number;
  top: CSSProperties["top"];
  height: number;
  columns: Column[];
  reachable: boolean;
  chosen: boolean;
  choose: (row: Row) => void;
  toggle: (row: Row) => void;
  focused: (id: string) => void;
}

/** Drawn anew only when it changed: whoever scrolls moves some fifty of them at once. */
const Line = memo(function Line({
  row,
  at,
  top,
  height,
  columns,
  reachable,
  chosen,
  choose,
  toggle,
  focused,
}: LineProps) {
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the grid hears the keys for all its rows.
    <div
      role="row"
      tabIndex={reachable ? 0 : -1}
      className={`line line-${row.kind}${row.problem && !row.context ? " problem" : ""}${row.context ? " context" : ""}${chosen ? " chosen" : ""}`}
      aria-level={row.level}
      aria-posinset={row.nth}
      aria-setsize={row.siblings}
      aria-expanded={row.expandable ? row.expanded : undefined}
      aria-selected={row.kind === "event" ? chosen : undefined}
      aria-rowindex={at + 2}
      data-row={at}
      style={{ top, height }}
      onClick={() => choose(row)}
      onFocus={() => focused(row.id)}
    >
      {columns.map((column, nth) => (
        <div
          key={column.name}
          role={nth === 0 ? "rowheader" : "gridcell"}
          className={`line-cell ${column.className ?? ""}`}
          style={
            nth === 0 ? ({ "--level": Math.min(row.level - 1, INDENT_MAX) } as CSSProperties) : undefined
          }
        >
          {nth === 0 && <Twist row={row} toggle={toggle} />}
          {column.cell(row)}
        </div>
      ))}
    </div>
  );
});

/** For the pointer; keys use the arrows, and the row itself says whether it is expanded. */
function Twist({ row, toggle }: { row: Row; toggle: (row: Row) => void }) {
  if (!row.expandable) return <span className="twist" aria-hidden="true" />;
  return (
    <span
      className="twist"
      aria-hidden="true"
      onClick={(event) => {
        event.stopPropagation();
        toggle(row);
      }}
    >
      <Icon name={row.expanded ? "down" : "right"} size={12} />
    </span>
  );
}
