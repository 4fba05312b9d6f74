// What the badge says of how fresh the answers are. It is never silently old: without a word from the
// observer it counts how long the page has been stale.
import type { Link } from "../api/stream";
import type { IndexState } from "../api/types";
import { age, count, duration, instant, sentence } from "./words";

/** The index speaks every 2 s. A page that heard nothing for longer than this calls itself stale. */
const STALE_MS = 7_000;
/** Below this, "behind" is not worth a number. */
const PROMPT_MS = 100;

export interface Freshness {
  tone: "good" | "warning" | "danger" | "quiet";
  words: string;
  /** Where there is little room. */
  short?: string;
  /** The longer story, for the badge's description. */
  detail?: string;
  progress?: number;
}

export interface Seen {
  link: Link;
  index?: IndexState;
  /** When the last word of the index came, in milliseconds since 1970. */
  heard?: number;
  paused: boolean;
}

export function freshness(seen: Seen, now: number): Freshness {
  const { link, index, heard, paused } = seen;
  if (link.state === "away") {
    const again = Math.max(0, Math.ceil((link.again - now) / 1000));
    if (link.answers) {
      const detail = `The observer answers, but sends nothing live; many pages may be open. Next try in ${again} s.`;
      return { tone: "warning", words: `not live for ${age(now - link.since)}`, detail };
    }
    const words = `observer away for ${age(now - link.since)}`;
    return { tone: "danger", words, detail: `It does not answer. Next try in ${again} s.` };
  }
  if (!index || heard === undefined) return { tone: "quiet", words: "connecting" };
  if (now - heard > STALE_MS) {
    if (link.state === "connecting") return { tone: "quiet", words: "connecting" };
    return { tone: "danger", words: `stale ${age(now - heard)}`, detail: "The observer says nothing new." };
  }
  if (index.broker !== "answers") return brokerless(index, now);
  if (index.trouble) return { tone: "danger", words: index.trouble, detail: "What is shown is from before." };
  if (!index.caught_up) return catchingUp(index);
  const behind = `${count(index.behind_records)} records are not read yet.`;
  const detail = index.behind_records === 0 ? "Every record is read." : behind;
  const lag = index.behind_ms < PROMPT_MS ? "up to date" : `index ${seconds(index.behind_ms)} behind`;
  if (paused)
    return { tone: "warning", words: `paused · ${lag}`, short: "paused", detail: "Press l to go on live." };
  return { tone: "good", words: `live · ${lag}`, short: "live", detail };
}

/** The observer answers, and the broker does not: what is shown is what was read before. */
function brokerless(index: IndexState, now: number): Freshness {
  const since = index.broker_since === undefined ? "" : ` for ${age(now - instant(index.broker_since))}`;
  const trouble = index.trouble === undefined ? "" : ` ${sentence(index.trouble)}`;
  return index.broker === "waiting"
    ? {
        tone: "warning",
        words: `no broker yet${since}`,
        detail: `The broker has not answered since the observer was started. It goes on by itself.${trouble}`,
      }
    : {
        tone: "danger",
        words: `broker away${since}`,
        detail: `It does not answer: what is shown is from before.${trouble}`,
      };
}

function catchingUp(index: IndexState): Freshness {
  const percent = index.read_percent === undefined ? "" : ` ${Math.floor(index.read_percent)} %`;
  const left = index.eta_ms === undefined ? "" : `, ${duration(Math.ceil(index.eta_ms / 1000) * 1000)} left`;
  return {
    tone: "warning",
    words: `catching up${percent}${left}`,
    detail: `${count(index.behind_records)} records are not read yet: what is shown is from before them.`,
    progress: index.read_percent,
  };
}

/** Tenths below ten seconds, whole ones above, then minutes and so on. */
function seconds(ms: number): string {
  return ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : duration(Math.round(ms / 1000) * 1000);
}
