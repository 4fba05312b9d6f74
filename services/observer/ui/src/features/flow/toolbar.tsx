// The tabs of a flow, and what one can do to the one that is shown.
import type { KeyboardEvent } from "react";
import { AXES, type AxisKind, type FlowAddress, VIEWS, type View } from "../../model/address";
import { allClosed, allOpen, type Node, type Openness } from "../../model/tree";
import { type Chosen, Folded, useFold } from "../../parts/folded";
import { Icon } from "../../parts/icons";

const VIEW_WORDS: Record<View, string> = { timeline: "Timeline", tree: "Cause tree", records: "Raw records" };
const AXIS_WORDS: Record<AxisKind, { word: string; means: string }> = {
  elastic: { word: "Elastic", means: "idle time is folded" },
  wall: { word: "Wall clock", means: "to scale" },
  previous: { word: "Since cause", means: "how long after its cause each thing happened" },
};

interface Props {
  address: FlowAddress;
  change: (to: Partial<FlowAddress>) => void;
  setOpen: (open: Openness) => void;
  roots: Node[];
  copyLink: () => void;
}

export function Toolbar({ address, change, setOpen, roots, copyLink }: Props) {
  const { view, axis, table } = address;
  const fold = useFold("view");
  const chosen: Chosen[] = [];
  if (view === "timeline" && table) {
    chosen.push({ words: "As table", remove: () => change({ table: false }) });
  } else if (view === "timeline" && axis !== "elastic") {
    chosen.push({ words: AXIS_WORDS[axis].word, remove: () => change({ axis: "elastic" }) });
  }
  function press(event: KeyboardEvent) {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (step === 0) return;
    event.preventDefault();
    const to = VIEWS[(VIEWS.indexOf(view) + step + VIEWS.length) % VIEWS.length] ?? "timeline";
    change({ view: to });
    document.getElementById(`tab-${to}`)?.focus();
  }
  return (
    <div className="toolbar">
      <div className="tabs" role="tablist" aria-label="Views of this flow">
        {VIEWS.map((each) => (
          <button
            key={each}
            type="button"
            role="tab"
            id={`tab-${each}`}
            aria-selected={each === view}
            aria-controls="flow-view"
            tabIndex={each === view ? 0 : -1}
            onClick={() => change({ view: each })}
            onKeyDown={press}
          >
            {VIEW_WORDS[each]}
          </button>
        ))}
      </div>
      <div className="tools">
        {view !== "records" && (
          <Folded label="View" icon="table" fold={fold} chosen={chosen}>
            {view === "timeline" && !table && (
              <fieldset className="segments">
                <legend className="unseen">Time axis</legend>
                {AXES.map((each) => (
                  <label key={each} title={AXIS_WORDS[each].means}>
                    <input
                      type="radio"
                      name="axis"
                      checked={each === axis}
                      onChange={() => change({ axis: each })}
                    />
                    <span>{AXIS_WORDS[each].word}</span>
                  </label>
                ))}
              </fieldset>
            )}
            {view === "timeline" && (
              <button
                type="button"
                className="button small"
                aria-pressed={table}
                onClick={() => change({ table: !table })}
              >
                <Icon name="table" size={14} /> As table
              </button>
            )}
            <button
              type="button"
              className="button small"
              onClick={() => setOpen(allOpen(roots))}
              title="Expand all ( ] )"
            >
              Expand
            </button>
            <button
              type="button"
              className="button small"
              onClick={() => setOpen(allClosed(roots))}
              title="Collapse all ( [ )"
            >
              Collapse
            </button>
          </Folded>
        )}
        <button
          type="button"
          className="button small copy-link"
          title="Copy a link to what is shown (y)"
          aria-label="Copy link"
          onClick={copyLink}
        >
          <Icon name="link" size={14} /> <span className="only-wide">Copy link</span>
        </button>
      </div>
    </div>
  );
}
