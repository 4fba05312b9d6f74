// All that is known of one event: its record, its headers, its body with what is sensitive masked, and who
// reacted to it. The record is asked for when the panel opens, as the index keeps no bodies.
import { useCallback, useEffect, useRef, useState } from "react";
import { askRecord, type Failure, failure } from "../../api/client";
import type { Attempt, EventView, Reaction, RecordView } from "../../api/types";
import { eventById, type LoadedFlow } from "../../model/flow-pages";
import { dueAt, eventInstant, flowStart } from "../../model/moments";
import { KIND_WORDS } from "../../model/status";
import {
  bytes,
  clock,
  count,
  duration,
  fullClock,
  instant,
  plural,
  sentence,
  sourceName,
  typeName,
  typePackage,
} from "../../model/words";
import { CopyButton } from "../../parts/copy";
import { useNarrow, useNow } from "../../parts/hooks";
import { Icon } from "../../parts/icons";
import { useLive } from "../../parts/live";
import { ReactionMark } from "../../parts/marks";
import { Json } from "./json";

/** Of what a reaction emitted, so much is listed; the tree holds all. */
const EMITTED_MAX = 12;

interface Props {
  flow: LoadedFlow;
  event: EventView;
  select: (event: EventView) => void;
  close: () => void;
}

export function Detail({ flow, event, select, close }: Props) {
  const panel = useRef<HTMLElement>(null);
  const narrow = useNarrow();
  const record = useRecord(event);
  const kind = KIND_WORDS[event.kind];
  // On a small screen the panel takes the place of the list, so it takes the focus too.
  useEffect(() => {
    if (narrow) panel.current?.focus();
  }, [narrow]);
  return (
    <aside ref={panel} className="detail" aria-labelledby="detail-title" tabIndex={-1}>
      <div className="detail-head">
        <button type="button" className="button small only-narrow" onClick={close}>
          <Icon name="left" size={14} /> Back to the list
        </button>
        <div>
          <h2 id="detail-title">{typeName(event.type)}</h2>
          <p className="quiet">
            {typePackage(event.type)} <span className={`tag tone-${kind.tone}`}>{kind.word}</span>
          </p>
        </div>
        <button type="button" className="icon-button only-wide" onClick={close} aria-label="Close detail">
          <Icon name="close" />
        </button>
      </div>
      <Facts flow={flow} event={event} select={select} />
      <section aria-labelledby="detail-reactions">
        <h3 id="detail-reactions">
          {event.reactions.length === 0 ? "Reactions" : plural(event.reactions.length, "reaction")}
        </h3>
        {event.reactions.length === 0 && <p className="quiet">Nobody reacts to {typeName(event.type)}.</p>}
        {event.reactions.map((reaction) => (
          <ReactionDetail
            key={`${reaction.service} ${reaction.reaction}`}
            reaction={reaction}
            flow={flow}
            select={select}
          />
        ))}
      </section>
      <Body {...record} />
      {record.record && <Headers headers={record.record.headers} />}
    </aside>
  );
}

function Facts({
  flow,
  event,
  select,
}: {
  flow: LoadedFlow;
  event: EventView;
  select: (event: EventView) => void;
}) {
  const { status } = useLive();
  const at = eventInstant(event, flowStart(flow.head, flow.events));
  const cause = eventById(flow, event.cause);
  const { trace_id: trace } = event;
  const template = status?.trace_link;
  return (
    <dl className="detail-facts">
      <dt>Record</dt>
      <dd className="mono">
        {event.topic}/{event.partition}@{event.offset}
        {event.copies > 1 && <span className="tag">stands {event.copies} times</span>}
      </dd>
      <dt>Key</dt>
      <dd className="mono">{event.key ?? "–"}</dd>
      <dt>Event id</dt>
      <dd className="mono breaks">
        {event.id} <CopyButton text={event.id} label="Copy the event id" />
      </dd>
      <dt>Emitted by</dt>
      <dd title={event.source}>{sourceName(event.source)}</dd>
      <dt>Time</dt>
      <dd>
        {fullClock(at)} <span className="quiet">+{duration(event.after_ms)}</span>
      </dd>
      <dt>Caused by</dt>
      <dd>
        {cause && (
          <button type="button" className="link" onClick={() => select(cause)}>
            {typeName(cause.type)}
          </button>
        )}
        {!cause && event.cause && (
          <span className="mono breaks">
            {event.cause} {event.cause_missing && <span className="tag tone-warning">not in the index</span>}
          </span>
        )}
        {!event.cause && <span className="quiet">nothing: the flow begins here</span>}
      </dd>
      <dt>Trace</dt>
      <dd className="mono breaks">
        {!trace && <span className="quiet">none</span>}
        {trace && template && (
          <a href={template.replaceAll("{trace_id}", trace)} target="_blank" rel="noreferrer">
            {trace}
            <Icon name="out" size={12} />
            <span className="unseen">(opens the trace in a new tab)</span>
          </a>
        )}
        {trace && !template && (
          <>
            {trace} <CopyButton text={trace} label="Copy the trace id" />
            <span className="hint">No tracing link is configured, so this is only the id.</span>
          </>
        )}
      </dd>
    </dl>
  );
}

interface ReactionProps {
  reaction: Reaction;
  flow: LoadedFlow;
  select: (event: EventView) => void;
}

