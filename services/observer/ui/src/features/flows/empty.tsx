// No rows: because nothing ever happened, because the index is not that far, or because nothing matches.
import type { Counts } from "../../api/types";
import { ALL_FLOWS, type FlowsAddress, filterWords } from "../../model/address";
import { count, duration, sentence } from "../../model/words";
import { copy } from "../../parts/copy";
import { Icon } from "../../parts/icons";
import { useLive } from "../../parts/live";
import { Go } from "../../parts/router";
import { Panel } from "../../parts/states";

export function NoFlows({ address, counts }: { address: FlowsAddress; counts?: Counts }) {
  const { index } = useLive();
  const filters = filterWords(address);
  if (filters.length > 0) return <NoMatch address={address} filters={filters} counts={counts} />;
  if (index?.broker === "waiting") {
    return (
      <Panel icon="retrying" title="The broker has not answered yet" tone="warning">
        <p>
          The observer is up and asks for it again and again. Flows appear here once it answers; nothing has
          to be restarted.
        </p>
        {index.trouble && <p className="quiet">{sentence(index.trouble)}</p>}
      </Panel>
    );
  }
  if (index && !index.caught_up) {
    return (
      <Panel icon="retrying" title="The index is catching up" tone="warning">
        <p>
          {index.read_percent !== undefined && `${Math.floor(index.read_percent)} % of the topics is read`}
          {index.read_percent === undefined && `${count(index.behind_records)} records are still to be read`}
          {index.eta_ms !== undefined && `, ${duration(Math.ceil(index.eta_ms / 1000) * 1000)} left`}. Flows
          appear here as they are found.
        </p>
        {index.read_percent !== undefined && (
          <progress className="wide" value={index.read_percent} max={100} aria-label="Topics read" />
        )}
      </Panel>
    );
  }
  return <Nothing />;
}

function NoMatch({
  address,
  filters,
  counts,
}: {
  address: FlowsAddress;
  filters: string[];
  counts?: Counts;
}) {
  const all = counts ? Object.values(counts).reduce((sum, each) => sum + each, 0) : 0;
  const wider: { words: string; to: FlowsAddress }[] = [];
  if (address.since)
    wider.push({ words: "At any time", to: { ...address, since: undefined, until: undefined } });
  if (address.status.length > 0) wider.push({ words: "In any status", to: { ...address, status: [] } });
  if (address.service) wider.push({ words: "At any service", to: { ...address, service: undefined } });
  return (
    <Panel icon="search" title="No flow matches">
      <p>
        Looked for{" "}
        {filters.map((words, nth) => (
          <span key={words}>
            {nth > 0 && " and "}
            <b>{words}</b>
          </span>
        ))}
        , among {count(all)} flows.
      </p>
      <div className="panel-buttons">
        {filters.length > 1 &&
          wider.map(({ words, to }) => (
            <Go key={words} className="button" to={to}>
              {words}
            </Go>
          ))}
        <Go className="button primary" to={ALL_FLOWS}>
          All flows
        </Go>
      </div>
    </Panel>
  );
}

function Nothing() {
  const command = sample(location.origin);
  return (
    <Panel icon="running" title="No events yet">
      <p>
        The observer reads the topics and waits for a first event. With the order services running, this
        places an order; its flow appears here within a second or two:
      </p>
      <div className="sample">
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keys. */}
        <pre tabIndex={0}>
          <code>{command}</code>
        </pre>
        <button type="button" className="button small" onClick={() => void copy(command, "Command copied")}>
          <Icon name="copy" size={14} /> Copy
        </button>
      </div>
      <p className="quiet">
        Events of your own services appear as well: whatever is published to a topic is a flow.
      </p>
    </Panel>
  );
}

function sample(origin: string): string {
  return `curl -s ${origin}/orders -H 'content-type: application/json' -d '{
  "order_id": "4711", "customer_id": "ada", "email": "ada@example.org",
  "card_number": "4242424242424242",
  "lines": [{"sku": "tea", "quantity": 2,
             "unit_price": {"currency_code": "EUR", "units": 4, "nanos": 500000000}}]}'`;
}
