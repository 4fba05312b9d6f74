// One box for whatever one holds in hand: a flow id, a business key, an event id, topic/partition/offset, a
// trace id. The observer guesses which it is.
import { type KeyboardEvent, type RefObject, useEffect, useId, useRef, useState } from "react";
import { askFind, failure } from "../../api/client";
import type { Found } from "../../api/types";
import { type Address, ALL_FLOWS, flowAddress } from "../../model/address";
import { flowName, sentence } from "../../model/words";
import { Icon } from "../../parts/icons";
import { StatusMark } from "../../parts/marks";
import { go } from "../../parts/router";

const WAIT_MS = 120;
const SHOWN_MAX = 8;
const KINDS: Record<Found["kind"], string> = {
  flow: "flow id",
  key: "business key",
  event: "event id",
  record: "record",
  trace: "trace id",
  none: "nothing",
};

interface Choice {
  key: string;
  to: Address;
  flow?: Found["flows"][number];
  words?: string;
}

export function Search({ input }: { input: RefObject<HTMLInputElement | null> }) {
  const [text, setText] = useState("");
  const [answer, setAnswer] = useState<{ q: string; found?: Found; trouble?: string }>();
  const [open, setOpen] = useState(false);
  const [at, setAt] = useState(0);
  const enter = useRef(false);
  const list = useId();
  const q = text.trim();

  useEffect(() => {
    if (q === "") {
      setAnswer(undefined);
      return;
    }
    const stop = new AbortController();
    const timer = setTimeout(() => {
      askFind(q, stop.signal).then(
        (found) => setAnswer({ q, found }),
        (error) => {
          if (!stop.signal.aborted) setAnswer({ q, trouble: failure(error).message });
        },
      );
    }, WAIT_MS);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [q]);

  const current = answer?.q === q ? answer : undefined;
  const choices = current ? choicesOf(q, current.found) : [];
  const active = Math.min(at, Math.max(0, choices.length - 1));

  function leave() {
    setOpen(false);
    setText("");
    setAt(0);
    input.current?.blur();
  }

  function choose(choice: Choice | undefined) {
    if (!choice) return;
    leave();
    go(choice.to);
  }

  // Whoever types fast and presses Enter gets the first answer when it comes.
  useEffect(() => {
    if (!enter.current || !current) return;
    enter.current = false;
    if (current.found && current.found.flows.length > 0) choose(choices[0]);
  });

  function press(event: KeyboardEvent<HTMLInputElement>) {
    if (event.key === "Escape") {
      event.preventDefault();
      leave();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : -1;
      if (choices.length > 0) setAt((active + step + choices.length) % choices.length);
    } else if (event.key === "Enter" && q !== "") {
      event.preventDefault();
      if (current) choose(choices[active]);
      else enter.current = true;
    }
  }

  const shown = open && q !== "";
  return (
    <search className="search">
      <label className="search-box">
        <Icon name="search" />
        <span className="unseen">Find a flow by order, event, offset or trace</span>
        <input
          ref={input}
          type="text"
          role="combobox"
          autoComplete="off"
          spellCheck={false}
          aria-expanded={shown}
          aria-controls={list}
          aria-activedescendant={shown && choices.length > 0 ? `${list}-${active}` : undefined}
          aria-keyshortcuts="/ Control+K"
          placeholder="Find order, event, offset, trace"
          value={text}
          onChange={(event) => {
            setText(event.target.value);
            setOpen(true);
            setAt(0);
          }}
          onFocus={() => setOpen(true)}
          onBlur={() => setOpen(false)}
          onKeyDown={press}
        />
        <kbd>/</kbd>
      </label>
      <div className="search-list" hidden={!shown}>
        {current?.trouble && <p className="search-say">{sentence(current.trouble)}</p>}
        {current?.found?.kind === "none" && (
          <p className="search-say">
            Nothing is called <b>{q}</b>.
            {current.found.tried.length > 0 && ` Looked for: ${current.found.tried.join(", ")}.`}
          </p>
        )}
        {current?.found && current.found.kind !== "none" && (
          <p className="search-say">Found as {KINDS[current.found.kind]}</p>
        )}
        {!current && shown && <p className="search-say">Looking…</p>}
        <div id={list} role="listbox" aria-label="Found">
          {shown &&
            choices.map((choice, nth) => (
              // The focus stays in the box, which hears the keys; the pointer is for those who have one.
              // biome-ignore lint/a11y/useKeyWithClickEvents: the combobox handles the keys.
              <div
                key={choice.key}
                id={`${list}-${nth}`}
                role="option"
                aria-selected={nth === active}
                className="search-item"
                onMouseDown={(event) => event.preventDefault()}
                onClick={() => choose(choice)}
              >
                {choice.flow ? (
                  <>
                    <span className="search-name">{flowName(choice.flow)}</span>
                    <StatusMark status={choice.flow.status} />
                    <span className="search-why">{choice.flow.why}</span>
                  </>
                ) : (
                  <span className="search-name">{choice.words}</span>
                )}
              </div>
            ))}
        </div>
      </div>
    </search>
  );
}

function choicesOf(q: string, found: Found | undefined): Choice[] {
  const flows = (found?.flows ?? []).slice(0, SHOWN_MAX);
  const choices: Choice[] = flows.map((flow) => ({
    key: flow.id,
    flow,
    to: flowAddress(flow.id, flows.length === 1 ? found?.event : undefined),
  }));
  choices.push({
    key: "filter",
    to: { ...ALL_FLOWS, q },
    words: `List flows whose id or key begins with “${q}”`,
  });
  return choices;
}
