// One of some, or all of them.

interface Props {
  label: string;
  all: string;
  value?: string;
  options: { value: string; words: string }[];
  choose: (value: string | undefined) => void;
}

export function Choice({ label, all, value, options, choose }: Props) {
  return (
    <label className={value ? "choice chosen" : "choice"}>
      <span className="choice-label">{label}</span>
      <select value={value ?? ""} onChange={(event) => choose(event.target.value || undefined)}>
        <option value="">{all}</option>
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.words}
          </option>
        ))}
      </select>
    </label>
  );
}

/** What is chosen can be seen, even if nobody knows it. */
export function withChosen(known: readonly string[], chosen: string | undefined): string[] {
  return chosen === undefined || known.includes(chosen) ? [...known] : [...known, chosen];
}
