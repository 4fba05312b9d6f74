// One flow: where it is stuck and why, what happened, what is still expected.
import { useEffect, useMemo, useRef, useState } from "react";
import type { EventView } from "../../api/types";
import { AXES, type FlowAddress, VIEWS, writeAddress } from "../../model/address";
import { fitting } from "../../model/event-filter";
import { eventById } from "../../model/flow-pages";
import { STATUS_WORDS } from "../../model/status";
import {
  AS_IT_COMES,
  allClosed,
  allOpen,
  grow,
  oneLevelLess,
  oneLevelMore,
  revealed,
  rows,
} from "../../model/tree";
import { flowName, plural } from "../../model/words";
import { Announce } from "../../parts/announce";
import { copy } from "../../parts/copy";
import { useStable } from "../../parts/hooks";
import { Icon } from "../../parts/icons";
import { useLive } from "../../parts/live";
import { go } from "../../parts/router";
import { useShortcuts } from "../../parts/shortcuts";
import { FailurePanel, Skeleton, TroubleBar } from "../../parts/states";
import { Detail } from "./detail";
import { FlowFilters } from "./filters";
import { FlowHeader } from "./header";
import type { LinesHandle } from "./lines";
import { useFlow } from "./load";
import { NoSuchFlow } from "./missing";
import { Records } from "./records";
import { TimelineTable } from "./table";
import { Timeline } from "./timeline";
import { Toolbar } from "./toolbar";
import { CauseTree } from "./tree";

