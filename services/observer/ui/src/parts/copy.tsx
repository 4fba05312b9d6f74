// Copying, and saying so. Without a secure origin there is no clipboard interface, so there is the old way too.
import { useSyncExternalStore } from "react";
import { Icon } from "./icons";

export async function copy(text: string, said: string) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = document.createElement("textarea");
    const focused = document.activeElement;
    area.value = text;
    area.className = "unseen";
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
    if (focused instanceof HTMLElement) focused.focus({ preventScroll: true });
  }
  say(said);
}

export function CopyButton({ text, label }: { text: string; label: string }) {
  return (
    <button type="button" className="icon-button" title={label} onClick={() => void copy(text, "Copied")}>
      <Icon name="copy" size={14} />
      <span className="unseen">{label}</span>
    </button>
  );
}

let toast: { words: string; nth: number } | undefined;
let timer: ReturnType<typeof setTimeout> | undefined;
const watchers = new Set<() => void>();

export function say(words: string) {
  toast = { words, nth: (toast?.nth ?? 0) + 1 };
  clearTimeout(timer);
  timer = setTimeout(() => {
    toast = undefined;
    for (const watcher of watchers) watcher();
  }, 2500);
  for (const watcher of watchers) watcher();
}

/** Says short things that need no answer. */
export function Toast() {
  const shown = useSyncExternalStore(
    (watcher) => {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
    () => toast,
  );
  return (
    <div className="toast-place" role="status">
      {shown && (
        <span key={shown.nth} className="toast">
          <Icon name="done" size={14} /> {shown.words}
        </span>
      )}
    </div>
  );
}
