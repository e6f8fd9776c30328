/**
 * Which requests the dashboard's server answers. Whoever can reach 127.0.0.1 is let in; web pages of other origins,
 * which a browser on this machine may have open, are not.
 * @module
 */
import { Buffer } from "node:buffer";
import type { IncomingMessage } from "node:http";
import { PART_NAMES, type PartName } from "./events.ts";

/** Bytes that a request's body may have. */
export const MAX_BODY_BYTES = 1024;

/** Why a request is refused. */
export interface Refusal {
  /** The HTTP status. */
  readonly status: 400 | 403 | 404 | 405 | 413 | 503;
  /** One line for whoever reads the answer. */
  readonly text: string;
  /** More headers. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** What a request asks for, once it is let in. */
export type Wanted =
  | { readonly kind: "control" }
  | { readonly kind: "data" }
  | { readonly kind: "part"; readonly name: PartName }
  | { readonly kind: "events"; readonly after: number }
  | { readonly kind: "asset"; readonly path: string };

/** The only names under which the server may be asked for: other names may belong to others (DNS rebinding). */
export function allowedHosts(port: number): readonly string[] {
  return ["127.0.0.1", "localhost"].map((name) => new URL(`http://${name}:${port}`).host);
}

/**
 * What a request asks for, by comparing its path with the few that there are; nothing is decoded or resolved.
 *
 * @param request method, URL and headers
 * @param port where the server listens
 * @param assets paths of the files that are served
 * @returns what to answer, or why not to
 */
export function examine(
  request: Pick<IncomingMessage, "method" | "url" | "headers" | "rawHeaders">,
  port: number,
  assets: { has(path: string): boolean },
): Wanted | Refusal {
  const { method = "", url: path = "", headers, rawHeaders } = request;
  const hosts = allowedHosts(port);
  const hostCount = rawHeaders.filter((name, k) => k % 2 === 0 && name.toLowerCase() === "host").length;
  if (hostCount !== 1 || !hosts.includes(headers.host ?? "")) {
    return { status: 403, text: `this server answers to ${hosts.join(" and ")} only` };
  }
  const origins = hosts.map((host) => `http://${host}`);
  const isControl = path === "/control";
  if (headers.origin === undefined ? method === "POST" : !origins.includes(headers.origin)) {
    return { status: 403, text: "pages of other origins may not ask" };
  }
  const allowed = isControl ? ["POST"] : path.startsWith("/events") ? ["GET"] : ["GET", "HEAD"];
  if (!allowed.includes(method)) {
    return {
      status: 405,
      text: `only ${allowed.join(" and ")} here`,
      headers: { allow: allowed.join(", ") },
    };
  }
  const site = headers["sec-fetch-site"];
  if (path !== "/" && site !== undefined && site !== "same-origin" && site !== "none") {
    return { status: 403, text: "pages of other sites may not ask" };
  }
  if (isControl) return { kind: "control" };
  if (path === "/data.json") return { kind: "data" };
  const name = PART_NAMES.find((name) => path === `/data/${name}.json`);
  if (name) return { kind: "part", name };
  const events = /^\/events\?after=(\d{1,15})$/.exec(path);
  if (events) return { kind: "events", after: Number(headers["last-event-id"] ?? events[1]) };
  if (assets.has(path)) return { kind: "asset", path };
  return { status: 404, text: "no such page" };
}

/**
 * A request's body, as far as it is one that a control may have.
 *
 * @param request the request, unread
 * @returns the body's text, or why it is refused
 */
export async function readBody(request: IncomingMessage): Promise<string | Refusal> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const tooLarge = { status: 413, text: `a body of at most ${MAX_BODY_BYTES} bytes` } as const;
  if (Number(request.headers["content-length"] ?? 0) > MAX_BODY_BYTES) return tooLarge;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) return tooLarge;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
