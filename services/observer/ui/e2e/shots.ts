// Pictures of every screen, theme and width, to be looked at: `npm run shots`, then see e2e/shots/.
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { launch, type Theme, visit } from "./browser";
import { Mock } from "./mock/server";
import { many } from "./mock/stories";
import { tell } from "./mock/story";

const FOLDER = fileURLToPath(new URL("./shots/", import.meta.url));
const PATHS: Record<string, string> = {
  flows: "/flows",
  filtered: "/flows?status=parked,blocked&since=24h",
  parked: "/flows/4711",
  completed: "/flows/4712",
  long: "/flows/4600",
  retrying: "/flows/4702",
  blocked: "/flows/4698?view=tree",
  compensated: "/flows/4710?view=tree",
  table: "/flows/4711?as=table",
  cause: "/flows/4702?axis=previous",
  records: "/flows/4712?view=records",
  many: "/flows/4601",
  nothing: "/flows/0000",
  services: "/services",
  service: "/services?open=shipping,inventory",
  sifted: "/flows/4601?status=parked",
};

export async function shoot(only: string[], widths: number[], themes: Theme[]) {
  mkdirSync(FOLDER, { recursive: true });
  const mock = await new Mock().start(0);
  mock.flows.unshift(tell(many("9999", Date.now() - 3_600_000, 998)));
  const browser = await launch();
  for (const theme of themes) {
    for (const width of widths) {
      const { page, close } = await visit(browser, {
        base: mock.url,
        theme,
        width,
        height: width < 500 ? 844 : 900,
      });
      const shot = async (name: string) => {
        if (only.length > 0 && !only.includes(name)) return;
        await page.waitForTimeout(350);
        await page.screenshot({ path: `${FOLDER}${name}-${theme}-${width}.png` });
      };
      for (const [name, path] of Object.entries(PATHS)) {
        if (only.length > 0 && !only.includes(name) && !(name === "parked" && only.includes("detail")))
          continue;
        await page.goto(path);
        await page.waitForSelector("h1", { state: "attached" });
        await shot(name);
        if (name === "parked") {
          await page
            .getByRole("row", { name: /PaymentCaptured/ })
            .first()
            .click();
          await page.waitForSelector(".json");
          await shot("detail");
        }
      }
      await page.goto("/flows");
      await page.waitForSelector(".flow-row");
      await page.keyboard.press("j");
      await page.keyboard.press("j");
      mock.changed(tell(many("5001", Date.now(), 3)));
      await shot("pill");
      await page.keyboard.press("/");
      await page.keyboard.type("4698");
      await page.waitForSelector("[role=option]");
      await shot("search");
      await page.keyboard.press("Escape");
      await page.keyboard.press("?");
      await shot("help");
      mock.weather.empty = true;
      await page.goto("/flows");
      await page.waitForSelector(".panel");
      await shot("empty");
      mock.weather.read_percent = 43.4;
      await page.goto("/flows");
      await page.waitForSelector(".panel");
      await shot("catching-up");
      mock.fair();
      await page.goto("/flows?status=running&q=zz&since=1h");
      await page.waitForSelector(".panel");
      await shot("no-match");
      mock.weather.broken = true;
      await page.goto("/flows");
      await page.waitForSelector(".panel");
      await shot("error");
      mock.fair();
      await page.goto("/flows");
      await page.waitForSelector(".flow-row");
      await mock.stop();
      await page.waitForTimeout(1500);
      await shot("away");
      await mock.start();
      await close();
    }
  }
  await browser.close();
  await mock.stop();
}
