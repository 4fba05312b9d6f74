// Light, dark, or as the system has it. `public/theme.js` applies the choice before the first paint.
import { useEffect } from "react";
import { useRemembered } from "../../parts/hooks";
import { Icon } from "../../parts/icons";

const CHOICES = ["system", "light", "dark"] as const;
type Choice = (typeof CHOICES)[number];
const ICONS = { system: "screen", light: "sun", dark: "moon" } as const;

export function ThemeSwitch() {
  const [choice, choose] = useRemembered<Choice>("quadrille.theme", "system");
  useEffect(() => {
    if (choice === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = choice;
  }, [choice]);
  const next = CHOICES[(CHOICES.indexOf(choice) + 1) % CHOICES.length] ?? "system";
  const label = `Theme: ${choice}. Switch to ${next}`;
  return (
    <button
      type="button"
      className="icon-button"
      onClick={() => choose(next)}
      aria-label={label}
      title={label}
    >
      <Icon name={ICONS[choice] ?? "screen"} />
    </button>
  );
}
