// Which key does what. One table: the help overlay shows it, the screens act on it.

export type Action =
  | "search"
  | "help"
  | "back"
  | "next"
  | "previous"
  | "nextProblem"
  | "previousProblem"
  | "open"
  | "closeAll"
  | "openAll"
  | "levelMore"
  | "levelLess"
  | "axis"
  | "view1"
  | "view2"
  | "view3"
  | "copy"
  | "live"
  | "filter";

export interface Shortcut {
  action: Action;
  keys: string[];
  words: string;
  where: "everywhere" | "lists" | "flow";
}

export const SHORTCUTS: Shortcut[] = [
  { action: "search", keys: ["/"], words: "Search (also Ctrl-K)", where: "everywhere" },
  { action: "live", keys: ["l"], words: "Pause, or go on live", where: "everywhere" },
  { action: "copy", keys: ["y"], words: "Copy a link to what is shown", where: "everywhere" },
  { action: "help", keys: ["?"], words: "This help", where: "everywhere" },
  { action: "back", keys: ["Escape"], words: "Close what is open, or go back", where: "everywhere" },
  { action: "next", keys: ["j"], words: "Next row", where: "lists" },
  { action: "previous", keys: ["k"], words: "Previous row", where: "lists" },
  { action: "nextProblem", keys: ["f"], words: "Next problem", where: "lists" },
  { action: "previousProblem", keys: ["b"], words: "Previous problem", where: "lists" },
  { action: "open", keys: ["Enter"], words: "Open the row", where: "lists" },
  { action: "view1", keys: ["1"], words: "Timeline", where: "flow" },
  { action: "view2", keys: ["2"], words: "Cause tree", where: "flow" },
  { action: "view3", keys: ["3"], words: "Raw records", where: "flow" },
  { action: "axis", keys: ["t"], words: "Next time axis", where: "flow" },
  { action: "filter", keys: ["e"], words: "Filter the events", where: "flow" },
  { action: "openAll", keys: ["]"], words: "Expand all", where: "flow" },
  { action: "closeAll", keys: ["["], words: "Collapse all", where: "flow" },
  { action: "levelMore", keys: ["o"], words: "Expand one level", where: "flow" },
  { action: "levelLess", keys: ["p"], words: "Collapse one level", where: "flow" },
];

export interface Press {
  key: string;
  ctrl: boolean;
  meta: boolean;
  alt: boolean;
  /** Somebody types: the focus is in a field. */
  typing: boolean;
}

/** What a key press asks for. `single` says whether single keys act at all. */
export function actionOf(press: Press, single: boolean): Action | undefined {
  const { key, ctrl, meta, alt, typing } = press;
  if ((ctrl || meta) && !alt && key.toLowerCase() === "k") return "search";
  if (ctrl || meta || alt) return undefined;
  if (key === "Escape") return "back";
  if (typing || !single) return undefined;
  return SHORTCUTS.find((shortcut) => shortcut.keys.includes(key))?.action;
}
