// How fresh the page is, and the switch that holds it still.
import { freshness } from "../../model/freshness";
import { bytes, count, sentence } from "../../model/words";
import { useNow } from "../../parts/hooks";
import { Icon } from "../../parts/icons";
import { setPaused, tryAgain, useLive } from "../../parts/live";

export function Badge() {
  const live = useLive();
  const now = useNow(500);
  const { tone, words, short, detail, progress } = freshness(live, now);
  const { index } = live;
  const holds = index
    ? `${count(index.flows)} flows, ${count(index.events)} events, ${count(index.receipts)} receipts; ${bytes(index.bytes)} on disk.`
    : "";
  return (
    <div className={`badge tone-${tone}`}>
      <span className="badge-words" title={[words, detail, holds].filter(Boolean).join("\n")}>
        <span className="badge-dot" aria-hidden="true" />
        <span className={short && "only-wide"}>{words}</span>
        {short && <span className="only-narrow">{short}</span>}
        <span className="unseen">{detail && `. ${sentence(detail)}`}</span>
      </span>
      {progress !== undefined && (
        <progress className="badge-progress" value={progress} max={100} aria-label="Read" />
      )}
      {live.link.state === "away" ? (
        <button type="button" className="icon-button" onClick={tryAgain} aria-label="Try now" title="Try now">
          <Icon name="retrying" size={14} />
        </button>
      ) : (
        <button
          type="button"
          className="icon-button"
          aria-pressed={live.paused}
          onClick={() => setPaused(!live.paused)}
          aria-label="Pause live updates"
          title={live.paused ? "Go on live (l)" : "Pause live updates (l)"}
        >
          <Icon name={live.paused ? "play" : "pause"} size={14} />
        </button>
      )}
    </div>
  );
}
