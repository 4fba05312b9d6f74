// Who takes part: who is alive, how far behind they are, what they promised, and the flows that wait for them.
import { useEffect, useRef } from "react";
import type { ContractView, ServiceView } from "../../api/types";
import { ALL_FLOWS, type ServicesAddress } from "../../model/address";
import { inOrder, lagWords, standing, versions } from "../../model/services";
import { count, plural, sentence } from "../../model/words";
import { Announce } from "../../parts/announce";
import { useNow } from "../../parts/hooks";
import { Icon } from "../../parts/icons";
import { useLive } from "../../parts/live";
import { Go, go } from "../../parts/router";
import { useShortcuts } from "../../parts/shortcuts";
import { FailurePanel, Panel, Skeleton, TroubleBar } from "../../parts/states";
import { ServiceDetail } from "./detail";
import { useServices } from "./load";

export function ServicesScreen({ address }: { address: ServicesAddress }) {
  const { services, contracts, failure, refresh } = useServices();
  const now = useNow(1000);
  const list = useRef<HTMLUListElement>(null);
  const shown = services ? inOrder(services, now) : [];
  const troubled = shown.filter((service) => standing(service, now).rank < 6).length;
  useTitle(shown.filter(({ alive }) => !alive).length);

  const toggle = (name: string) => {
    const open = address.open.includes(name)
      ? address.open.filter((each) => each !== name)
      : [...address.open, name];
    go({ screen: "services", open }, "replace");
  };
  /** The focus goes along the names, or along those that are in trouble. */
  const move = (step: 1 | -1, wanted: (service: ServiceView) => boolean) => {
    const buttons = [...(list.current?.querySelectorAll<HTMLElement>(".service-name") ?? [])];
    const from = buttons.indexOf(document.activeElement as HTMLElement);
    for (let at = from < 0 && step < 0 ? -1 : from + step; at >= 0 && at < shown.length; at += step) {
      const service = shown[at];
      if (service && wanted(service)) {
        buttons[at]?.focus();
        break;
      }
    }
    return true;
  };
  const inTrouble = (service: ServiceView) => standing(service, now).rank < 6;
  useShortcuts((action) => {
    if (action === "next") return move(1, () => true);
    if (action === "previous") return move(-1, () => true);
    if (action === "nextProblem") return move(1, inTrouble);
    if (action === "previousProblem") return move(-1, inTrouble);
    return false;
  });

  return (
    <div className="services">
      <h1 className="unseen">Services</h1>
      {services && <TroubleBar failure={failure} again={refresh} />}
      {failure && !services && <FailurePanel failure={failure} again={refresh} />}
      {!services && !failure && <Skeleton rows={6} label="Loading services" />}
      {services && shown.length === 0 && <Nobody />}
      {shown.length > 0 && (
        <>
          <div className="service-head" aria-hidden="true">
            <span>Service</span>
            <span>Status</span>
            <span>Behind by</span>
            <span className="right">Retrying</span>
            <span className="right">Instances</span>
            <span className="right">Flows</span>
          </div>
          <ul className="service-list" ref={list}>
            {shown.map((service) => (
              <Service
                key={service.name}
                service={service}
                contract={contracts.get(service.name)}
                open={address.open.includes(service.name)}
                toggle={toggle}
                now={now}
              />
            ))}
          </ul>
          <div className="list-foot">
            <span>
              {plural(shown.length, "service")}
              {troubled > 0 && `, ${count(troubled)} to look at`}
            </span>
          </div>
        </>
      )}
      <Announce words={services ? announced(shown) : ""} />
    </div>
  );
}

interface ServiceProps {
  service: ServiceView;
  contract?: ContractView;
  open: boolean;
  toggle: (name: string) => void;
  now: number;
}

function Service({ service, contract, open, toggle, now }: ServiceProps) {
  const { name } = service;
  const { word, tone, icon, why } = standing(service, now);
  const alive = service.instances.filter((instance) => instance.alive).length;
  const told = versions(service);
  return (
    <li className={`service tone-${tone}${open ? " open" : ""}`}>
      <div className="service-row">
        <h2 className="service-cell">
          <button
            type="button"
            className="service-name"
            aria-expanded={open}
            aria-controls={`service-${name}`}
            onClick={() => toggle(name)}
          >
            <Icon name={open ? "down" : "right"} size={12} />
            <span>{name}</span>
          </button>
          {told.map((version) => (
            <span key={version} className="tag">
              {version}
            </span>
          ))}
        </h2>
        <div className="service-cell service-status">
          <span className={`mark tone-${tone}`}>
            <Icon name={icon} size={16} />
            {word}
          </span>
          <small>{sentence(why)}</small>
        </div>
        <div className="service-cell">
          <span className="cell-label">Behind by</span>
          <span className={service.lag > 0 ? "" : "quiet"}>{lagWords(service)}</span>
        </div>
        <div className={`service-cell right${service.retrying > 0 ? "" : " nothing"}`}>
          <span className="cell-label">Retrying</span>
          <span className={service.retrying > 0 ? "tone-warning figure" : "quiet"}>
            {count(service.retrying)}
          </span>
        </div>
        <div className="service-cell right">
          <span className="cell-label">Instances</span>
          <span className={alive === 0 ? "tone-danger" : ""}>
            {count(alive)}
            {service.instances.length > alive && (
              <span className="quiet"> of {service.instances.length}</span>
            )}
          </span>
        </div>
        <div className="service-cell service-flows right">
          <span className="unseen">Flows</span>
          <span>
            {service.waiting_flows === 0 && service.parked_flows === 0 && (
              <span className="quiet">none wait</span>
            )}
            {service.waiting_flows > 0 && (
              <Go to={{ ...ALL_FLOWS, service: name, status: ["blocked", "retrying", "running", "unknown"] }}>
                {count(service.waiting_flows)} {service.waiting_flows === 1 ? "waits" : "wait"}
                <span className="unseen"> for {name}</span>
              </Go>
            )}
            {service.parked_flows > 0 && (
              <Go className="parked" to={{ ...ALL_FLOWS, service: name, status: ["parked"] }}>
                {count(service.parked_flows)} parked
                <span className="unseen"> by {name}</span>
              </Go>
            )}
          </span>
        </div>
      </div>
      <div id={`service-${name}`} className="service-body" hidden={!open}>
        {open && <ServiceDetail service={service} contract={contract} now={now} />}
      </div>
    </li>
  );
}

function Nobody() {
  const { index } = useLive();
  if (index?.broker === "waiting") {
    return (
      <Panel icon="retrying" title="The broker has not answered yet" tone="warning">
        <p>Services appear here once it answers.</p>
      </Panel>
    );
  }
  return (
    <Panel icon="running" title="No service yet">
      <p>
        A service appears here when it starts: it publishes what it reacts to, and says every second or two
        that it is alive.
      </p>
    </Panel>
  );
}

function announced(services: ServiceView[]): string {
  const down = services.filter(({ alive }) => !alive).map(({ name }) => name);
  return down.length > 0 ? `Down: ${down.join(", ")}` : "All services are alive";
}

function useTitle(down: number) {
  useEffect(() => {
    document.title = down > 0 ? `(${down}) Services · Quadrille` : "Services · Quadrille";
  }, [down]);
}
