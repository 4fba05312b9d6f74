// A stand-in for the observer, for tests of the pages only: it serves the built pages with the security headers
// of the real one, the API from told flows, and a stream that a test speaks through.
import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import type { Counts, FlowSummary, IndexState, RecordView } from "../../src/api/types";
import { STATUSES } from "../../src/api/types";
import { contracts, services } from "./services";
import { stories } from "./stories";
import { nextChange, type StoredFlow } from "./story";

const DIST = fileURLToPath(new URL("../../dist", import.meta.url));
export const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; font-src 'self'";
const KINDS: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
};

export interface Weather {
  /** `/api/flows` and `/api/flows/{id}` answer with this error. */
  broken: boolean;
  /** No flows at all. */
  empty: boolean;
  /** So much of the topics is read; undefined is all. */
  read_percent?: number;
  trouble?: string;
  /** The broker has not answered yet since this time. */
  brokerless?: string;
  /** Shipping has an instance that is alive. */
  shipping: boolean;
  /** Retention has taken all records. */
  expired: boolean;
  /** The index says nothing more. */
  silent: boolean;
  /** Every stream is refused, as if too many were open. */
  streamless: boolean;
  slow_ms: number;
  trace_link?: string;
}

const FAIR: Weather = {
  broken: false,
  empty: false,
  shipping: false,
  expired: false,
  silent: false,
  streamless: false,
  slow_ms: 0,
};

export class Mock {
  weather: Weather = { ...FAIR, trace_link: "http://127.0.0.1:16686/trace/{trace_id}" };
  flows: StoredFlow[];
  private server?: Server;
  private port = 0;
  private streams = new Set<{ response: ServerResponse; topics: string[] }>();
  private beat?: ReturnType<typeof setInterval>;

