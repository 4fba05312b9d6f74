// How the pages are built, served while one works on them, and unit-tested.
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// A server to work against: `OBSERVER=http://127.0.0.1:7070 npm run dev`.
const observer = process.env.OBSERVER ?? "http://127.0.0.1:7070";

export default defineConfig({
  plugins: [react()],
  server: {
    host: "127.0.0.1",
    port: 5173,
    proxy: { "/api": observer, "/orders": observer },
  },
  build: {
    target: "es2022",
    // The first that know `light-dark()`, all of the first half of 2024.
    cssTarget: ["chrome123", "edge123", "firefox120", "safari17.5"],
    // The content security policy knows no inline anything, so nothing is put into the page itself.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    sourcemap: false,
    reportCompressedSize: false,
  },
  test: { include: ["src/**/*.test.ts"], environment: "node" },
});
