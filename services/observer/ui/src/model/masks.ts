// Which values of a body were masked by the observer, so that nobody takes the mask for the value.

/** What stands where a sensitive value stood. */
const MASKS: readonly unknown[] = ["[masked]", "***"];

/** Says of a value, by the field that it stands in, whether it is a mask. A field may be named with its path. */
export function masksOf(names: readonly string[]): (field: string | undefined, value: unknown) => boolean {
  const fields = new Set(names.map((name) => name.slice(name.lastIndexOf(".") + 1)));
  return (field, value) => field !== undefined && fields.has(field) && MASKS.includes(value);
}
