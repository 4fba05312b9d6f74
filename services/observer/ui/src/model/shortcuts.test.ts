import { expect, test } from "vitest";
import { actionOf, type Press, SHORTCUTS } from "./shortcuts";

const press = (key: string, more: Partial<Press> = {}): Press => ({
  key,
  ctrl: false,
  meta: false,
  alt: false,
  typing: false,
  ...more,
});

test("no key has two meanings", () => {
  const keys = SHORTCUTS.flatMap((shortcut) => shortcut.keys);
  expect(new Set(keys).size).toBe(keys.length);
});

test("single keys act unless somebody types or switched them off", () => {
  expect(actionOf(press("j"), true)).toBe("next");
  expect(actionOf(press("j", { typing: true }), true)).toBeUndefined();
  expect(actionOf(press("j"), false)).toBeUndefined();
  expect(actionOf(press("j", { ctrl: true }), true)).toBeUndefined();
  expect(actionOf(press("J"), true)).toBeUndefined();
});

test("Ctrl-K, Cmd-K and Escape always act", () => {
  for (const single of [true, false]) {
    expect(actionOf(press("k", { ctrl: true, typing: true }), single)).toBe("search");
    expect(actionOf(press("K", { meta: true }), single)).toBe("search");
    expect(actionOf(press("Escape", { typing: true }), single)).toBe("back");
  }
});
