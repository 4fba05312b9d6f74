// The help overlay: all keys, and the switch for those that are single letters.
import { useEffect, useRef } from "react";
import { SHORTCUTS } from "../../model/shortcuts";
import { STATUS_GROUPS, STATUS_WORDS } from "../../model/status";
import { Icon } from "../../parts/icons";
import { useLive } from "../../parts/live";
import { StatusMark } from "../../parts/marks";
import { useSingleKeys } from "../../parts/shortcuts";

const PLACES = [
  { where: "everywhere", title: "Everywhere" },
  { where: "lists", title: "In lists" },
  { where: "flow", title: "In a flow" },
] as const;

/** The looks of attempts: `features/flow/lines.css`. */
const MARKS = [
  { look: "done", words: "an attempt that did it" },
  { look: "retry", words: "an attempt that failed, to be tried again" },
  { look: "parked", words: "an attempt after which the event was parked" },
  { look: "duplicate", words: "the event came again, and was known" },
  { look: "waiting", words: "waiting: until now, or until the next attempt" },
  { look: "many", words: "many events of one type, from first to last" },
];

export function Help({ open, close }: { open: boolean; close: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [single, setSingle] = useSingleKeys();
  const { status } = useLive();
  useEffect(() => {
    if (open && !dialog.current?.open) dialog.current?.showModal();
    if (!open && dialog.current?.open) dialog.current?.close();
  }, [open]);
  return (
    <dialog ref={dialog} className="help" aria-labelledby="help-title" onClose={close}>
      <div className="help-head">
        <h2 id="help-title">Keyboard and words</h2>
        <button type="button" className="icon-button" onClick={close} aria-label="Close help">
          <Icon name="close" />
        </button>
      </div>
      <div className="help-keys">
        {PLACES.map(({ where, title }) => (
          <section key={where}>
            <h3>{title}</h3>
            <dl>
              {SHORTCUTS.filter((shortcut) => shortcut.where === where).map(({ action, keys, words }) => (
                <div key={action}>
                  <dt>
                    {keys.map((key) => (
                      <kbd key={key}>{key === "Escape" ? "Esc" : key}</kbd>
                    ))}
                  </dt>
                  <dd>{words}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
        <section>
          <h3>Marks of the timeline</h3>
          <dl>
            {MARKS.map(({ look, words }) => (
              <div key={look}>
                <dt className="help-mark" aria-hidden="true">
                  <span className={`attempt attempt-${look}`} />
                </dt>
                <dd>{words}</dd>
              </div>
            ))}
          </dl>
        </section>
        <section>
          <h3>What a status means</h3>
          <dl className="help-words">
            {STATUS_GROUPS.flatMap(({ statuses }) => statuses).map((each) => (
              <div key={each}>
                <dt>
                  <StatusMark status={each} />
                </dt>
                <dd>{STATUS_WORDS[each].means}</dd>
              </div>
            ))}
          </dl>
        </section>
      </div>
      <label className="check">
        <input type="checkbox" checked={single} onChange={(event) => setSingle(event.target.checked)} />
        Single keys act (Ctrl-K and Esc always do)
      </label>
      <p className="help-foot">
        Quadrille{status ? ` ${status.version}` : ""} · <a href="/api/openapi.json">API description</a>
      </p>
    </dialog>
  );
}
