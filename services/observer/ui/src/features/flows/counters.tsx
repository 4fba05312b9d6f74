// How many flows are in which status. A counter is a filter as well.
import type { Counts, Status } from "../../api/types";
import type { FlowsAddress } from "../../model/address";
import { type STATUS_GROUPS, STATUS_WORDS } from "../../model/status";
import { count } from "../../model/words";
import { Icon } from "../../parts/icons";
import { go } from "../../parts/router";

interface Props {
  address: FlowsAddress;
  counts?: Counts;
  groups: typeof STATUS_GROUPS;
}

export function Counters({ address, counts, groups }: Props) {
  function toggle(status: Status) {
    const on = address.status.includes(status);
    const next = on ? address.status.filter((each) => each !== status) : [...address.status, status];
    go({ ...address, status: next }, "replace");
  }
  return (
    <div className="counters">
      {groups.map(({ title, statuses }) => (
        <fieldset key={title} className="counter-group">
          <legend>{title}</legend>
          {statuses.map((status) => {
            const { word, tone, means } = STATUS_WORDS[status];
            const number = counts?.[status];
            return (
              <button
                key={status}
                type="button"
                className={`counter tone-${tone}${number ? "" : " counter-none"}`}
                aria-pressed={address.status.includes(status)}
                onClick={() => toggle(status)}
                title={`${word}: ${means}`}
              >
                <span className="counter-number">{number === undefined ? "–" : count(number)}</span>
                <span className="counter-word">
                  <Icon name={status} size={14} />
                  {word}
                </span>
              </button>
            );
          })}
        </fieldset>
      ))}
    </div>
  );
}
