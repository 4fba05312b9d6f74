// The services of the mock: one that is down, one that retries, one that lags, and two that are well.
import type { ContractView, InstanceView, ServiceView } from "../../src/api/types";
import type { StoredFlow } from "./story";

const PROMISES: Record<string, [event: string, emits: string[]][]> = {
  inventory: [
    ["orders.v1.OrderPlaced", ["inventory.v1.StockReserved", "inventory.v1.StockRejected"]],
    ["payments.v1.PaymentDeclined", ["inventory.v1.StockReleased"]],
  ],
  notifications: [["orders.v1.OrderConfirmed", ["notifications.v1.ConfirmationSent"]]],
  orders: [
    ["shipping.v1.ShipmentDispatched", ["orders.v1.OrderConfirmed"]],
    ["payments.v1.PaymentDeclined", ["orders.v1.OrderCancelled"]],
  ],
  payments: [["inventory.v1.StockReserved", ["payments.v1.PaymentCaptured", "payments.v1.PaymentDeclined"]]],
  shipping: [
    ["payments.v1.PaymentCaptured", ["shipping.v1.ShipmentDispatched", "shipping.v1.ShipmentFailed"]],
  ],
};

export function contracts(): ContractView[] {
  return Object.entries(PROMISES).map(([service, promises]) => ({
    service,
    code_version: "0.4.2",
    start: service === "notifications" ? "now" : "beginning",
    reactions: promises.map(([event, emits]) => ({ name: event, event, emits })),
  }));
}

export function services(flows: StoredFlow[], shipping: boolean): ServiceView[] {
  return Object.entries(PROMISES).map(([name, promises]) => {
    const alive = name !== "shipping" || shipping;
    const retrying = name === "payments" ? 1 : 0;
    const lag = name === "notifications" ? 1843 : 0;
    const instances = name === "inventory" ? 2 : 1;
    const depends = (statuses: string[]) =>
      flows.filter(
        ({ summary, events }) =>
          statuses.includes(summary.status) &&
          events.some(({ reactions }) =>
            reactions.some((each) => each.service === name && each.status !== "done"),
          ),
      ).length;
    return {
      name,
      alive,
      last_seen: new Date(Date.now() - (alive ? 700 : 31.5 * 60_000)).toISOString(),
      lag,
      lag_ms: lag * 8.2,
      unassigned: alive ? 0 : 6,
      paused: 0,
      retrying,
      instances: Array.from({ length: instances }, (_, nth) => instance(name, nth, alive, retrying, lag)),
      reacts_to: promises.map(([event]) => event),
      may_emit: promises.flatMap(([, emits]) => emits),
      originates: name === "orders" ? ["orders.v1.OrderPlaced"] : [],
      waiting_flows: depends(["blocked", "retrying", "running", "unknown"]),
      parked_flows: depends(["parked"]),
    };
  });
}

function instance(name: string, nth: number, alive: boolean, retrying: number, lag: number): InstanceView {
  const half = name === "inventory" ? 3 : 6;
  return {
    instance: `${name}-7f3c9a${nth}`,
    code_version: nth === 0 ? "0.4.2" : "0.4.3",
    activity: "running",
    at: new Date(Date.now() - (alive ? 700 : 31.5 * 60_000)).toISOString(),
    alive,
    assignment: Array.from({ length: half }, (_, partition) => ({
      topic: name === "inventory" ? "orders" : "inventory",
      partition: nth * half + partition,
      paused: false,
      unfinished: partition === 0 ? retrying : 0,
      low_water: 40,
      lag: partition === 0 ? lag : 0,
    })),
    retrying_count: retrying,
    parked_count: name === "shipping" ? 7 : 0,
    skipped_count: 12,
  };
}
