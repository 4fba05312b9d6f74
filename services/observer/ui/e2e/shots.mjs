// `npm run shots -- [NAME…] [--widths=1440,390] [--themes=light]`
import { runnerImport } from "vite";

const given = process.argv.slice(2);
const list = (name, otherwise) =>
  (given.find((word) => word.startsWith(`--${name}=`))?.split("=")[1] ?? otherwise).split(",");
const { module } = await runnerImport(new URL("./shots.ts", import.meta.url).pathname);
const names = given.filter((word) => !word.startsWith("--"));
await module.shoot(names, list("widths", "1440,1024,390").map(Number), list("themes", "light,dark"));
