// What a row of a flow is called: an event, a reaction, something that may come, or many alike.
import { KIND_WORDS } from "../../model/status";
import type { Row } from "../../model/tree";
import { count, sourceName, typeName } from "../../model/words";
import { Icon } from "../../parts/icons";
import { ReactionMark } from "../../parts/marks";

export function RowName({ row }: { row: Row }) {
  switch (row.kind) {
    case "event": {
      const { event } = row;
      const kind = KIND_WORDS[event.kind];
      return (
        <span className="name name-event" title={`${event.type}, emitted by ${event.source}`}>
          <span className={`event-mark kind-${event.kind}`} aria-hidden="true" />
          <b>{typeName(event.type)}</b>
          <span className="quiet">{sourceName(event.source)}</span>
          {(event.kind === "failure" || event.kind === "outcome") && (
            <span className={`tag tone-${kind.tone}`}>{kind.word}</span>
          )}
          {event.cause_missing && (
            <span className="tag tone-warning" title="The event that caused it is not in the index">
              cause missing
            </span>
          )}
          {!event.read && (
            <span className="tag tone-warning" title="Its record was not read: only receipts tell of it">
              record not read
            </span>
          )}
          {event.copies > 1 && (
            <span className="tag" title="The record stands in the topic more than once, with the same id">
              ×{count(event.copies)}
            </span>
          )}
        </span>
      );
    }
    case "reaction": {
      const { reaction } = row;
      return (
        <span
          className={`name name-reaction${reaction.status === "waiting" ? " quiet" : ""}`}
          title={reaction.why}
        >
          <ReactionMark reaction={reaction} />
          <span>{reaction.service}</span>
          {reaction.duplicates > 0 && <span className="quiet">+{count(reaction.duplicates)} duplicate</span>}
        </span>
      );
    }
    case "may":
      return (
        <span className="name name-may" title={`${row.reaction.service} may emit it once it is done`}>
          <span className="event-mark kind-may" aria-hidden="true" />
          <span className="may-word">may emit</span>
          <span>{typeName(row.type)}</span>
        </span>
      );
    case "fold":
      return (
        <span className="name name-fold">
          <Icon name="copy" size={14} />
          <b>{typeName(row.type)}</b> ×{count(row.count)}
          {row.partial && "+"}
          {row.failed > 0 && <span className="tone-danger">({count(row.failed)} failed)</span>}
        </span>
      );
  }
}

/** Words that may be longer than their column; the detail panel has all of them. */
export function Words({ words }: { words: string }) {
  return (
    <span className="ellipsis" title={words}>
      {words}
    </span>
  );
}
