// Which rows of a long list are drawn: those that can be seen, and some around them.

export interface Window {
  first: number;
  /** One past the last. */
  end: number;
}

/** `top` is where the list begins relative to the top of what can be seen; negative when scrolled past. */
export function visible(top: number, seen: number, height: number, total: number, around: number): Window {
  const first = Math.floor(-top / height) - around;
  const end = Math.ceil((seen - top) / height) + around;
  return { first: limit(first, 0, total), end: limit(end, 0, total) };
}

function limit(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}
