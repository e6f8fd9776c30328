/**
 * Serves the project to a page on 127.0.0.1, so that a browser can import its TypeScript: types are stripped, files that
 * are imported as text become modules, and what a page cannot have is absent.
 * @module
 */
import { stripTypeScriptTypes } from "node:module";
import { join } from "node:path";
import { ROOT } from "./commands.ts";

/** Rooms of `src/` that a page has: those of `src/core.ts`, and what the recipes' networks and the checks need. */
const PRESENT = new RegExp(
  "^/(src/(core|errors|random|event_loop|gpu|graph|step|elementwise|layers|losses|optim|reference|check|recipe|evaluate|data|" +
    "files)\\b|(scripts|shaders|fixtures|tests)/|mod\\.ts$)",
);

/** `import … from "…"` and `export … from "…"`, after types were stripped. */
const FROM = /\b(import|export)\s+(\{[^}]*\}|\* as \w+)\s+from\s+"([^"]+)"/g;

const JAVASCRIPT = "text/javascript";

/** The project's server. */
export interface PageServer extends AsyncDisposable {
  /** Address of an empty page, `http://127.0.0.1:PORT/`; the project's files are below it. */
  readonly url: string;
}

/** Starts the server. What a module imports of other rooms, of Node and of npm throws an error when it is called. */
export function servePage(): PageServer {
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, (request) => {
    try {
      const [type, body] = answer(new URL(request.url));
      return new Response(body, { headers: { "content-type": type } });
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return new Response("not here", { status: 404 });
      throw error;
    }
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}/`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

function answer(url: URL): readonly [type: string, body: string | Uint8Array<ArrayBuffer>] {
  const { pathname, search, searchParams } = url;
  if (pathname === "/") return ["text/html", "<!doctype html><link rel=icon href=data:,>"];
  if (pathname === "/absent") {
    return [JAVASCRIPT, absentModule(searchParams.get("of")!, searchParams.get("names")!)];
  }
  const file = Deno.readFileSync(join(ROOT, pathname));
  const text = () => new TextDecoder().decode(file);
  if (search === "?text") return [JAVASCRIPT, `export default ${JSON.stringify(text())};`];
  if (pathname.endsWith(".ts")) return [JAVASCRIPT, moduleOf(text(), url)];
  return [pathname.endsWith(".json") ? "application/json" : "application/octet-stream", file];
}

/** A module's JavaScript, whose imports a browser understands. */
function moduleOf(typescript: string, url: URL): string {
  return stripTypeScriptTypes(typescript)
    .replace(/(\bfrom\s+"[^"]+)"\s+with\s*\{\s*type:\s*"text",?\s*\}/g, '$1?text"')
    .replace(FROM, (whole, verb: string, what: string, from: string) => {
      const path = from.startsWith(".") ? new URL(from, url).pathname : from;
      if (PRESENT.test(path)) return whole;
      const names = what.startsWith("{")
        ? what.slice(1, -1).split(",").map((name) => name.trim().split(" ")[0])
        : [];
      return `${verb} ${what} from "/absent?of=${encodeURIComponent(path)}&names=${names.filter(Boolean)}"`;
    });
}

function absentModule(of: string, names: string): string {
  return names.split(",").filter(Boolean).map((name) => {
    const why = `Cannot call ${name} of ${of}: a page does not have it`;
    return `export function ${name}() { throw new Error(${JSON.stringify(why)}); }`;
  }).join("\n");
}
