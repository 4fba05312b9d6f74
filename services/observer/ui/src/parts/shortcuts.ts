// Hands key presses to whoever is on the screen. The table of keys is `model/shortcuts.ts`.
import { useEffect, useSyncExternalStore } from "react";
import { type Action, actionOf } from "../model/shortcuts";
import { useStable } from "./hooks";

const STORED = "quadrille.shortcuts";
const watchers = new Set<() => void>();
let single = stored();

function stored(): boolean {
  try {
    return localStorage.getItem(STORED) !== "off";
  } catch {
    return true;
  }
}

/** Whether keys act without Ctrl or Cmd. Whoever dictates or types by accident can switch it off. */
export function useSingleKeys(): [boolean, (on: boolean) => void] {
  const value = useSyncExternalStore(
    (watcher) => {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
    () => single,
  );
  return [value, setSingle];
}

function setSingle(on: boolean) {
  single = on;
  try {
    localStorage.setItem(STORED, on ? "on" : "off");
  } catch {
    // It holds for this page then.
  }
  for (const watcher of watchers) watcher();
}

/** `act` says whether it did something; the press then has no other meaning. */
export function useShortcuts(act: (action: Action) => boolean) {
  const stable = useStable(act);
  useEffect(() => {
    function press(event: KeyboardEvent) {
      if (event.defaultPrevented) return;
      const target = event.target instanceof Element ? event.target : undefined;
      const typing =
        target?.closest("input:not([type=checkbox]):not([type=radio]), textarea, select") != null;
      const { key, ctrlKey: ctrl, metaKey: meta, altKey: alt } = event;
      const action = actionOf({ key, ctrl, meta, alt, typing }, single);
      // Enter belongs to what has the focus. An open dialog hears no keys but its own.
      if (!action || action === "open" || document.querySelector("dialog[open]")) return;
      if (stable(action)) event.preventDefault();
    }
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, [stable]);
}
