// A real Chromium, and what every walk looks at: accessibility, foreign requests, the width of the page.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { type Browser, chromium, type Page } from "playwright-core";

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export type Theme = "light" | "dark";

export function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM,
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
  });
}

export interface Visit {
  page: Page;
  /** What the page asked of another origin. */
  foreign: string[];
  /** Errors in the console and in scripts, violations of the policy among them. */
  errors: string[];
  close(): Promise<void>;
}

export interface Wish {
  base: string;
  theme?: Theme;
  width?: number;
  height?: number;
  reducedMotion?: boolean;
}

export async function visit(browser: Browser, wish: Wish): Promise<Visit> {
  const { base, theme = "light", width = 1440, height = 900, reducedMotion = true } = wish;
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: theme,
    reducedMotion: reducedMotion ? "reduce" : "no-preference",
    permissions: ["clipboard-read", "clipboard-write"],
    baseURL: base,
  });
  const page = await context.newPage();
  const foreign: string[] = [];
  const errors: string[] = [];
  page.on("request", (request) => {
    const { origin, protocol } = new URL(request.url());
    if (protocol !== "data:" && origin !== new URL(base).origin) foreign.push(request.url());
  });
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => {
    // The browser itself reports every answer that is an error; those are asked for by the tests.
    const failedToLoad = /Failed to load resource|ERR_CONNECTION|ERR_EMPTY|ERR_INCOMPLETE/.test(
      message.text(),
    );
    if (message.type() === "error" && !failedToLoad) errors.push(message.text());
  });
  return { page, foreign, errors, close: () => context.close() };
}

interface Violation {
  id: string;
  help: string;
  nodes: { target: string[]; failureSummary?: string }[];
}

/** What axe finds by WCAG 2.2 AA, and by its best practices. */
export async function axe(page: Page): Promise<string[]> {
  // By the debugger's way in, which the page's policy does not bind.
  await page.evaluate(AXE);
  const violations = await page.evaluate(async () => {
    const { axe } = window as unknown as {
      axe: { run(on: Document, how: object): Promise<{ violations: unknown }> };
    };
    const runOnly = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
    return (await axe.run(document, { runOnly })).violations;
  });
  return (violations as Violation[]).flatMap(({ id, help, nodes }) =>
    nodes.slice(0, 3).map((node) => `${id}: ${help}: ${node.target.join(" ")}: ${node.failureSummary ?? ""}`),
  );
}

/** How far the page is wider than the window: 0 if nobody has to scroll sideways. */
export function sideways(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}
