/**
 * The libraries of the page: chart.js with its zoom plugin at once, three.js when a cloud of points wants it. They come
 * out of the page itself (gzip, base64), or from addresses.
 * @module
 */

/**
 * @typedef {object} LibraryAddresses
 * @property {readonly { url: string, integrity?: string }[]} charts classic scripts, in order: chart.js, then its plugin
 * @property {() => Promise<string>} three makes the address of three.js' module
 *
 * @typedef {object} Libraries
 * @property {typeof import("chart.js").Chart} Chart
 * @property {() => Promise<typeof import("three")>} three
 */

/**
 * Loads chart.js; three.js follows when it is asked for.
 *
 * @param {LibraryAddresses} addresses
 * @returns {Promise<Libraries>}
 */
export async function loadLibraries({ charts, three }) {
  for (const { url, integrity } of charts) await loadScript(url, integrity);
  /** @type {Promise<typeof import("three")> | undefined} */
  let module;
  return {
    Chart: /** @type {any} */ (globalThis).Chart,
    three: () => module ??= three().then((url) => import(url)),
  };
}

/** @param {string} url @param {string | undefined} integrity @returns {Promise<void>} */
function loadScript(url, integrity) {
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

/**
 * The addresses of libraries that lie in the page.
 *
 * @returns {Promise<LibraryAddresses>}
 */
export async function inlinedLibraries() {
  const charts = await Promise.all(["chart.js", "chartjs-plugin-zoom"].map(async (name) => ({
    url: scriptUrl(await inlinedText(name)),
  })));
  return {
    charts,
    three: async () => {
      const [core, module] = await Promise.all([inlinedText("three.core"), inlinedText("three")]);
      return scriptUrl(module.replaceAll("./three.core.min.js", scriptUrl(core)));
    },
  };
}

/** @param {string} code */
function scriptUrl(code) {
  return URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
}

/** @param {string} name of the library @returns {Promise<string>} */
async function inlinedText(name) {
  const packed = document.getElementById(`library-${name}`)?.textContent ?? "";
  return new TextDecoder().decode(await unpack(packed));
}

/**
 * Unpacks bytes.
 *
 * @param {string} packed gzip, base64
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
export async function unpack(packed) {
  const bytes = Uint8Array.from(atob(packed), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
