// The frame around every screen: where one is, search, how fresh all of it is, theme and help.
import { type ReactNode, useEffect, useRef, useState } from "react";
import { type Address, ALL_FLOWS, ALL_SERVICES, lasting, writeAddress } from "../../model/address";
import { copy, Toast } from "../../parts/copy";
import { Icon } from "../../parts/icons";
import { isPaused, setPaused } from "../../parts/live";
import { back, Go } from "../../parts/router";
import { useShortcuts } from "../../parts/shortcuts";
import { Badge } from "./badge";
import { Help } from "./help";
import { Search } from "./search";
import { ThemeSwitch } from "./theme";

/** One line a screen. More of them come with more screens. */
const SCREENS: { name: string; to: Address; screens: Address["screen"][] }[] = [
  { name: "Flows", to: ALL_FLOWS, screens: ["flows", "flow"] },
  { name: "Services", to: ALL_SERVICES, screens: ["services"] },
];

export function Shell({ address, children }: { address: Address; children: ReactNode }) {
  const search = useRef<HTMLInputElement>(null);
  const main = useRef<HTMLElement>(null);
  const [help, setHelp] = useState(false);
  useFocusOnArrival(address, main);
  useShortcuts((action) => {
    switch (action) {
      case "search":
        search.current?.focus();
        search.current?.select();
        return true;
      case "help":
        setHelp(true);
        return true;
      case "live":
        setPaused(!isPaused());
        return true;
      case "copy":
        void copy(location.origin + writeAddress(lasting(address, Date.now())), "Link copied");
        return true;
      case "back":
        if (address.screen !== "flow" || address.event !== undefined) return false;
        back(ALL_FLOWS);
        return true;
      default:
        return false;
    }
  });
  return (
    <>
      <a className="skip" href="#main">
        Skip to content
      </a>
      <header className="top">
        <Go className="brand" to={ALL_FLOWS} aria-label="Quadrille, all flows">
          <Mark />
          <span className="brand-name">Quadrille</span>
        </Go>
        <nav className="screens" aria-label="Screens">
          {SCREENS.map(({ name, to, screens }) => (
            <Go key={name} to={to} aria-current={screens.includes(address.screen) ? "page" : undefined}>
              {name}
            </Go>
          ))}
        </nav>
        <Search input={search} />
        <div className="top-end">
          <Badge />
          <ThemeSwitch />
          <button
            type="button"
            className="icon-button"
            onClick={() => setHelp(true)}
            aria-label="Keyboard and help"
          >
            <Icon name="help" />
          </button>
        </div>
      </header>
      <main id="main" ref={main} tabIndex={-1} className="main">
        {children}
      </main>
      <Toast />
      <Help open={help} close={() => setHelp(false)} />
    </>
  );
}

/** Four dancers in a square. */
function Mark() {
  return (
    <svg
      className="brand-mark"
      viewBox="0 0 32 32"
      width="24"
      height="24"
      aria-hidden="true"
      focusable="false"
    >
      <rect width="32" height="32" rx="8" className="brand-ground" />
      <path d="M10 10h12v12H10z" className="brand-figure" transform="rotate(45 16 16)" />
      <circle cx="16" cy="7.5" r="3.2" />
      <circle cx="24.5" cy="16" r="3.2" />
      <circle cx="16" cy="24.5" r="3.2" />
      <circle cx="7.5" cy="16" r="3.2" />
    </svg>
  );
}

/** A screen that replaces another takes the focus, so that readers and keys begin there. */
function useFocusOnArrival(address: Address, main: { current: HTMLElement | null }) {
  const place = address.screen === "flow" ? `flow ${address.id}` : address.screen;
  const before = useRef(place);
  useEffect(() => {
    if (before.current === place) return;
    before.current = place;
    if (main.current?.contains(document.activeElement)) return;
    main.current?.focus({ preventScroll: true });
  }, [place, main]);
}
