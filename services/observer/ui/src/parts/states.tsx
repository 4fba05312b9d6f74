// What stands where rows would stand: nothing yet, loading, failed. Each says what to do next.
import type { ReactNode } from "react";
import type { Failure } from "../api/client";
import { sentence } from "../model/words";
import { useNow } from "./hooks";
import { Icon, type IconName } from "./icons";
import { tryAgain, useLive } from "./live";

export function Panel(props: {
  icon: IconName;
  title: string;
  tone?: string;
  children?: ReactNode;
  role?: string;
}) {
  const { icon, title, tone = "quiet", children, role } = props;
  return (
    <section className={`panel tone-${tone}`} role={role}>
      <span className="panel-icon">
        <Icon name={icon} size={26} />
      </span>
      <h2>{title}</h2>
      <div className="panel-body">{children}</div>
    </section>
  );
}

/** A failed question, in full: nothing else is shown. */
export function FailurePanel({ failure, again }: { failure: Failure; again: () => void }) {
  if (failure.kind === "away") return <AwayPanel again={again} />;
  const title = failure.kind === "garbled" ? "The answer cannot be read" : "The observer could not answer";
  return (
    <Panel icon="warning" title={title} tone="danger" role="alert">
      <p>{sentence(failure.message)}</p>
      {failure.mend && <p>{sentence(failure.mend)}</p>}
      <button type="button" className="button" onClick={again}>
        Try again
      </button>
    </Panel>
  );
}

function AwayPanel({ again }: { again: () => void }) {
  const { link } = useLive();
  const now = useNow(500);
  const left = link.state === "away" ? Math.max(0, Math.ceil((link.again - now) / 1000)) : 0;
  return (
    <Panel icon="away" title="The observer does not answer" tone="danger">
      {/* Only this is announced: the countdown below would talk all the time. */}
      <p role="alert">
        Your flows go on: the observer only watches. This page comes back by itself as soon as{" "}
        <code>{location.host}</code> answers.
      </p>
      <p className="quiet">{left > 0 ? `Next try in ${left} s.` : "Trying…"}</p>
      <button
        type="button"
        className="button"
        onClick={() => {
          tryAgain();
          again();
        }}
      >
        Try now
      </button>
    </Panel>
  );
}

/** Above rows that are still shown, from before: that the observer is away, or what else failed. */
export function TroubleBar({ failure, again }: { failure?: Failure; again: () => void }) {
  const { link } = useLive();
  const now = useNow(500);
  const failed = failure && failure.kind !== "away";
  if (link.state !== "away" && !failed) return null;
  // A connection that is back within a moment is not worth a bar.
  if (link.state === "away" && now - link.since < 1500) return null;
  const what = link.state === "away" && link.answers ? "sends nothing live" : "does not answer";
  const away = `The observer ${what}. What you see is from before; it is refreshed as soon as the observer is back.`;
  return (
    <div className="bar tone-danger" role="alert">
      <Icon name={link.state === "away" ? "away" : "warning"} />
      <span>
        {link.state === "away" || !failed
          ? away
          : `${sentence(failure.message)} ${failure.mend ? sentence(failure.mend) : ""}`}
      </span>
      <button type="button" className="button small" onClick={link.state === "away" ? tryAgain : again}>
        {link.state === "away" ? "Try now" : "Try again"}
      </button>
    </div>
  );
}

/** Grey rows of the right height, after a moment: a fast answer should not flicker. */
export function Skeleton({ rows, label }: { rows: number; label: string }) {
  return (
    <div className="skeleton" role="status">
      <span className="unseen">{label}</span>
      {Array.from({ length: rows }, (_, nth) => (
        <div key={nth} className="skeleton-row" aria-hidden="true">
          <span />
          <span />
          <span />
        </div>
      ))}
    </div>
  );
}
