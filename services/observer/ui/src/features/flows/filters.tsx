// Filters beside the counters. All of them are in the address, so a filtered list can be sent to somebody.
import { useEffect, useState } from "react";
import { askServices } from "../../api/client";
import { ALL_FLOWS, type FlowsAddress, filterWords, SINCE } from "../../model/address";
import { typeName } from "../../model/words";
import { Choice, withChosen } from "../../parts/choice";
import { Chip, type Chosen } from "../../parts/folded";
import { useNarrow } from "../../parts/hooks";
import { go } from "../../parts/router";

export function Filters({ address, types }: { address: FlowsAddress; types: string[] }) {
  const services = useServiceNames();
  const narrow = useNarrow();
  const filtered = filterWords(address).length > 0;
  const change = (to: Partial<FlowsAddress>) => go({ ...address, ...to }, "replace");
  const since = SINCE.some(({ value }) => value === address.since) || !address.since;
  return (
    <fieldset className="filters">
      <legend className="unseen">Filter the list</legend>
      <Choice
        label="Type"
        all="All types"
        value={address.type}
        options={withChosen(types, address.type).map((type) => ({ value: type, words: typeName(type) }))}
        choose={(type) => change({ type })}
      />
      <Choice
        label="Waits for, or fails at"
        all="Any service"
        value={address.service}
        options={withChosen(services, address.service).map((name) => ({ value: name, words: name }))}
        choose={(service) => change({ service })}
      />
      <Choice
        label="Since"
        all="Any time"
        value={address.since}
        options={[
          ...SINCE.map(({ value, words }) => ({ value, words })),
          ...(since ? [] : [{ value: address.since ?? "", words: `since ${address.since}` }]),
        ]}
        choose={(chosen) => change({ since: chosen })}
      />
      {chips(address)
        .filter(({ name }) => !narrow && (name === "q" || name === "until"))
        .map(({ words, remove }) => (
          <Chip key={words} words={words} remove={remove} />
        ))}
      {filtered && (
        <button type="button" className="button small plain" onClick={() => go(ALL_FLOWS, "replace")}>
          Clear filters
        </button>
      )}
    </fieldset>
  );
}

/** What is set, in the order of the page. */
export function chips(address: FlowsAddress): (Chosen & { name: keyof FlowsAddress })[] {
  const change = (to: Partial<FlowsAddress>) => go({ ...address, ...to }, "replace");
  const { type, service, since, until, q } = address;
  const span = SINCE.find(({ value }) => value === since);
  const words = {
    type: type && typeName(type),
    service: service && `at ${service}`,
    since: since && (span ? span.words : `since ${since}`),
    q: q && `begins with “${q}”`,
    until: until && `until ${until}`,
  };
  const all = Object.entries(words) as [keyof typeof words, string | undefined][];
  return all.flatMap(([name, told]) =>
    told ? [{ name, words: told, remove: () => change({ [name]: undefined }) }] : [],
  );
}

function useServiceNames(): string[] {
  const [names, setNames] = useState<string[]>([]);
  useEffect(() => {
    const stop = new AbortController();
    askServices(stop.signal).then(
      ({ services }) => setNames(services.map(({ name }) => name).sort()),
      // Without the names there is one filter less; the list itself says what is wrong.
      () => {},
    );
    return () => stop.abort();
  }, []);
  return names;
}