export function FlowScreen({ address }: { address: FlowAddress }) {
  const { flow, failure, awaited, held, loadingMore, more, refresh } = useFlow(address.id);
  const { paused } = useLive();
  const [open, setOpen] = useState(AS_IT_COMES);
  const lines = useRef<LinesHandle | null>(null);
  const { type, service, status, text } = address;
  const fits = useMemo(() => fitting({ type, service, status, text }), [type, service, status, text]);
  const roots = useMemo(() => (flow ? grow(flow.events, flow.next !== undefined, fits) : []), [flow, fits]);
  const events = useMemo(() => (flow && fits ? flow.events.filter(fits.event) : flow?.events), [flow, fits]);
  const shown = useMemo(() => rows(roots, open), [roots, open]);
  const selected = flow && eventById(flow, address.event);
  const { view } = address;
  useTitle(flow && `${flowName(flow.head)} · ${STATUS_WORDS[flow.head.status].word}`);

  // An event that the address names is shown, whatever page or fold hides it.
  const looking = address.event !== undefined && flow !== undefined && !selected && flow.next !== undefined;
  useEffect(() => {
    if (looking && !loadingMore) void more();
  }, [looking, loadingMore, more]);
  // A filter is for all events, so all are loaded.
  const sifting = fits !== undefined && flow?.next !== undefined && !failure;
  useEffect(() => {
    if (sifting && !loadingMore) void more();
  }, [sifting, loadingMore, more]);
  const arrived = useRef<string>(undefined);
  useEffect(() => {
    if (!selected || arrived.current === selected.id) return;
    arrived.current = selected.id;
    setOpen((old) => revealed(roots, old, selected.id));
  }, [selected, roots]);

  const change = (to: Partial<FlowAddress>) => go({ ...address, ...to }, "replace");
  const select = useStable((event: EventView) => {
    arrived.current = event.id;
    change({ event: event.id });
  });
  const close = useStable(() => {
    change({ event: undefined });
    requestAnimationFrame(() => lines.current?.focus());
  });

  // By the id, whatever one came by: other flows may get the same business key.
  const copyLink = () => {
    const lasting = { ...address, id: flow?.head.id ?? address.id };
    void copy(location.origin + writeAddress(lasting), "Link copied");
  };

  useShortcuts((action) => {
    switch (action) {
      case "copy":
        copyLink();
        return true;
      case "view1":
      case "view2":
      case "view3":
        change({ view: VIEWS[Number(action.slice(-1)) - 1] ?? "timeline" });
        return true;
      case "axis":
        if (view !== "timeline") return false;
        change({ axis: AXES[(AXES.indexOf(address.axis) + 1) % AXES.length] ?? "elastic" });
        return true;
      case "openAll":
        setOpen(allOpen(roots));
        return true;
      case "closeAll":
        setOpen(allClosed(roots));
        return true;
      case "levelMore":
        setOpen(oneLevelMore(open, shown));
        return true;
      case "levelLess":
        setOpen(oneLevelLess(open, shown));
        return true;
      case "back":
        if (address.event === undefined) return false;
        close();
        return true;
      default:
        return false;
    }
  });

  if (!flow) {
    if (failure?.kind === "missing")
      return <NoSuchFlow id={address.id} failure={failure} awaited={awaited} />;
    return (
      <>
        <h1 className="unseen">Flow {address.id}</h1>
        {failure && <FailurePanel failure={failure} again={refresh} />}
        {!failure && <Skeleton rows={10} label="Loading the flow" />}
      </>
    );
  }
  const common = {
    rows: shown,
    open,
    setOpen,
    selected,
    select,
    handle: lines,
    more,
    loaded: flow.events.length,
    loadedAll: !flow.next,
  };
  return (
    <div className="flow">
      <FlowHeader flow={flow.head} />
      <TroubleBar failure={failure} again={refresh} />
      {paused && held && (
        <div className="bar tone-warning">
          <Icon name="pause" />
          <span>This flow changed since you paused.</span>
          <button type="button" className="button small" onClick={refresh}>
            Show
          </button>
        </div>
      )}
      <div className="flow-tools">
        <Toolbar address={address} change={change} setOpen={setOpen} roots={roots} copyLink={copyLink} />
        <FlowFilters
          address={address}
          flow={flow}
          change={change}
          fitting={fits && events?.length}
          leave={() => lines.current?.focus()}
        />
      </div>
      <div className={selected ? "flow-body with-detail" : "flow-body"}>
        <div className="flow-view" id="flow-view" role="tabpanel" aria-labelledby={`tab-${view}`}>
          {view === "timeline" && !address.table && <Timeline {...common} flow={flow} axis={address.axis} />}
          {view === "timeline" && address.table && <TimelineTable {...common} flow={flow} />}
          {view === "tree" && <CauseTree {...common} flow={flow} />}
          {view === "records" && (
            <Records
              flow={flow}
              events={events ?? []}
              selected={selected}
              select={select}
              more={more}
              handle={lines}
            />
          )}
          {fits && events?.length === 0 && (
            <p className="none-fits">
              {flow.next === undefined
                ? "No event of this flow fits."
                : "No event fits so far. The others are being loaded."}
            </p>
          )}
          <div className="list-foot">
            <span>
              {flow.next === undefined
                ? `${plural(flow.events.length, "event")}, all of them`
                : `${plural(flow.events.length, "event")} of ${plural(flow.head.event_count, "event")} loaded`}
            </span>
            {flow.next !== undefined && (
              <button
                type="button"
                className="button small"
                onClick={() => void more()}
                disabled={loadingMore}
              >
                {loadingMore ? "Loading more…" : "Load more"}
              </button>
            )}
            {address.event !== undefined && !selected && flow.next === undefined && (
              <span className="tone-warning">
                The event {address.event.slice(0, 8)}… of this link is not in this flow.{" "}
                <button type="button" className="button small" onClick={() => change({ event: undefined })}>
                  Forget it
                </button>
              </span>
            )}
          </div>
        </div>
        {selected && <Detail key={selected.id} flow={flow} event={selected} select={select} close={close} />}
      </div>
      <Announce words={`${STATUS_WORDS[flow.head.status].word}. ${flow.head.why}`} />
    </div>
  );
}

function useTitle(words: string | undefined) {
  useEffect(() => {
    document.title = words ? `${words} · Quadrille` : "Flow · Quadrille";
  }, [words]);
}
