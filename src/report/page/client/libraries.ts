/**
 * Loads the libraries of the page: chart.js with its zoom plugin at the start, three.js for the first 3-D plot. They
 * are embedded in the page (gzip, base64) or loaded from URLs.
 * @module
 */
import type { Chart } from "npm:chart.js@4.6.1";
import { THREE_LOADED, threeModule } from "./three_module.ts";

type Three = typeof import("npm:@types/three@0.185.1");

/** A module script. */
export type ModuleScript = { readonly url: string } | { readonly code: string };

/** URLs of the libraries. */
export interface LibraryAddresses {
  /** Classic scripts, in order: chart.js, then its plugin. */
  readonly charts: readonly { readonly url: string; readonly integrity?: string }[];
  /** Returns the script made by `threeModule`. */
  readonly three: () => Promise<ModuleScript>;
}

/** The loaded libraries. */
export interface Libraries {
  readonly Chart: typeof Chart;
  readonly three: () => Promise<Three>;
}

/** Loads chart.js now, and three.js on first use. */
export async function loadLibraries({ charts, three }: LibraryAddresses): Promise<Libraries> {
  for (const { url, integrity } of charts) await loadScript(url, integrity);
  let module: Promise<Three> | undefined;
  return {
    Chart: (globalThis as unknown as Libraries).Chart,
    three: () => module ??= three().then(loadThree),
  };
}

function loadScript(url: string, integrity: string | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    if (integrity !== undefined) {
      script.integrity = integrity;
      script.crossOrigin = "anonymous";
    }
    script.addEventListener("load", () => resolve());
    script.addEventListener("error", () => reject(new Error(`Cannot load ${url}`)));
    script.src = url;
    document.head.append(script);
  });
}

/** Runs the module script that sends three.js. */
function loadThree(source: ModuleScript): Promise<Three> {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.type = "module";
    if ("url" in source) script.src = source.url;
    else script.textContent = source.code;
    const settled = new AbortController(), { signal } = settled;
    const fail = () => {
      settled.abort();
      reject(new Error("Cannot load three.js"));
    };
    addEventListener(THREE_LOADED, (event) => {
      settled.abort();
      resolve((event as CustomEvent<Three>).detail);
    }, { signal });
    script.addEventListener("error", fail, { signal }); // a file is missing
    addEventListener("error", fail, { signal }); // a file lacks what another imports from it
    document.head.append(script);
  });
}

/** Creates URLs for the libraries embedded in the page. */
export async function inlinedLibraries(): Promise<LibraryAddresses> {
  const charts = await Promise.all(["chart.js", "chartjs-plugin-zoom"].map(async (name) => ({
    url: scriptUrl(await inlinedText(name)),
  })));
  return {
    charts,
    three: async () => {
      const [core, module] = await Promise.all([inlinedText("three.core"), inlinedText("three")]);
      const three = scriptUrl(module.replaceAll("./three.core.min.js", scriptUrl(core)));
      return { url: scriptUrl(threeModule(three)) };
    },
  };
}

function scriptUrl(code: string) {
  return URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
}

/** Source text of an embedded library. */
async function inlinedText(name: string): Promise<string> {
  const packed = document.getElementById(`library-${name}`)?.textContent ?? "";
  return new TextDecoder().decode(await unpack(packed));
}

/** Decompresses base64 of gzip. */
export async function unpack(packed: string): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = Uint8Array.from(atob(packed), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
