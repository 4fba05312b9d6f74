// The address bar as state. No library: three kinds of addresses, and links that open in a new tab as links do.
import { type AnchorHTMLAttributes, type MouseEvent, useSyncExternalStore } from "react";
import { type Address, readAddress, writeAddress } from "../model/address";

const listeners = new Set<() => void>();
let current = readAddress(location.pathname, location.search);

// Lists restore their place themselves: the browser would do so before there are rows.
history.scrollRestoration = "manual";

window.addEventListener("popstate", () => {
  current = readAddress(location.pathname, location.search);
  tell();
});

function tell() {
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useAddress(): Address {
  return useSyncExternalStore(subscribe, () => current);
}

/** Goes there. `replace` is for what nobody wants to step back through, such as a selection. */
export function go(to: Address, how: "push" | "replace" = "push") {
  const href = writeAddress(to);
  if (href !== location.pathname + location.search) {
    if (how === "push") history.pushState({ within: true }, "", href);
    else history.replaceState(history.state, "", href);
  }
  if (how === "push" && place(to) !== place(current)) window.scrollTo({ top: 0 });
  current = to;
  tell();
}

function place(address: Address): string {
  return address.screen === "flow" ? `flow ${address.id}` : address.screen;
}

/** Back to where one came from, if that was a page of ours. */
export function back(otherwise: Address) {
  if ((history.state as { within?: boolean } | null)?.within) history.back();
  else go(otherwise);
}

export function Go({ to, ...rest }: { to: Address } & AnchorHTMLAttributes<HTMLAnchorElement>) {
  function click(event: MouseEvent<HTMLAnchorElement>) {
    rest.onClick?.(event);
    const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    if (!plain || event.defaultPrevented) return;
    event.preventDefault();
    go(to);
  }
  return <a {...rest} href={writeAddress(to)} onClick={click} />;
}
