// Checks an answer at the edge. A check takes a value and says what it is, or throws with the place in the
// answer and what was expected there. Unknown fields are dropped without a word, as the API asks for.

export type Check<T> = (value: unknown, at: string) => T;

/** The answer is not what was agreed on. */
export class Garbled extends Error {
  constructor(at: string, wanted: string, value: unknown) {
    super(`${at} should be ${wanted}, and is ${brief(value)}`);
    this.name = "Garbled";
  }
}

export const text: Check<string> = (value, at) => {
  if (typeof value !== "string") throw new Garbled(at, "text", value);
  return value;
};

export const number: Check<number> = (value, at) => {
  if (typeof value !== "number" || !Number.isFinite(value)) throw new Garbled(at, "a number", value);
  return value;
};

export const flag: Check<boolean> = (value, at) => {
  if (typeof value !== "boolean") throw new Garbled(at, "true or false", value);
  return value;
};

export const anything: Check<unknown> = (value) => value;

/** Absent and null mean the same: not there. */
export function optional<T>(check: Check<T>): Check<T | undefined> {
  return (value, at) => (value === undefined || value === null ? undefined : check(value, at));
}

export function oneOf<const T extends string>(words: readonly T[]): Check<T> {
  return (value, at) => {
    const found = words.find((word) => word === value);
    if (found === undefined) throw new Garbled(at, `one of ${words.join(", ")}`, value);
    return found;
  };
}

export function list<T>(check: Check<T>): Check<T[]> {
  return (value, at) => {
    if (!Array.isArray(value)) throw new Garbled(at, "a list", value);
    return value.map((item, nth) => check(item, `${at}[${nth}]`));
  };
}

/** A pair of texts, such as a header. */
export const pair: Check<[string, string]> = (value, at) => {
  if (!Array.isArray(value) || value.length !== 2) throw new Garbled(at, "a pair", value);
  return [text(value[0], `${at}[0]`), text(value[1], `${at}[1]`)];
};

export function object<T>(shape: { [K in keyof T]-?: Check<T[K]> }): Check<T> {
  const fields = Object.entries(shape) as [string, Check<unknown>][];
  return (value, at) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw new Garbled(at, "an object", value);
    }
    const given = value as Record<string, unknown>;
    const taken: Record<string, unknown> = {};
    for (const [name, check] of fields) {
      const field = check(given[name], `${at}.${name}`);
      if (field !== undefined) taken[name] = field;
    }
    return taken as T;
  };
}

function brief(value: unknown): string {
  if (value === undefined) return "absent";
  const words = JSON.stringify(value) ?? String(value);
  return words.length > 60 ? `${words.slice(0, 60)}…` : words;
}
