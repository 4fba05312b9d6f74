// The address names a flow that is not there. It may never have been, may not be read yet, or be gone.
import type { Failure } from "../../api/client";
import { ALL_FLOWS } from "../../model/address";
import { sentence } from "../../model/words";
import { useLive } from "../../parts/live";
import { Go } from "../../parts/router";
import { Panel } from "../../parts/states";

interface Props {
  id: string;
  failure: Failure;
  /** The observer will say when it comes. */
  awaited: boolean;
}

export function NoSuchFlow({ id, failure, awaited }: Props) {
  const { index } = useLive();
  const behind = index && !index.caught_up;
  return (
    <>
      <h1 className="unseen">Flow not found</h1>
      <Panel
        icon="search"
        title={
          behind
            ? "This flow is not read yet, or not there"
            : awaited
              ? "There is no such flow yet"
              : "There is no such flow"
        }
      >
        <p>{sentence(failure.message)}</p>
        {failure.mend && <p>{sentence(failure.mend)}</p>}
        <p className="quiet">
          {behind
            ? "The index is catching up. This page shows the flow as soon as it is found."
            : "A flow is found by its id or by a business key, as long as the index keeps it."}
          {awaited && !behind && " If it begins now, this page shows it by itself."}
        </p>
        <div className="panel-buttons">
          <Go className="button" to={{ ...ALL_FLOWS, q: id }}>
            Flows that begin with “{id.length > 24 ? `${id.slice(0, 24)}…` : id}”
          </Go>
          <Go className="button primary" to={ALL_FLOWS}>
            All flows
          </Go>
        </div>
      </Panel>
    </>
  );
}
