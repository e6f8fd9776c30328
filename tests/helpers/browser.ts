/**
 * Headless Chromium for tests of pages. Debian's `chromium` package is enough; `CHROMIUM` names another one. What drives
 * it wants every permission, so that these tests have a task of their own: `deno task test:browser`.
 * @module
 */
import { existsSync } from "node:fs";
import type { Browser, Page } from "npm:playwright-core@1.65.1";
import { InputError } from "../../src/errors.ts";

const ALWAYS = ["--no-sandbox", "--disable-dev-shm-usage"];

/** Software everything: what a machine without a screen and a GPU can do. */
const WEBGL = [...ALWAYS, "--use-angle=swiftshader", "--enable-unsafe-swiftshader"];

/** WebGPU without a GPU: Dawn on SwiftShader. */
export const WEBGPU: readonly string[] = [
  ...ALWAYS,
  "--enable-unsafe-webgpu",
  "--enable-features=Vulkan,WebGPU",
  "--use-webgpu-adapter=swiftshader",
  "--use-vulkan=swiftshader",
];

/** The browser's program, or why there is none. */
export const CHROMIUM: ReturnType<typeof findChromium> = findChromium();

function findChromium(): { readonly path: string } | { readonly absence: string } {
  if (Deno.permissions.querySync({ name: "run" }).state !== "granted") {
    return { absence: "run deno task test:browser" };
  }
  const paths = [Deno.env.get("CHROMIUM") ?? "", "/usr/bin/chromium", "/usr/bin/chromium-browser"];
  const path = paths.find((path) => path !== "" && existsSync(path));
  return path === undefined ? { absence: "no Chromium: install it, or name it with CHROMIUM" } : { path };
}

const opened = new Map<readonly string[], Promise<Browser>>();

/**
 * Starts Chromium, for scripts that are no tests.
 *
 * @param args of its command line, such as {@link WEBGPU}
 * @throws InputError if there is none
 */
export async function launchChromium(args: readonly string[]): Promise<Browser> {
  if ("absence" in CHROMIUM) throw new InputError(`Cannot open Chromium: ${CHROMIUM.absence}`);
  const { chromium } = await import("npm:playwright-core@1.65.1"); // looks at everything as soon as it is loaded
  return await chromium.launch({ executablePath: CHROMIUM.path, args: [...args] });
}

Deno.test.afterAll(async () => {
  for (const browser of opened.values()) await (await browser).close();
  opened.clear();
});

/** How a page is opened. */
export interface VisitOptions {
  /** The window's width in pixels; 1,280 if not given. */
  readonly width?: number;
  /** What the system prefers; light if not given. */
  readonly colorScheme?: "light" | "dark";
  /** Answers requests that leave the machine; without it each of them is a fault. */
  readonly answer?: (url: string) => string | undefined;
  /** Whether pages may be asked for at all, as those of a server on this machine; offline if not given. */
  readonly isOnline?: boolean;
  /** Faults that the test is about. */
  readonly expected?: RegExp;
  /** Whether it is a phone that is touched. */
  readonly isTouch?: boolean;
}

/**
 * A test that needs the browser. Where there is none, it is ignored, and its name says why.
 *
 * @param name what is tested
 * @param body the test; fails if the page reports an error, or asks for what nobody answers
 * @param args of Chromium's command line
 */
export function browserTest(
  name: string,
  body: (visit: Visit) => Promise<void>,
  args: readonly string[] = WEBGL,
): void {
  if ("absence" in CHROMIUM) {
    Deno.test.ignore(`${name} (IGNORED: ${CHROMIUM.absence})`, () => {});
    return;
  }
  Deno.test({
    name,
    sanitizeOps: false, // the browser's process and pipe outlive a test
    sanitizeResources: false,
    fn: async () => {
      if (!opened.has(args)) opened.set(args, launchChromium(args));
      const browser = await opened.get(args)!;
      const faults: string[] = [], asked: string[] = [];
      const contexts: { close(): Promise<void> }[] = [];
      const open = async (url: string, options: VisitOptions = {}): Promise<Page> => {
        const { width = 1280, colorScheme = "light", answer, expected, isOnline = false, isTouch = false } =
          options;
        const blame = (fault: string) => {
          if (!expected?.test(fault)) faults.push(fault);
        };
        const context = await browser.newContext({
          viewport: { width, height: 900 },
          colorScheme,
          hasTouch: isTouch,
          offline: !isOnline && answer === undefined,
        });
        contexts.push(context);
        const page = await context.newPage();
        page.on("console", (message) => {
          if (["error", "warning"].includes(message.type())) {
            blame(`${message.type()}: ${message.text()}`);
          }
        });
        page.on("pageerror", (error) => blame(`uncaught: ${error.message}`));
        page.on("dialog", (dialog) => {
          faults.push(`dialog: ${dialog.message()}`);
          dialog.dismiss();
        });
        page.on("request", (request) => {
          const asks = request.url();
          if (asks === url || /^(data|blob):/.test(asks)) return;
          asked.push(asks);
          if (!isOnline && answer?.(asks) === undefined) blame(`request for ${asks}`);
        });
        if (answer) {
          await page.route(/^https?:/, (route) => {
            const body = answer(route.request().url());
            if (body === undefined) return route.abort();
            const headers = { "access-control-allow-origin": "*", "content-type": "text/javascript" };
            return route.fulfill({ body, headers });
          });
        }
        await page.goto(url);
        return page;
      };
      try {
        await body({ open, asked });
      } finally {
        for (const context of contexts) await context.close();
      }
      if (faults.length > 0) throw new Error(`The page is at fault:\n${faults.join("\n")}`);
    },
  });
}

/** What a {@link browserTest} works with. */
export interface Visit {
  /** Opens a page in a window of its own. */
  readonly open: (url: string, options?: VisitOptions) => Promise<Page>;
  /** The addresses that pages asked for, besides their own. */
  readonly asked: readonly string[];
}