function ReactionDetail({ reaction, flow, select }: ReactionProps) {
  const now = useNow(1000);
  const due = dueAt(reaction);
  const more = reaction.emitted_count - Math.min(reaction.emitted.length, EMITTED_MAX);
  const earlier = reaction.attempt_count - reaction.attempts.length;
  const emitted = reaction.emitted.slice(0, EMITTED_MAX).map((id) => ({ id, event: eventById(flow, id) }));
  return (
    <div className="reaction">
      <div className="reaction-head">
        <b>{reaction.service}</b>
        <span className="quiet mono">{reaction.reaction}</span>
        <ReactionMark reaction={reaction} />
      </div>
      {reaction.why && <p>{sentence(reaction.why)}</p>}
      {due !== undefined && (
        <p>
          Next attempt {due > now ? `in ${duration(Math.ceil((due - now) / 1000) * 1000)}` : "is due"}, at{" "}
          {clock(due, now)}.
        </p>
      )}
      {reaction.attempts.length > 0 && <Attempts attempts={reaction.attempts} now={now} />}
      {earlier > 0 && (
        <p className="quiet">
          The newest {reaction.attempts.length} of {count(reaction.attempt_count)} attempts: {count(earlier)}{" "}
          earlier ones are not listed.
        </p>
      )}
      {emitted.length > 0 && (
        <p className="reaction-out">
          Emitted{" "}
          {emitted.map(({ id, event }) =>
            event ? (
              <button key={id} type="button" className="link" onClick={() => select(event)}>
                {typeName(event.type)}
              </button>
            ) : (
              <span key={id} className="mono">
                {id.slice(0, 8)}…
              </span>
            ),
          )}
          {more > 0 && <span>and {count(more)} more</span>}
        </p>
      )}
      {reaction.status !== "done" && reaction.may_emit.length > 0 && (
        <p className="quiet">May emit {reaction.may_emit.map(typeName).join(" or ")}.</p>
      )}
    </div>
  );
}

function Attempts({ attempts, now }: { attempts: Attempt[]; now: number }) {
  return (
    <div className="scrolls">
      <table className="attempts">
        <thead>
          <tr>
            <th scope="col">Attempt</th>
            <th scope="col">Outcome</th>
            <th scope="col">At</th>
            <th scope="col" className="right">
              Ran
            </th>
            <th scope="col">By</th>
          </tr>
        </thead>
        <tbody>
          {attempts.map((attempt) => (
            <tr key={`${attempt.attempt} ${attempt.started_at}`}>
              <td>{attempt.attempt}</td>
              <td>
                <span className={`outcome outcome-${attempt.outcome}`}>{attempt.outcome}</span>
                {attempt.error_code && <code>{attempt.error_code}</code>}
              </td>
              <td title={fullClock(instant(attempt.started_at))}>
                {clock(instant(attempt.started_at), now)}
              </td>
              <td className="right">{duration(attempt.duration_ms)}</td>
              <td title={`code ${attempt.code_version}`}>
                <span className="mono">{attempt.instance}</span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface Asked {
  record?: RecordView;
  failure?: Failure;
  again: () => void;
}

function useRecord({ topic, partition, offset }: EventView): Asked {
  const [answer, setAnswer] = useState<{ record?: RecordView; failure?: Failure }>({});
  const [nth, setNth] = useState(0);
  useEffect(() => {
    const stop = new AbortController();
    askRecord(topic, partition, offset, stop.signal).then(
      (record) => setAnswer({ record }),
      (error) => {
        if (!stop.signal.aborted) setAnswer({ failure: failure(error) });
      },
    );
    return () => stop.abort();
  }, [topic, partition, offset, nth]);
  const again = useCallback(() => setNth((old) => old + 1), []);
  return { ...answer, again };
}

function Body({ record, failure, again }: Asked) {
  return (
    <section aria-labelledby="detail-body">
      <h3 id="detail-body">
        Body {record && <span className="quiet">{bytes(record.bytes)}</span>}
        {record?.data !== undefined && (
          <CopyButton text={JSON.stringify(record.data, null, 2)} label="Copy the body, as it is shown" />
        )}
      </h3>
      {!record && !failure && <p className="quiet">Reading the record…</p>}
      {failure?.kind === "missing" && (
        <div className="note">
          <b>The payload is gone.</b>
          <p>{sentence(failure.message)}</p>
          {failure.mend && <p>{sentence(failure.mend)}</p>}
          <p className="quiet">What the index keeps of the event is shown above.</p>
        </div>
      )}
      {failure && failure.kind !== "missing" && (
        <div className="note tone-danger">
          <p>{sentence(failure.message)}</p>
          {failure.mend && <p>{sentence(failure.mend)}</p>}
          <button type="button" className="button small" onClick={again}>
            Try again
          </button>
        </div>
      )}
      {record?.data_error && (
        <div className="note tone-warning">
          <b>The body cannot be read.</b>
          <p>{sentence(record.data_error)}</p>
        </div>
      )}
      {record?.data !== undefined && <Json value={record.data} masked={record.masked} />}
      {record && record.masked.length > 0 && (
        <p className="masked-why">
          <Icon name="lock" size={14} />
          <span>
            {record.masked.join(", ")}: marked <code>sensitive</code> in the schema, so the observer never
            sends
            {record.masked.length === 1 ? " it" : " them"}.
          </span>
        </p>
      )}
    </section>
  );
}

function Headers({ headers }: { headers: [string, string][] }) {
  return (
    <section aria-labelledby="detail-headers">
      <h3 id="detail-headers">{plural(headers.length, "header")}</h3>
      <dl className="headers">
        {headers.map(([name, value], nth) => (
          <div key={nth}>
            <dt className="mono">{name}</dt>
            <dd className="mono breaks">{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