  constructor(now = Date.now()) {
    this.flows = stories(now);
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Pages that listen now: whoever does not yet is told nothing of what happens. */
  get listeners() {
    return this.streams.size;
  }

  /** Listens on the same port as before, if there was one. */
  async start(port = this.port): Promise<this> {
    const server = createServer((request, response) => this.answer(request, response));
    this.server = server;
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, "127.0.0.1", resolve);
    });
    this.port = (server.address() as AddressInfo).port;
    this.beat = setInterval(() => this.speakIndex(), 2000);
    return this;
  }

  async stop() {
    clearInterval(this.beat);
    const { server } = this;
    this.streams.clear();
    server?.closeAllConnections();
    await new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve()));
  }

  fair() {
    this.weather = { ...FAIR, trace_link: "http://127.0.0.1:16686/trace/{trace_id}" };
  }

  /** A flow changed, or is new: it moves to the top, and whoever listens is told. */
  changed(flow: StoredFlow) {
    flow.summary = { ...flow.summary, change: nextChange() };
    this.flows = [...this.flows.filter((each) => each !== flow), flow];
    const { id, change, status, why } = flow.summary;
    this.say("flows", "flows", {
      changed: [flow.summary],
      more: false,
      counts: this.counts(),
      index: this.index(),
    });
    for (const asked of [id, ...flow.summary.keys.map(({ key }) => key)]) {
      this.say(`flow:${asked}`, "flow", { asked, id, change, status, why });
    }
  }

  find(key: string): StoredFlow {
    const found = this.flows.findLast(({ summary }) => summary.keys.some((each) => each.key === key));
    if (!found) throw new Error(`the mock has no flow ${key}`);
    return found;
  }

  speakIndex() {
    if (this.weather.silent) return;
    this.say("", "index", this.index());
    this.say("services", "services", this.servicesPage());
  }

  private servicesPage() {
    const { empty, shipping } = this.weather;
    return { services: empty ? [] : services(this.flows, shipping), index: this.index() };
  }

  private say(topic: string, event: string, data: unknown) {
    for (const { response, topics } of this.streams) {
      if (topic !== "" && !topics.includes(topic)) continue;
      response.write(`id: ${this.index().change}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    }
  }

  private index(): IndexState {
    const { read_percent, trouble, brokerless, empty } = this.weather;
    const flows = empty ? [] : this.flows;
    const caught_up = read_percent === undefined && brokerless === undefined;
    return {
      change: flows.at(-1)?.summary.change ?? 0,
      caught_up,
      behind_records: caught_up ? 3 : 48_210,
      behind_ms: caught_up ? 800 : 180_000,
      ...(read_percent === undefined ? {} : { eta_ms: 12_000, read_percent }),
      broker: brokerless === undefined ? "answers" : "waiting",
      ...(brokerless === undefined ? {} : { broker_since: brokerless }),
      ...(trouble ? { trouble } : {}),
      flows: flows.length,
      events: flows.reduce((sum, { events }) => sum + events.length, 0),
      receipts: flows.length * 7,
      bytes: flows.length * 2310,
    };
  }

  private counts(): Counts {
    const counts = Object.fromEntries(STATUSES.map((status) => [status, 0])) as Counts;
    if (!this.weather.empty) for (const { summary } of this.flows) counts[summary.status] += 1;
    return counts;
  }

  private answer(request: IncomingMessage, response: ServerResponse) {
    const url = new URL(request.url ?? "/", this.url);
    const parts = url.pathname.split("/").filter(Boolean).map(decodeURIComponent);
    if (parts[0] !== "api") return this.file(url.pathname, response);
    if (parts[1] === "stream") return this.stream(url, response);
    setTimeout(() => this.api(parts.slice(1), url.searchParams, response), this.weather.slow_ms);
  }

  private api([what, ...rest]: string[], query: URLSearchParams, response: ServerResponse) {
    const send = (status: number, body: unknown) => {
      response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
      response.end(JSON.stringify(body));
    };
    const { broken, empty, trace_link } = this.weather;
    if (what === "flows" && broken) {
      return send(500, {
        error: "the index cannot be read: disk I/O error",
        mend: "free space on the observer's disk and restart it",
      });
    }
    if (what === "flows" && rest.length === 0) return send(200, this.page(query));
    if (what === "flows") {
      const [id] = rest;
      const flow = empty
        ? undefined
        : this.flows.findLast(
            ({ summary }) => summary.id === id || summary.keys.some(({ key }) => key === id),
          );
      if (!flow)
        return send(404, {
          error: `no flow has the id or business key ${id}`,
          mend: "check the id, or look whether the index has caught up",
        });
      const from = Number(query.get("after") ?? 0);
      const limit = Number(query.get("limit") ?? 500);
      const next = from + limit < flow.events.length ? { next: String(from + limit) } : {};
      return send(200, {
        ...flow.summary,
        events: flow.events.slice(from, from + limit),
        ...next,
        notes: flow.notes,
        others: [],
        index: this.index(),
      });
    }
    if (what === "records") return this.record(rest, send);
    if (what === "find") return send(200, this.lookFor(query.get("q") ?? ""));
    if (what === "status")
      return send(200, { index: this.index(), version: "0.1.0", ...(trace_link ? { trace_link } : {}) });
    if (what === "services") return send(200, this.servicesPage());
    if (what === "contracts") return send(200, { contracts: empty ? [] : contracts() });
    send(404, { error: `there is no /api/${what}`, mend: "see /api/openapi.json" });
  }

  private page(query: URLSearchParams) {
    const asked = (query.get("status") ?? "").split(",").filter(Boolean);
    const q = query.get("q");
    const since = Date.parse(query.get("since") ?? "1970-01-01");
    const type = query.get("type");
    const service = query.get("service");
    const waits = ({ events }: StoredFlow) =>
      events.some(({ reactions }) =>
        reactions.some((each) => each.service === service && each.status !== "done"),
      );
    const all = this.weather.empty ? [] : [...this.flows].reverse();
    const fits = ({ summary }: StoredFlow) =>
      (asked.length === 0 || asked.includes(summary.status)) &&
      (!type || summary.type === type) &&
      (!q || summary.id.startsWith(q) || summary.keys.some(({ key }) => key.startsWith(q))) &&
      Date.parse(summary.last_at ?? "") >= since;
    const after = Number(query.get("after") ?? Number.POSITIVE_INFINITY);
    const matching = all.filter((flow) => fits(flow) && (!service || waits(flow)));
    const rest = matching.filter(({ summary }) => summary.change < after);
    const limit = Number(query.get("limit") ?? 100);
    const flows = rest.slice(0, limit).map(({ summary }) => summary);
    const next = rest.length > limit ? { next: String(flows.at(-1)?.change) } : {};
    const types = [...new Set(all.map(({ summary }) => summary.type ?? ""))].sort();
    return { flows, ...next, counts: this.counts(), types, index: this.index() };
  }

  private record([topic, partition, offset]: string[], send: (status: number, body: unknown) => void) {
    const where = `${topic}/${partition}@${offset}`;
    if (this.weather.expired) {
      return send(404, {
        error: `the record ${where} is gone: retention keeps 7 days of ${topic}`,
        mend: `keep ${topic} longer if you want to read bodies of older events`,
      });
    }
    for (const flow of this.flows) {
      for (const event of flow.events) {
        if (event.topic !== topic || `${event.partition}` !== partition || `${event.offset}` !== offset)
          continue;
        const data = flow.data.get(event.id);
        const record: RecordView = {
          topic,
          partition: event.partition,
          offset: event.offset,
          time: event.time,
          key: event.key,
          type: event.type,
          flow: flow.summary.id,
          event_id: event.id,
          headers: [
            ["ce_specversion", "1.0"],
            ["ce_id", event.id],
            ["ce_type", event.type],
            ["ce_source", event.source],
            ["ce_correlationid", flow.summary.id],
            ["ce_partitionkey", event.key ?? ""],
            ["content-type", "application/protobuf"],
            ["traceparent", `00-${event.trace_id}-b7ad6b7169203331-01`],
          ],
          bytes: 214,
          data,
          masked: Object.entries(data ?? {})
            .filter(([, value]) => value === "[masked]")
            .map(([name]) => name),
          reactions: event.reactions,
        };
        return send(200, record);
      }
    }
    send(404, { error: `there is no record ${where}` });
  }

  private lookFor(q: string) {
    const summaries = (flows: StoredFlow[]): FlowSummary[] => flows.map(({ summary }) => summary);
    const all = this.weather.empty ? [] : [...this.flows].reverse();
    const byId = all.filter(({ summary }) => summary.id === q);
    if (byId.length > 0) return { kind: "flow", flows: summaries(byId), tried: ["flow id"] };
    const byKey = all.filter(({ summary }) => summary.keys.some(({ key }) => key === q));
    if (byKey.length > 0) return { kind: "key", flows: summaries(byKey), tried: ["flow id", "business key"] };
    for (const flow of all) {
      const event = flow.events.find(
        (each) => each.id === q || `${each.topic}/${each.partition}/${each.offset}` === q,
      );
      if (event)
        return {
          kind: event.id === q ? "event" : "record",
          flows: [flow.summary],
          event: event.id,
          tried: ["event id"],
        };
    }
    const byTrace = all.filter(({ events }) => events[0]?.trace_id === q);
    if (byTrace.length > 0) return { kind: "trace", flows: summaries(byTrace), tried: ["trace id"] };
    return {
      kind: "none",
      flows: [],
      tried: ["flow id", "business key", "event id", "topic/partition/offset", "trace id"],
    };
  }

  private stream(url: URL, response: ServerResponse) {
    const asked = (url.searchParams.get("topics") ?? "").split(",").filter(Boolean);
    if (this.weather.streamless || !asked.every((topic) => /^(flows|services|flow:.+)$/.test(topic))) {
      response.writeHead(this.weather.streamless ? 503 : 400, { "content-type": "application/json" });
      response.end(JSON.stringify({ error: "there is no such stream", mend: "close some of them" }));
      return;
    }
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    const open = { response, topics: asked };
    this.streams.add(open);
    response.on("close", () => this.streams.delete(open));
    if (this.weather.silent) response.write(": hello\n\n");
    else
      response.write(`id: ${this.index().change}\nevent: index\ndata: ${JSON.stringify(this.index())}\n\n`);
    for (const topic of asked.filter((each) => each.startsWith("flow:"))) {
      const name = topic.slice("flow:".length);
      const names = ({ summary }: StoredFlow) => [summary.id, ...summary.keys.map(({ key }) => key)];
      if (!this.weather.empty && this.flows.some((flow) => names(flow).includes(name))) continue;
      const told = { asked: name, error: `no flow ${name} is known here`, mend: "it may come" };
      response.write(`event: unknown\ndata: ${JSON.stringify(told)}\n\n`);
    }
  }

  private file(path: string, response: ServerResponse) {
    const wanted = join(DIST, normalize(path));
    const file = existsSync(wanted) && statSync(wanted).isFile() ? wanted : join(DIST, "index.html");
    const kind = KINDS[extname(file)] ?? "application/octet-stream";
    response.writeHead(200, { "content-type": kind, "content-security-policy": POLICY });
    createReadStream(file).pipe(response);
  }
}
