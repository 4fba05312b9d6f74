// Which events of the flow are shown. All of it is in the address; `e` leads to the text.
import { type KeyboardEvent, type RefObject, useEffect, useMemo, useRef, useState } from "react";
import type { FlowAddress } from "../../model/address";
import { choices, REACTION_STATUSES, type ReactionStatus } from "../../model/event-filter";
import type { LoadedFlow } from "../../model/flow-pages";
import { plural, typeName } from "../../model/words";
import { Announce } from "../../parts/announce";
import { Choice, withChosen } from "../../parts/choice";
import { type Chosen, Folded, useFold } from "../../parts/folded";
import { Icon } from "../../parts/icons";
import { useShortcuts } from "../../parts/shortcuts";

/** Whoever types is not followed letter by letter into the address. */
const SETTLED_MS = 150;

interface Props {
  address: FlowAddress;
  flow: LoadedFlow;
  change: (to: Partial<FlowAddress>) => void;
  /** How many events fit; undefined where none is left out. */
  fitting?: number;
  leave: () => void;
}

export function FlowFilters({ address, flow, change, fitting, leave }: Props) {
  const { types, services } = useMemo(() => choices(flow.events), [flow.events]);
  const { type, service, status, text } = address;
  const count =
    fitting === undefined
      ? ""
      : `${fitting} of ${plural(flow.events.length, "event")} ${fitting === 1 ? "fits" : "fit"}`;
  const fold = useFold("flow");
  const field = useRef<HTMLInputElement>(null);
  const wanted = useRef(false);
  const toText = () => {
    field.current?.focus();
    field.current?.select();
  };
  useShortcuts((action) => {
    if (action !== "filter") return false;
    // Where it is folded away, it is unfolded first.
    if (field.current) toText();
    else {
      wanted.current = true;
      fold[1](true);
    }
    return true;
  });
  useEffect(() => {
    if (!wanted.current || !field.current) return;
    wanted.current = false;
    toText();
  });
  const chosen: Chosen[] = [];
  const choose = (words: string | undefined, to: Partial<FlowAddress>) => {
    if (words) chosen.push({ words, remove: () => change(to) });
  };
  choose(text && `“${text}”`, { text: undefined });
  choose(type && typeName(type), { type: undefined });
  choose(service, { service: undefined });
  choose(status, { status: undefined });
  return (
    <fieldset className="filters flow-filters">
      <legend className="unseen">Filter the events of this flow</legend>
      <Folded label="Filters" icon="filters" fold={fold} chosen={chosen}>
        <TextFilter field={field} text={text} change={(next) => change({ text: next })} leave={leave} />
        <Choice
          label="Type"
          all="All types"
          value={type}
          options={withChosen(types, type).map((each) => ({ value: each, words: typeName(each) }))}
          choose={(next) => change({ type: next })}
        />
        <Choice
          label="Service"
          all="Any service"
          value={service}
          options={withChosen(services, service).map((each) => ({ value: each, words: each }))}
          choose={(next) => change({ service: next })}
        />
        <Choice
          label="Reaction"
          all="However it stands"
          value={status}
          options={REACTION_STATUSES.map((each) => ({ value: each, words: each }))}
          choose={(next) => change({ status: next as ReactionStatus | undefined })}
        />
      </Folded>
      {fitting !== undefined && (
        <>
          <span className="quiet">
            {count}
            {flow.next !== undefined && " so far"}
          </span>
          <button
            type="button"
            className="button small plain"
            onClick={() =>
              change({ type: undefined, service: undefined, status: undefined, text: undefined })
            }
          >
            Clear filters
          </button>
        </>
      )}
      <Announce words={count} />
    </fieldset>
  );
}

interface TextProps {
  field: RefObject<HTMLInputElement | null>;
  text?: string;
  change: (text: string | undefined) => void;
  leave: () => void;
}

function TextFilter({ field, text, change, leave }: TextProps) {
  const [typed, setTyped] = useState(text ?? "");
  const [known, setKnown] = useState(text);
  // The address changed under it, by a button or by going back.
  if (known !== text) {
    setKnown(text);
    if (typed.trim() !== (text ?? "")) setTyped(text ?? "");
  }
  useEffect(() => {
    const wanted = typed.trim() || undefined;
    if (wanted === text) return;
    const timer = setTimeout(() => change(wanted), SETTLED_MS);
    return () => clearTimeout(timer);
  });
  function press(event: KeyboardEvent) {
    if (event.key === "Escape" && typed !== "") setTyped("");
    else if (event.key === "Escape" || event.key === "Enter") leave();
    else return;
    event.preventDefault();
  }
  return (
    <span className={typed ? "text-filter chosen" : "text-filter"}>
      <Icon name="search" size={14} />
      <input
        ref={field}
        type="search"
        aria-label="Filter events by text"
        aria-keyshortcuts="e"
        placeholder="Type, id, key, code …"
        title="Filter by text (e)"
        value={typed}
        maxLength={200}
        onChange={(event) => setTyped(event.target.value)}
        onKeyDown={press}
      />
    </span>
  );
}
