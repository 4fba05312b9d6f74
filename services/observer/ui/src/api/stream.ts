// The one server-sent stream of this tab. It listens to the topics that the screen shows, says how the
// connection is, and comes back by itself. A new connection sends nothing that happened before it, so
// whoever listens is told `back` and asks again.
import { flowChanged, flowsChanged, flowUnknown, indexState, servicesPage } from "./answers";
import type { FlowChanged, FlowsChanged, FlowUnknown, IndexState, ServicesPage } from "./types";

export type Link =
  | { state: "connecting" }
  | { state: "open" }
  /** Gone since, and tried again at; both are milliseconds since 1970. `answers` says that questions are still
   * answered, so that only what is live is missing. */
  | { state: "away"; since: number; again: number; answers?: boolean };

export interface Listener {
  flows?(message: FlowsChanged): void;
  flow?(message: FlowChanged): void;
  /** No flow is called so yet. It is told when it comes. */
  unknown?(message: FlowUnknown): void;
  services?(message: ServicesPage): void;
  index?(state: IndexState): void;
  link?(link: Link): void;
  /** The connection is new: what was asked before it may be old by now. */
  back?(): void;
}

/** How long to wait before trying again, by how often it failed. */
const WAITS_MS = [500, 1000, 2000, 4000, 8000];
/** The index speaks every 2 s; a stream that is silent for this long is taken for dead. */
const SILENT_MS = 12_000;

export class Stream {
  private source?: EventSource;
  private topics?: string;
  private failed = 0;
  private since = 0;
  private timer?: ReturnType<typeof setTimeout>;
  private watch?: ReturnType<typeof setTimeout>;
  private lost = false;
  private resting = false;

  constructor(private readonly listener: Listener) {}

  /** Listens to these from now on. */
  listen(topics: readonly string[]) {
    const wanted = topics.join(",");
    if (wanted === this.topics && this.source) return;
    this.topics = wanted;
    if (!this.resting) this.open();
  }

  /** Tries at once, without waiting. */
  again() {
    this.open();
  }

  /** Lets go of the connection, until somebody listens again. A browser has six for all tabs of an origin. */
  rest() {
    this.close();
    this.resting = true;
  }

  /** Goes on after a rest. */
  wake() {
    if (!this.resting) return;
    this.resting = false;
    if (this.topics !== undefined) this.open();
  }

  private close() {
    clearTimeout(this.timer);
    clearTimeout(this.watch);
    this.source?.close();
    this.source = undefined;
  }

  private open() {
    this.close();
    if (!this.lost) this.listener.link?.({ state: "connecting" });
    const source = new EventSource(`/api/stream?topics=${encodeURIComponent(this.topics ?? "")}`);
    this.source = source;
    this.expectWord();
    source.onopen = () => {
      this.failed = 0;
      this.since = 0;
      this.expectWord();
      this.listener.link?.({ state: "open" });
      this.listener.back?.();
      this.lost = false;
    };
    source.onerror = () => this.gone();
    this.hear(source, "flows", (data) => this.listener.flows?.(flowsChanged(data, "message flows")));
    this.hear(source, "flow", (data) => this.listener.flow?.(flowChanged(data, "message flow")));
    this.hear(source, "unknown", (data) => this.listener.unknown?.(flowUnknown(data, "message unknown")));
    this.hear(source, "index", (data) => this.listener.index?.(indexState(data, "message index")));
    this.hear(source, "services", (data) => this.listener.services?.(servicesPage(data, "message services")));
  }

  private hear(source: EventSource, name: string, told: (data: unknown) => void) {
    source.addEventListener(name, (message) => {
      if (this.source !== source) return;
      this.expectWord();
      try {
        told(JSON.parse((message as MessageEvent<string>).data));
      } catch (error) {
        // One message that cannot be read is no reason to stop: the next answer tells all of it again.
        console.warn("a message of the stream cannot be read", error);
      }
    });
  }

  private expectWord() {
    clearTimeout(this.watch);
    this.watch = setTimeout(() => this.gone(), SILENT_MS);
  }

  private gone() {
    this.close();
    this.lost = true;
    const now = Date.now();
    this.since ||= now;
    const wait = WAITS_MS[Math.min(this.failed, WAITS_MS.length - 1)] ?? 8000;
    this.failed += 1;
    this.listener.link?.({ state: "away", since: this.since, again: now + wait });
    this.timer = setTimeout(() => this.open(), wait);
  }
}
