import { expect, test } from "vitest";
import type { EventView } from "../api/types";
import { choices, type EventFilter, fitting } from "./event-filter";
import { event, reaction } from "./told";

const attempt = {
  attempt: 1,
  outcome: "retry" as const,
  error_code: "gateway_timeout",
  started_at: "2026-11-27T12:00:00Z",
  duration_ms: 1,
  instance: "payments-1",
  code_version: "1",
};
const events: EventView[] = [
  event(0, { key: "4711", reactions: [reaction("inventory"), reaction("orders", { status: "parked" })] }),
  event(1, {
    type: "inventory.v1.StockReserved",
    source: "inventory",
    topic: "inventory",
    reactions: [reaction("payments", { status: "retrying", attempts: [attempt] })],
  }),
  event(2, { type: "payments.v1.PaymentCaptured", source: "payments" }),
];

test.each<[EventFilter, number[]]>([
  [{ type: "inventory.v1.StockReserved" }, [1]],
  [{ service: "inventory" }, [0, 1]],
  [{ service: "payments" }, [1, 2]],
  [{ status: "parked" }, [0]],
  [{ service: "inventory", status: "parked" }, []],
  [{ service: "payments", status: "retrying" }, [1]],
  [{ text: "GATEWAY_timeout" }, [1]],
  [{ text: "inventory/0@1" }, [1]],
  [{ text: "4711" }, [0]],
  [{ text: "captured e2" }, [2]],
  [{ text: "captured e1" }, []],
])("%j fits events %j", (filter, places) => {
  const fits = fitting(filter);
  expect(events.filter((each) => fits?.event(each)).map(({ place }) => place)).toEqual(places);
});

test("without a filter there is nothing to fit", () => expect(fitting({ text: "" })).toBeUndefined());

test("one chooses from what is there", () => {
  expect(choices(events)).toEqual({
    types: ["inventory.v1.StockReserved", "orders.v1.OrderPlaced", "payments.v1.PaymentCaptured"],
    services: ["inventory", "orders", "payments"],
  });
});
