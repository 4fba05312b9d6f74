// Where an instant stands on the time axis. Three axes: *elastic* folds time in which nothing happened, *wall* is
// to scale, *previous* shows how long after its cause a thing happened. Places are shares of the width, 0 to 1.
import { duration } from "./words";

export interface Fold {
  from: number;
  to: number;
  words: string;
}

export interface Tick {
  at: number;
  words: string;
  /** Which instant that is, where the axis knows. */
  ms?: number;
}

export interface Axis {
  place(ms: number): number;
  ticks: Tick[];
  folds: Fold[];
}

/** Shorter gaps are never folded: nobody calls them idle. */
const IDLE_MIN_MS = 1000;
/** A gap is idle if it takes more than this share of the time that is left unfolded. */
const IDLE_SHARE = 0.25;
const FOLDS_MAX = 8;
/** Of the width, how much a fold takes, and how much all of them together may take. */
const FOLD_WIDTH = 0.085;
const FOLDS_WIDTH_MAX = 0.55;

/** Something that happened, or is due; an instant ends where it begins. */
export interface Span {
  from: number;
  to: number;
}

/** Idle time is folded; what is between folds gets room by the root of its length, so that a short burst
 * beside a long one can still be seen. */
export function elastic(spans: readonly Span[]): Axis {
  const idle = idleGaps(spans);
  if (idle.length === 0) return wall(spans);
  const first = beginning(spans);
  const last = end(spans);
  const pieces: (Span & { fold: boolean })[] = [];
  let at = first;
  for (const gap of idle) {
    pieces.push({ from: at, to: gap.from, fold: false }, { ...gap, fold: true });
    at = gap.to;
  }
  pieces.push({ from: at, to: last, fold: false });

  const foldWidth = Math.min(FOLD_WIDTH, FOLDS_WIDTH_MAX / idle.length);
  const room = 1 - foldWidth * idle.length;
  const weight = (piece: Span) => Math.sqrt(piece.to - piece.from) + 1;
  const busy = pieces.filter((piece) => !piece.fold);
  const weights = busy.reduce((sum, piece) => sum + weight(piece), 0);
  // A burst of a single instant still needs room for its mark.
  const least = Math.min(0.04, room / busy.length);
  const widths = busy.map((piece) => Math.max(least, (weight(piece) / weights) * room));
  const scale = room / widths.reduce((sum, width) => sum + width, 0);

  const stretches: Stretch[] = [];
  const ticks: Tick[] = [];
  const folds: Fold[] = [];
  let left = 0;
  let nth = 0;
  for (const piece of pieces) {
    const width = piece.fold ? foldWidth : (widths[nth++] ?? 0) * scale;
    stretches.push({ from: piece.from, to: piece.to, left, right: left + width });
    if (piece.fold) {
      folds.push({ from: left, to: left + width, words: `${duration(piece.to - piece.from)} idle` });
    } else {
      ticks.push({ at: left, words: left === 0 ? "0" : `+${duration(piece.from - first)}`, ms: piece.from });
    }
    left += width;
  }
  return { place: (ms) => placeIn(stretches, ms), ticks, folds };
}

export function wall(spans: readonly Span[]): Axis {
  const first = beginning(spans);
  const span = Math.max(end(spans) - first, 0.001);
  return {
    place: (ms) => clamp((ms - first) / span),
    ticks: steps(span).map((ms) => ({
      at: ms / span,
      words: ms === 0 ? "0" : `+${duration(ms)}`,
      ms: first + ms,
    })),
    folds: [],
  };
}

/** How long after its cause, on a scale of powers: a reaction of 2 ms and a wait of 2 d both show. */
export function previous(longest: number): Axis {
  const marks = [0, 1, 10, 100, 1000, 10_000, 60_000, 600_000, 3_600_000, 86_400_000, 864_000_000];
  const end = marks.find((mark) => mark >= longest) ?? longest;
  const share = (ms: number) => clamp(Math.log1p(ms * 4) / Math.log1p(Math.max(end, 1) * 4));
  const shown = marks.filter((mark) => mark <= Math.max(end, 1));
  return {
    place: share,
    ticks: shown.map((mark) => ({ at: share(mark), words: mark === 0 ? "0" : duration(mark) })),
    folds: [],
  };
}

/** The gaps that are folded: the longest first, as long as each is a large part of what is left. */
function idleGaps(spans: readonly Span[]): Span[] {
  const sorted = [...spans].sort((a, b) => a.from - b.from);
  const gaps: Span[] = [];
  let until = sorted[0]?.to ?? 0;
  for (const span of sorted) {
    if (span.from - until >= IDLE_MIN_MS) gaps.push({ from: until, to: span.from });
    until = Math.max(until, span.to);
  }
  gaps.sort((a, b) => b.to - b.from - (a.to - a.from));
  let left = until - (sorted[0]?.from ?? 0);
  const idle: Span[] = [];
  for (const gap of gaps) {
    const length = gap.to - gap.from;
    if (idle.length === FOLDS_MAX || length < left * IDLE_SHARE) break;
    idle.push(gap);
    left -= length;
  }
  return idle.sort((a, b) => a.from - b.from);
}

interface Stretch extends Span {
  left: number;
  right: number;
}

function placeIn(stretches: readonly Stretch[], ms: number): number {
  for (const { from, to, left, right } of stretches) {
    if (ms <= to) return to === from ? left : left + clamp((ms - from) / (to - from)) * (right - left);
  }
  return 1;
}

/** Four to eight round steps. */
function steps(span: number): number[] {
  const units = [1, 2, 5];
  const clockSteps = [
    60_000, 120_000, 300_000, 900_000, 1_800_000, 3_600_000, 10_800_000, 21_600_000, 43_200_000,
  ];
  const days = [1, 2, 5, 10, 30, 100, 365].map((day) => day * 86_400_000);
  const small = [-3, -2, -1, 0, 1, 2, 3, 4].flatMap((power) => units.map((unit) => unit * 10 ** power));
  const all = [...small.filter((step) => step < 60_000), ...clockSteps, ...days];
  const step = all.find((each) => span / each <= 7) ?? span / 5;
  const found: number[] = [];
  for (let nth = 0; nth * step <= span * 1.0001; nth += 1) found.push(nth * step);
  return found;
}

function clamp(share: number): number {
  return Math.min(1, Math.max(0, share));
}

function beginning(spans: readonly Span[]): number {
  return spans.reduce((least, { from }) => Math.min(least, from), spans[0]?.from ?? 0);
}

function end(spans: readonly Span[]): number {
  return spans.reduce((most, { to }) => Math.max(most, to), spans[0]?.to ?? 0);
}
