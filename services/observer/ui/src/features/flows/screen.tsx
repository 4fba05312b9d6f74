// The home screen: what is unhealthy now, which flows are stuck, where is order 4711.
import { useEffect } from "react";
import type { Counts } from "../../api/types";
import { type FlowsAddress, writeAddress } from "../../model/address";
import { waitingWords } from "../../model/flow-list";
import { PROBLEMS, STATUS_WORDS } from "../../model/status";
import { Announce } from "../../parts/announce";
import { Icon } from "../../parts/icons";
import { useLive } from "../../parts/live";
import { FailurePanel, Skeleton, TroubleBar } from "../../parts/states";
import { Counters } from "./counters";
import { NoFlows } from "./empty";
import { Filters } from "./filters";
import { FlowTable } from "./list";
import { useFlows } from "./load";

export function FlowsScreen({ address }: { address: FlowsAddress }) {
  const { list, failure, loading, loadingMore, more, refresh } = useFlows(address);
  const { paused } = useLive();
  const waiting = list && waitingWords(list);
  useTitle(list?.counts);
  return (
    <div className="flows">
      <h1 className="unseen">Flows</h1>
      <Counters address={address} counts={list?.counts} />
      <Filters address={address} types={list?.types ?? []} />
      {waiting && (
        <div className="pill-place">
          <button
            type="button"
            className="pill"
            onClick={() => {
              // The button goes, and the focus with it; the next key begins at the list.
              document.getElementById("main")?.focus({ preventScroll: true });
              refresh();
            }}
          >
            <Icon name="up" size={14} />
            {waiting}
            {paused && " while paused"}
          </button>
        </div>
      )}
      {list && <TroubleBar failure={failure} again={refresh} />}
      {failure && !list && <FailurePanel failure={failure} again={refresh} />}
      {!list && !failure && <Skeleton rows={12} label="Loading flows" />}
      {list && list.rows.length === 0 && <NoFlows address={address} counts={list.counts} />}
      {list && list.rows.length > 0 && (
        <FlowTable
          key={writeAddress({ ...address, screen: "flows" })}
          rows={list.rows}
          busy={loading}
          more={more}
          loadingMore={loadingMore}
          complete={list.next === undefined}
        />
      )}
      <Announce words={list ? announced(list.counts, waiting) : ""} />
    </div>
  );
}

function announced(counts: Counts | undefined, waiting: string | undefined): string {
  if (!counts) return "";
  const problems = PROBLEMS.map((status) => `${counts[status]} ${STATUS_WORDS[status].word.toLowerCase()}`);
  return [...problems, waiting].filter(Boolean).join(", ");
}

function useTitle(counts: Counts | undefined) {
  const problems = counts ? PROBLEMS.reduce((sum, status) => sum + counts[status], 0) : 0;
  useEffect(() => {
    document.title = problems > 0 ? `(${problems}) Flows · Quadrille` : "Flows · Quadrille";
  }, [problems]);
}
