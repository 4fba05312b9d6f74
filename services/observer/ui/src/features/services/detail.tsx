// All of one service: its instances and where they are, and what it reacts to.
import type { ContractView, InstanceView, ServiceView } from "../../api/types";
import { partitionWords } from "../../model/services";
import { ago, count, duration, fullClock, instant, plural, typeName } from "../../model/words";

/** Ended ones are told of for an hour, and there may be many after a bad night. */
const INSTANCES_MAX = 20;

interface Props {
  service: ServiceView;
  contract?: ContractView;
  now: number;
}

export function ServiceDetail({ service, contract, now }: Props) {
  const { instances } = service;
  const more = instances.length - INSTANCES_MAX;
  const label = `Instances of ${service.name}, as a table`;
  return (
    <>
      <section aria-label={`Instances of ${service.name}`}>
        <h3>{plural(instances.length, "instance")}, of the last hour</h3>
        {instances.length === 0 && <p className="quiet">None was seen.</p>}
        {instances.length > 0 && (
          // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keys.
          <div className="scrolls" tabIndex={0} role="region" aria-label={label}>
            <table className="instances">
              <thead>
                <tr>
                  <th scope="col">Instance</th>
                  <th scope="col">Version</th>
                  <th scope="col">Does</th>
                  <th scope="col">Last word</th>
                  <th scope="col">Partitions</th>
                  <th scope="col" className="right">
                    In hand
                  </th>
                  <th scope="col" className="right">
                    Behind
                  </th>
                  <th scope="col" className="right">
                    Parked
                  </th>
                  <th scope="col" className="right">
                    Skipped
                  </th>
                </tr>
              </thead>
              <tbody>
                {instances.slice(0, INSTANCES_MAX).map((instance) => (
                  <Instance key={instance.instance} instance={instance} now={now} />
                ))}
              </tbody>
            </table>
          </div>
        )}
        {more > 0 && <p className="quiet">and {count(more)} more that have ended</p>}
      </section>
      <section aria-label={`What ${service.name} promises`}>
        <h3>Reacts to</h3>
        <Promises service={service} contract={contract} />
      </section>
    </>
  );
}

function Instance({ instance, now }: { instance: InstanceView; now: number }) {
  const { alive, activity, assignment } = instance;
  const said = instant(instance.at);
  const sum = (of: (each: InstanceView["assignment"][number]) => number) =>
    assignment.reduce((total, each) => total + of(each), 0);
  const does = alive ? activity : activity === "stopped" ? "stopped" : "silent";
  return (
    <tr className={alive ? "" : "ended"}>
      <th scope="row" className="mono">
        {instance.instance}
      </th>
      <td>{instance.code_version}</td>
      <td>
        <span className={alive ? "tone-good outcome" : "quiet"}>{does}</span>
      </td>
      <td title={fullClock(said)}>{ago(now - said)}</td>
      <td>{alive ? partitionWords(instance) : "–"}</td>
      <td className="right">{alive ? count(sum(({ unfinished }) => unfinished)) : "–"}</td>
      <td className="right">{alive ? count(sum(({ lag }) => lag)) : "–"}</td>
      <td className="right">{count(instance.parked_count)}</td>
      <td className="right">{count(instance.skipped_count)}</td>
    </tr>
  );
}

function Promises({ service, contract }: { service: ServiceView; contract?: ContractView }) {
  if (!contract) return <p className="quiet">It has published no contract.</p>;
  return (
    <>
      {contract.reactions.length === 0 && <p className="quiet">Nothing.</p>}
      <ul className="promises">
        {contract.reactions.map(({ name, event, emits }) => (
          <li key={name}>
            <span title={event}>
              <b>{typeName(event)}</b>
            </span>
            <span className="quiet"> → </span>
            {emits.length === 0 && <span className="quiet">emits nothing</span>}
            {emits.map((type, nth) => (
              <span key={type} title={type}>
                {nth > 0 && <span className="quiet"> or </span>}
                {typeName(type)}
              </span>
            ))}
          </li>
        ))}
      </ul>
      {service.originates.length > 0 && (
        <p>
          <span className="quiet">Begins flows with </span>
          {service.originates.map(typeName).join(", ")}
        </p>
      )}
      <p className="quiet">{startWords(contract.start)}</p>
      {service.lag_ms > 0 && (
        <p className="quiet">
          At the rate of the last moments it is up to date in {duration(service.lag_ms)}.
        </p>
      )}
    </>
  );
}

function startWords(start: string): string {
  if (start === "now") return "A topic that is new to it is read from now on: older events never come to it.";
  if (start === "" || start === "beginning") return "A topic that is new to it is read from the beginning.";
  return `A topic that is new to it is read from ${start} on.`;
}
