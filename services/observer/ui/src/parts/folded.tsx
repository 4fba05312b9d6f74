// What a narrow screen has no room for, behind one button that says how much of it is set. What is set stands
// beside the button as chips, so that nothing works unseen. A wide screen shows all of it.
import { type KeyboardEvent, type ReactNode, useId, useRef, useState } from "react";
import { useNarrow } from "./hooks";
import { Icon, type IconName } from "./icons";

/** Something that is set, in words, and what unsets it. */
export interface Chosen {
  words: string;
  remove: () => void;
}

/** Which folds are open. It outlives its screen: whoever comes back finds it as it was. */
const kept = new Map<string, boolean>();

export function useFold(name: string): [boolean, (open: boolean) => void] {
  const [open, setOpen] = useState(kept.get(name) ?? false);
  return [
    open,
    (next) => {
      kept.set(name, next);
      setOpen(next);
    },
  ];
}

interface Props {
  label: string;
  icon: IconName;
  fold: [boolean, (open: boolean) => void];
  chosen: Chosen[];
  children: ReactNode;
}

export function Folded({ label, icon, fold: [open, setOpen], chosen, children }: Props) {
  const narrow = useNarrow();
  const body = useId();
  const button = useRef<HTMLButtonElement>(null);
  if (!narrow) return children;
  function press(event: KeyboardEvent) {
    if (event.key !== "Escape" || event.defaultPrevented) return;
    // It closes this and nothing else.
    event.stopPropagation();
    setOpen(false);
    button.current?.focus();
  }
  return (
    <div className="folded">
      <button
        ref={button}
        type="button"
        className="button folded-button"
        aria-expanded={open}
        aria-controls={body}
        onClick={() => setOpen(!open)}
      >
        <Icon name={icon} size={14} />
        {chosen.length > 0 ? `${label} (${chosen.length})` : label}
        <Icon name={open ? "fold" : "down"} size={12} />
      </button>
      {chosen.map((each) => (
        <Chip key={each.words} {...each} />
      ))}
      {/* biome-ignore lint/a11y/noStaticElementInteractions: it hears the Escape of what stands in it. */}
      <div id={body} className="folded-body" hidden={!open} onKeyDown={press}>
        {open && children}
      </div>
    </div>
  );
}

export function Chip({ words, remove }: Chosen) {
  return (
    <button type="button" className="chip" onClick={remove}>
      {words}
      <Icon name="close" size={12} />
      <span className="unseen">, remove</span>
    </button>
  );
}
