// Which flow it is, how it is, and WHY: the sentence that one came for.
import type { FlowView } from "../../api/types";
import { ALL_FLOWS, flowAddress } from "../../model/address";
import { isAtRest, STATUS_WORDS } from "../../model/status";
import {
  ago,
  clock,
  count,
  duration,
  flowName,
  fullClock,
  instant,
  plural,
  sentence,
  typeName,
} from "../../model/words";
import { CopyButton } from "../../parts/copy";
import { useNow } from "../../parts/hooks";
import { Icon } from "../../parts/icons";
import { StatusMark } from "../../parts/marks";
import { Go } from "../../parts/router";

const OTHERS_MAX = 6;

export function FlowHeader({ flow }: { flow: FlowView }) {
  const now = useNow(1000);
  const started = flow.started_at === undefined ? undefined : instant(flow.started_at);
  const rest = isAtRest(flow.status);
  const { tone } = STATUS_WORDS[flow.status];
  const [, ...moreKeys] = flow.keys;
  return (
    <header className="flow-header">
      <nav className="crumbs" aria-label="Where you are">
        <Go to={ALL_FLOWS}>
          <Icon name="left" size={14} /> Flows
        </Go>
      </nav>
      <div className="flow-title">
        <h1>{flowName(flow)}</h1>
        <StatusMark status={flow.status} large />
      </div>
      <dl className="facts">
        {flow.type && (
          <div>
            <dt>Begins with</dt>
            <dd title={flow.type}>{typeName(flow.type)}</dd>
          </div>
        )}
        {started !== undefined && (
          <div>
            <dt>Started</dt>
            <dd title={fullClock(started)}>
              {clock(started, now)} <span className="quiet">{ago(now - started)}</span>
            </dd>
          </div>
        )}
        <div>
          <dt>{rest ? "Took" : "So far"}</dt>
          <dd>
            {duration(rest || started === undefined ? flow.took_ms : Math.max(flow.took_ms, now - started))}
          </dd>
        </div>
        <div>
          <dt>Events</dt>
          <dd>
            {count(flow.event_count)}
            {flow.failed_count > 0 && (
              <span className="tone-danger"> · {plural(flow.failed_count, "failed attempt")}</span>
            )}
          </dd>
        </div>
        <div>
          <dt>Services</dt>
          <dd title={flow.services.join(", ")}>{flow.services.length}</dd>
        </div>
        {moreKeys.length > 0 && (
          <div>
            <dt>Also</dt>
            <dd>{moreKeys.map(({ space, key }) => `${space} ${key}`).join(", ")}</dd>
          </div>
        )}
        <div>
          <dt>Flow id</dt>
          <dd className="mono">
            {flow.id.slice(0, 13)}… <CopyButton text={flow.id} label="Copy the flow id" />
          </dd>
        </div>
      </dl>
      <section className={`why tone-${tone}`} aria-label="Why">
        <span className="why-icon">
          <Icon name={flow.status} size={22} />
        </span>
        <div>
          <p className="why-words">{sentence(flow.why)}</p>
          {flow.notes.length > 0 && (
            <ul className="why-notes">
              {flow.notes.map((note) => (
                <li key={note}>{sentence(note)}</li>
              ))}
            </ul>
          )}
        </div>
      </section>
      {flow.others.length > 0 && (
        <p className="others">
          {plural(flow.others.length, "other flow")} of {flowName(flow)}:
          {flow.others.slice(0, OTHERS_MAX).map((other) => (
            <Go key={other.id} to={flowAddress(other.id)} title={other.why}>
              {other.type ? typeName(other.type) : other.id.slice(0, 8)} <StatusMark status={other.status} />
            </Go>
          ))}
          {flow.others.length > OTHERS_MAX && <span>and {count(flow.others.length - OTHERS_MAX)} more</span>}
        </p>
      )}
    </header>
  );
}
