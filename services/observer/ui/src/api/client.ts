// Asks the observer. Every answer is checked; every failure is a `Failure`, which says what went wrong, what
// mends it, and whether it is worth trying again.
import { contractsPage, flowPage, flowView, found, recordView, servicesPage, statusView } from "./answers";
import { type Check, Garbled } from "./check";

/** A question is given up after this time. */
const TIMEOUT_MS = 15_000;

export class Failure extends Error {
  constructor(
    /** `away`: nobody answers. `missing`: there is no such thing. `refused`: an error was answered.
     * `garbled`: the answer is not what was agreed on. */
    readonly kind: "away" | "missing" | "refused" | "garbled",
    message: string,
    readonly mend?: string,
    readonly status?: number,
  ) {
    super(message);
    this.name = "Failure";
  }
}

export interface FlowsQuestion {
  status: readonly string[];
  type?: string;
  service?: string;
  since?: string;
  until?: string;
  q?: string;
}

export function askFlows(question: FlowsQuestion, limit: number, after?: string, signal?: AbortSignal) {
  const { status, type, service, since, until, q } = question;
  const query = { status: status.join(","), type, service, since, until, q, limit, after };
  return ask("/api/flows", query, flowPage, signal);
}

export function askFlow(id: string, limit: number, after?: string, signal?: AbortSignal) {
  return ask(`/api/flows/${encodeURIComponent(id)}`, { limit, after }, flowView, signal);
}

export function askRecord(topic: string, partition: number, offset: number, signal?: AbortSignal) {
  return ask(`/api/records/${encodeURIComponent(topic)}/${partition}/${offset}`, {}, recordView, signal);
}

export function askFind(q: string, signal?: AbortSignal) {
  return ask("/api/find", { q }, found, signal);
}

export function askServices(signal?: AbortSignal) {
  return ask("/api/services", {}, servicesPage, signal);
}

export function askContracts(signal?: AbortSignal) {
  return ask("/api/contracts", {}, contractsPage, signal);
}

export function askStatus(signal?: AbortSignal) {
  return ask("/api/status", {}, statusView, signal);
}

type Query = Record<string, string | number | undefined>;

async function ask<T>(path: string, query: Query, check: Check<T>, signal?: AbortSignal): Promise<T> {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== "");
  const search = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  const late = AbortSignal.timeout(TIMEOUT_MS);
  let response: Response;
  let body: unknown;
  try {
    response = await fetch(search ? `${path}?${search}` : path, {
      headers: { accept: "application/json" },
      signal: signal ? AbortSignal.any([signal, late]) : late,
    });
    body = await response.json().catch((error: unknown) => {
      // An answer that breaks off is a server that went away; one that is no JSON comes from somebody else.
      if (error instanceof SyntaxError) return undefined;
      throw error;
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    const why = late.aborted ? `did not answer within ${TIMEOUT_MS / 1000} s` : "does not answer";
    throw new Failure("away", `the observer ${why}`);
  }
  if (!response.ok) throw refusal(response.status, body);
  try {
    return check(body, `the answer of ${path}`);
  } catch (error) {
    if (!(error instanceof Garbled)) throw error;
    const mend = "reload the page: it may be older than the observer that answers";
    throw new Failure("garbled", error.message, mend);
  }
}

function refusal(status: number, body: unknown): Failure {
  const said = typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
  const words = typeof said.error === "string" ? said.error : undefined;
  const mend = typeof said.mend === "string" ? said.mend : undefined;
  if (status === 404) return new Failure("missing", words ?? "there is no such thing here", mend, status);
  // A proxy in front says these when the observer behind it is gone, and then there are no words of ours.
  if (words === undefined && status >= 502 && status <= 504) {
    return new Failure("away", "the observer does not answer", undefined, status);
  }
  return new Failure("refused", words ?? `the observer answered with status ${status}`, mend, status);
}

/** What anything that was thrown means to a person. */
export function failure(thrown: unknown): Failure {
  if (thrown instanceof Failure) return thrown;
  return new Failure("refused", thrown instanceof Error ? thrown.message : String(thrown));
}
