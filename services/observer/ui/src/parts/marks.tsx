// Status, kind and tone as people see them: an icon, a word and a colour, never the colour alone.
import type { Reaction, Status } from "../api/types";
import { REACTION_WORDS, STATUS_WORDS } from "../model/status";
import { Icon } from "./icons";

export function StatusMark({ status, large = false }: { status: Status; large?: boolean }) {
  const { word, tone } = STATUS_WORDS[status];
  return (
    <span className={`mark tone-${tone}${large ? " mark-large" : ""}`}>
      <Icon name={status} size={large ? 18 : 16} />
      {word}
    </span>
  );
}

const REACTION_ICONS = { done: "done", retrying: "retrying", parked: "parked", waiting: "waiting" } as const;

export function ReactionMark({ reaction }: { reaction: Reaction }) {
  const { word, tone } = REACTION_WORDS[reaction.status];
  return (
    <span className={`mark tone-${tone}`}>
      <Icon name={REACTION_ICONS[reaction.status]} size={14} />
      {word}
    </span>
  );
}
