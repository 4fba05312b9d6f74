// `npm run mock [-- PORT]`: serves the built pages with told flows.
import { runnerImport } from "vite";

const { module } = await runnerImport(new URL("./serve.ts", import.meta.url).pathname);
await module.serve(Number(process.argv[2] ?? 7171));
