// The mock on a port of its own, with some life in it, to look at the pages by hand.
import { Mock } from "./server";
import { completed, many, retrying } from "./stories";
import { tell } from "./story";

export async function serve(port: number) {
  const mock = new Mock();
  mock.flows.push(tell(many("9999", Date.now() - 3_600_000, 9_998)));
  await mock.start(port);
  let nth = 5000;
  setInterval(() => {
    const now = Date.now();
    mock.changed(tell(nth % 9 === 0 ? retrying(String(nth), now, now) : completed(String(nth), now)));
    nth += 1;
  }, 3000);
  console.log(`the mock of the observer answers at ${mock.url}`);
}
