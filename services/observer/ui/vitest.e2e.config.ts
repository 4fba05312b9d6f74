// End to end: a real Chromium against the built pages. With BASE_URL set, only the walks that need no
// control over the server run, against that server.
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: process.env.BASE_URL ? ["e2e/walks.e2e.ts"] : ["e2e/*.e2e.ts"],
    environment: "node",
    // Two cores are shared with others, and a browser each would only make all of them slow.
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
