// End to end: a real Chromium against the built pages. With BASE_URL set, only the walks that need no
// control over the server run, against that server.
import { defineConfig } from "vitest/config";

// Vitest uses the name BASE_URL for itself within tests, so the address is handed on under another one.
const base = process.env.BASE_URL ?? "";

export default defineConfig({
  test: {
    include: base ? ["e2e/walks.e2e.ts"] : ["e2e/*.e2e.ts"],
    env: { OBSERVER_URL: base },
    environment: "node",
    // Two cores are shared with others, and a browser each would only make all of them slow.
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
