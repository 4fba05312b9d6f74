// Numbers, times and names as people read them. Pure: the clock is handed in.
import type { Key } from "../api/types";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** "0.09 ms", "14.1 ms", "1.2 s", "3 min 4 s", "2 h 5 min", "3 d 4 h". */
export function duration(ms: number): string {
  const span = Math.max(0, ms);
  if (span < 0.995) return `${trim(span.toFixed(2))} ms`;
  if (span < 99.95) return `${trim(span.toFixed(1))} ms`;
  if (span < 999.5) return `${Math.round(span)} ms`;
  if (span < MINUTE - 50) return `${trim((span / SECOND).toFixed(1))} s`;
  if (span < HOUR - SECOND / 2) return two(span, MINUTE, "min", SECOND, "s");
  if (span < DAY - MINUTE / 2) return two(span, HOUR, "h", MINUTE, "min");
  return two(span, DAY, "d", HOUR, "h");
}

/** "just now", "12 s ago". */
export function ago(ms: number): string {
  return ms < SECOND ? "just now" : `${age(ms)} ago`;
}

/** How long ago, in one unit: "now", "12 s", "3 min", "3 h", "2 d". */
export function age(ms: number): string {
  const span = Math.max(0, ms);
  if (span < SECOND) return "now";
  if (span < MINUTE) return `${Math.floor(span / SECOND)} s`;
  if (span < HOUR) return `${Math.floor(span / MINUTE)} min`;
  if (span < 2 * DAY) return `${Math.floor(span / HOUR)} h`;
  return `${Math.floor(span / DAY)} d`;
}

/** "10 000": a thin space parts thousands, as it is no decimal mark anywhere. */
export function count(value: number): string {
  return Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+(?!\d))/g, "\u202f");
}

/** "1 event", "2 events". */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** "orders.v1.OrderPlaced" is called "OrderPlaced". */
export function typeName(type: string): string {
  return type.slice(type.lastIndexOf(".") + 1);
}

/** "orders.v1" of "orders.v1.OrderPlaced", and nothing where there is no package. */
export function typePackage(type: string): string {
  return type.slice(0, Math.max(0, type.lastIndexOf(".")));
}

/** Our own services emit as "/quadrille/orders" and are called "orders"; others are called as they say. */
export function sourceName(source: string): string {
  return source.startsWith(OWN_SOURCE) ? source.slice(OWN_SOURCE.length) : source;
}

const OWN_SOURCE = "/quadrille/";

/** "order 4711". A flow without business keys is called by the beginning of its id. */
export function flowName(flow: { id: string; keys: readonly Key[] }): string {
  const [first] = flow.keys;
  return first ? `${first.space} ${first.key}` : flow.id.slice(0, 8);
}

/** Milliseconds since 1970, with the parts of one that `Date` drops. */
export function instant(time: string): number {
  const whole = Date.parse(time);
  const fraction = /\.(\d{4,})/.exec(time)?.[1];
  if (fraction === undefined) return whole;
  return Math.floor(whole / SECOND) * SECOND + Number(`0.${fraction}`) * SECOND;
}

const WEEKDAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** "16:20:05" today, "Fri 16:20:05" within six days, else "20 Nov 16:20:05"; in the reader's time zone. */
export function clock(ms: number, now: number): string {
  const at = new Date(ms);
  const today = new Date(now);
  const time = [at.getHours(), at.getMinutes(), at.getSeconds()].map(twoDigits).join(":");
  if (at.toDateString() === today.toDateString()) return time;
  if (Math.abs(now - ms) < 6 * DAY) return `${WEEKDAYS[at.getDay()]} ${time}`;
  const day = `${at.getDate()} ${MONTHS[at.getMonth()]}`;
  const year = at.getFullYear() === today.getFullYear() ? "" : ` ${at.getFullYear()}`;
  return `${day}${year} ${time}`;
}

/** "Fri 20 Nov 2026, 16:02:05.123", for where the whole of it is wanted. */
export function fullClock(ms: number): string {
  const at = new Date(ms);
  const day = `${WEEKDAYS[at.getDay()]} ${at.getDate()} ${MONTHS[at.getMonth()]} ${at.getFullYear()}`;
  const time = [at.getHours(), at.getMinutes(), at.getSeconds()].map(twoDigits).join(":");
  return `${day}, ${time}.${String(at.getMilliseconds()).padStart(3, "0")}`;
}

export function bytes(value: number): string {
  if (value < 1000) return `${value} B`;
  if (value < 1e6) return `${trim((value / 1e3).toFixed(1))} kB`;
  if (value < 1e9) return `${trim((value / 1e6).toFixed(1))} MB`;
  return `${trim((value / 1e9).toFixed(1))} GB`;
}

/** A sentence begins with a capital and ends with a full stop; errors of the observer do neither. */
export function sentence(words: string): string {
  const said = words.trim();
  if (said === "") return said;
  const whole = said.charAt(0).toUpperCase() + said.slice(1);
  return /[.!?…]$/.test(whole) ? whole : `${whole}.`;
}

function two(span: number, big: number, bigName: string, small: number, smallName: string): string {
  let bigs = Math.floor(span / big);
  let smalls = Math.round((span - bigs * big) / small);
  if (smalls * small >= big) {
    bigs += 1;
    smalls = 0;
  }
  return smalls === 0 ? `${bigs} ${bigName}` : `${bigs} ${bigName} ${smalls} ${smallName}`;
}

function trim(digits: string): string {
  return digits.includes(".") ? digits.replace(/\.?0+$/, "") : digits;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}
