import { describe, expect, test } from "vitest";
import type { InstanceView, ServiceView } from "../api/types";
import { inOrder, lagWords, partitionWords, standing, versions } from "./services";

const NOW = Date.parse("2026-11-27T12:00:00Z");
const instance = (more: Partial<InstanceView> = {}): InstanceView => ({
  instance: "payments-1",
  code_version: "1",
  activity: "running",
  at: "2026-11-27T11:59:59Z",
  alive: true,
  assignment: [],
  retrying_count: 0,
  parked_count: 0,
  skipped_count: 0,
  ...more,
});
const service = (more: Partial<ServiceView> = {}): ServiceView => ({
  name: "payments",
  alive: true,
  last_seen: "2026-11-27T11:59:59Z",
  lag: 0,
  lag_ms: 0,
  unassigned: 0,
  paused: 0,
  retrying: 0,
  instances: [instance()],
  reacts_to: [],
  may_emit: [],
  originates: [],
  waiting_flows: 0,
  parked_flows: 0,
  ...more,
});

describe("a service", () => {
  test.each<[string, string, Partial<ServiceView>]>([
    ["Running", "it reacts to events", {}],
    ["Down", "one was last seen 12 s ago", { alive: false, last_seen: "2026-11-27T11:59:48Z" }],
    ["Down", "in the last hour", { alive: false, last_seen: undefined }],
    ["Waiting", "waits for what it needs", { instances: [instance({ activity: "waiting" })] }],
    ["Draining", "takes nothing new", { instances: [instance({ activity: "draining" })] }],
    ["Partly", "1 partition of its topics is at nobody", { unassigned: 1 }],
    ["Paused", "2 partitions paused", { paused: 2 }],
    ["Retrying", "1 event waits for another attempt", { retrying: 1 }],
    ["Lagging", "32 events behind", { lag: 32, lag_ms: 8000 }],
    ["Running", "it reacts", { lag: 3, lag_ms: 200 }],
  ])("is %s: %s", (word, why, more) => {
    const told = standing(service(more), NOW);
    expect(told.word).toBe(word);
    expect(told.why).toContain(why);
  });

  test("that is down comes first, and then by name", () => {
    const services = [service({ name: "b" }), service({ name: "a" }), service({ name: "z", alive: false })];
    expect(inOrder(services, NOW).map(({ name }) => name)).toEqual(["z", "a", "b"]);
  });

  test("says how far behind it is", () => {
    expect(lagWords(service())).toBe("up to date");
    expect(lagWords(service({ lag: 32, lag_ms: 8000 }))).toBe("32 events, about 8 s");
    expect(lagWords(service({ lag: 1 }))).toBe("1 event");
    expect(lagWords(service({ alive: false, lag: 3 }))).toBe("–");
  });

  test("has the versions of those that are alive", () => {
    const old = instance({ code_version: "0", alive: false });
    expect(versions(service({ instances: [instance(), instance({ code_version: "2" }), old] }))).toEqual([
      "1",
      "2",
    ]);
    expect(versions(service({ instances: [old] }))).toEqual(["0"]);
  });
});

test("partitions are told in few words", () => {
  const has = (topic: string, partition: number) => ({
    topic,
    partition,
    paused: false,
    unfinished: 0,
    low_water: 0,
    lag: 0,
  });
  const assignment = [
    has("orders", 2),
    has("orders", 0),
    has("orders", 1),
    has("orders", 5),
    has("stock", 3),
  ];
  expect(partitionWords(instance({ assignment }))).toBe("orders 0–2 5, stock 3");
  expect(partitionWords(instance())).toBe("none");
});
