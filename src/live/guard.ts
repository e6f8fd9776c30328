/**
 * Request filter of the dashboard's server. Every process on this machine has access; web pages of other origins, open
 * in a local browser, do not.
 * @module
 */
import { Buffer } from "node:buffer";
import type { IncomingMessage } from "node:http";
import { PART_NAMES, type PartName } from "./events.ts";

/** Maximum size of a request body. */
export const MAX_BODY_BYTES = 1024;

/** Response to a rejected request. */
export interface Refusal {
  /** HTTP status. */
  readonly status: 400 | 403 | 404 | 405 | 413 | 503;
  /** One-line reason, the body of the response. */
  readonly text: string;
  /** Additional headers. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** An accepted request. */
export type Wanted =
  | { readonly kind: "control" }
  | { readonly kind: "data" }
  | { readonly kind: "part"; readonly name: PartName }
  | { readonly kind: "events"; readonly after: number }
  | { readonly kind: "asset"; readonly path: string };

/** Allowed values of the Host header; others are rejected, against DNS rebinding. */
export function allowedHosts(port: number): readonly string[] {
  return ["127.0.0.1", "localhost"].map((name) => new URL(`http://${name}:${port}`).host);
}

/**
 * Matches a request against the known paths; nothing is decoded or resolved.
 *
 * @param request method, URL and headers
 * @param port port of the server
 * @param assets paths of the static files
 * @returns the accepted request, or the reason for its rejection
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
    return { status: 403, text: `expected the host ${hosts.join(" or ")}` };
  }
  const origins = hosts.map((host) => `http://${host}`);
  const isControl = path === "/control";
  if (headers.origin === undefined ? method === "POST" : !origins.includes(headers.origin)) {
    return { status: 403, text: "requests from other origins are not allowed" };
  }
  const allowed = isControl ? ["POST"] : path.startsWith("/events") ? ["GET"] : ["GET", "HEAD"];
  if (!allowed.includes(method)) {
    return {
      status: 405,
      text: `expected method ${allowed.join(" or ")}`,
      headers: { allow: allowed.join(", ") },
    };
  }
  const site = headers["sec-fetch-site"];
  if (path !== "/" && site !== undefined && site !== "same-origin" && site !== "none") {
    return { status: 403, text: "requests from other sites are not allowed" };
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
 * Reads the body of a control request.
 *
 * @param request the request, unread
 * @returns the text of the body, or the reason for its rejection
 */
export async function readBody(request: IncomingMessage): Promise<string | Refusal> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const tooLarge = { status: 413, text: `expected a body of at most ${MAX_BODY_BYTES} bytes` } as const;
  if (Number(request.headers["content-length"] ?? 0) > MAX_BODY_BYTES) return tooLarge;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) return tooLarge;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
