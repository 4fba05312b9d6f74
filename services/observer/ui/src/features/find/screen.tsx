// Where links of other tools arrive: it asks what is meant, and goes on to the flow.
import { useCallback, useEffect, useState } from "react";
import { askFind, type Failure, failure } from "../../api/client";
import type { Found } from "../../api/types";
import { ALL_FLOWS, flowAddress } from "../../model/address";
import { flowName } from "../../model/words";
import { useTopics } from "../../parts/live";
import { StatusMark } from "../../parts/marks";
import { Go, go } from "../../parts/router";
import { FailurePanel, Panel, Skeleton } from "../../parts/states";

export function FindScreen({ q }: { q: string }) {
  const [answer, setAnswer] = useState<{ found?: Found; failure?: Failure }>({});
  const ask = useCallback(
    (signal?: AbortSignal) => {
      askFind(q, signal).then(
        (found) => {
          const [flow] = found.flows;
          // The link itself is not worth stepping back to.
          if (flow && found.flows.length === 1) go(flowAddress(flow.id, found.event), "replace");
          else setAnswer({ found });
        },
        (error) => {
          if (!signal?.aborted) setAnswer({ failure: failure(error) });
        },
      );
    },
    [q],
  );
  useEffect(() => {
    const stop = new AbortController();
    ask(stop.signal);
    return () => stop.abort();
  }, [ask]);
  useTopics([], { back: ask });
  const { found, failure: trouble } = answer;
  return (
    <>
      <h1 className="unseen">Find {q}</h1>
      {trouble && <FailurePanel failure={trouble} again={() => ask()} />}
      {!trouble && !found && <Skeleton rows={6} label="Looking" />}
      {found && found.flows.length === 0 && (
        <Panel icon="search" title={`Nothing is called ${q}`}>
          <p>Looked for: {found.tried.join(", ")}.</p>
          <Go className="button primary" to={ALL_FLOWS}>
            All flows
          </Go>
        </Panel>
      )}
      {found && found.flows.length > 1 && (
        <Panel icon="search" title={`${found.flows.length} flows are called ${q}`}>
          <ul className="found">
            {found.flows.map((flow) => (
              <li key={flow.id}>
                <Go to={flowAddress(flow.id, found.event)}>{flowName(flow)}</Go>{" "}
                <StatusMark status={flow.status} />
                <span className="quiet"> {flow.why}</span>
              </li>
            ))}
          </ul>
        </Panel>
      )}
    </>
  );
}
