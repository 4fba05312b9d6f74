// The home screen: what is unhealthy now, which flows are stuck, where is order 4711.
import { useEffect } from "react";
import type { Counts } from "../../api/types";
import { type FlowsAddress, writeAddress } from "../../model/address";
import { waitingWords } from "../../model/flow-list";
import { PROBLEMS, STATUS_GROUPS, STATUS_WORDS } from "../../model/status";
import { Announce } from "../../parts/announce";
import { Folded, useFold } from "../../parts/folded";
import { useNarrow } from "../../parts/hooks";
import { Icon } from "../../parts/icons";
import { useLive } from "../../parts/live";
import { go } from "../../parts/router";
import { FailurePanel, Skeleton, TroubleBar } from "../../parts/states";
import { Counters } from "./counters";
import { NoFlows } from "./empty";
import { chips, Filters } from "./filters";
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
      <Narrowing address={address} counts={list?.counts} types={list?.types ?? []} />
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

interface NarrowingProps {
  address: FlowsAddress;
  counts?: Counts;
  types: string[];
}

/** Counters and filters. A phone shows what needs attention, and keeps the others behind a button: the list is what
 * one came for. */
function Narrowing({ address, counts, types }: NarrowingProps) {
  const narrow = useNarrow();
  const fold = useFold("flows");
  if (!narrow) {
    return (
      <>
        <Counters address={address} counts={counts} groups={STATUS_GROUPS} />
        <Filters address={address} types={types} />
      </>
    );
  }
  const [urgent, ...others] = STATUS_GROUPS;
  const statuses = others
    .flatMap((group) => group.statuses)
    .filter((status) => address.status.includes(status))
    .map((status) => ({
      words: STATUS_WORDS[status].word,
      remove: () => go({ ...address, status: address.status.filter((each) => each !== status) }, "replace"),
    }));
  return (
    <>
      <Counters address={address} counts={counts} groups={urgent ? [urgent] : []} />
      <Folded label="Filters" icon="filters" fold={fold} chosen={[...statuses, ...chips(address)]}>
        <Counters address={address} counts={counts} groups={others} />
        <Filters address={address} types={types} />
      </Folded>
    </>
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
