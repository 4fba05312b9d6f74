import { describe, expect, test } from "vitest";
import {
  type Address,
  filterWords,
  flowAddress,
  lasting,
  readAddress,
  sinceTime,
  writeAddress,
} from "./address";

const read = (url: string) => {
  const { pathname, search } = new URL(url, "http://x");
  return readAddress(pathname, search);
};

describe("what is written is read again", () => {
  const addresses: Address[] = [
    { screen: "flows", status: [] },
    {
      screen: "flows",
      status: ["parked", "retrying"],
      type: "orders.v1.OrderPlaced",
      service: "shipping",
      since: "24h",
      q: "47 11&=",
    },
    { screen: "flows", status: [], since: "2026-11-20T16:02:05.000Z", until: "2026-11-21T16:02:05.000Z" },
    flowAddress("a/b?c"),
    { screen: "flow", id: "4711", view: "tree", axis: "elastic", table: false, event: "e-1" },
    { screen: "flow", id: "4711", view: "timeline", axis: "previous", table: true },
    { screen: "find", q: "orders/3/42 & more" },
    { screen: "nowhere", path: "/what/is/this" },
  ];
  test.each(addresses.map((address) => [writeAddress(address), address] as const))("%s", (url, address) => {
    expect(read(url)).toEqual(address);
  });
});

test("the root is the list, and a flow's view is the timeline unless said otherwise", () => {
  expect(read("/")).toEqual({ screen: "flows", status: [] });
  expect(read("/flows/4711")).toEqual(flowAddress("4711"));
});

test("other tools link by key, record and trace", () => {
  expect(read("/find?key=4711")).toEqual({ screen: "find", q: "4711" });
  expect(read("/e/orders/3/42")).toEqual({ screen: "find", q: "orders/3/42" });
  expect(read("/trace/c621")).toEqual({ screen: "find", q: "c621" });
  expect(read("/find")).toEqual({ screen: "nowhere", path: "/find" });
  expect(read("/e/orders")).toEqual({ screen: "nowhere", path: "/e/orders" });
});

test("nonsense in the address is left out", () => {
  expect(read("/flows?status=parked,wild&since=soon&type=")).toEqual({ screen: "flows", status: ["parked"] });
  expect(read("/flows/4711?view=sideways&axis=z")).toEqual(flowAddress("4711"));
  expect(readAddress("/flows/%E0%A4%A", "")).toMatchObject({ screen: "flow", id: "%E0%A4%A" });
});

test("a span becomes a time when it is asked, and when a link is copied", () => {
  const now = Date.parse("2026-11-27T12:00:00Z");
  expect(sinceTime("24h", now)).toBe("2026-11-26T12:00:00.000Z");
  expect(sinceTime("2026-11-01T00:00:00Z", now)).toBe("2026-11-01T00:00:00Z");
  expect(sinceTime(undefined, now)).toBeUndefined();
  expect(writeAddress(lasting({ screen: "flows", status: [], since: "1h" }, now))).toBe(
    "/flows?since=2026-11-27T11:00:00.000Z",
  );
});

test("filters in words", () => {
  expect(filterWords({ screen: "flows", status: [] })).toEqual([]);
  expect(
    filterWords({
      screen: "flows",
      status: ["parked", "blocked"],
      service: "shipping",
      since: "1h",
      q: "47",
    }),
  ).toEqual(["status parked or blocked", "service shipping", "last hour", "id or key beginning with “47”"]);
});
