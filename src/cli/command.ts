/**
 * The frame around every command: errors as one line, exit codes, and a graceful end on Ctrl-C.
 *
 * Exit codes: 0 all well; 1 bad input, a refused permission, or a bug; 2 wrong flags (see flags.ts); 130 and
 * 143 ended by Ctrl-C and by SIGTERM.
 * @module
 */

import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { InputError, ShaderError, toOneLine } from "../errors.ts";
import { flagName } from "../recipe/flag_kinds.ts";
import { PROJECT, PROJECT_FOLDER } from "../files/project.ts";
import { permissionAdvice } from "../files/io_error.ts";

/**
 * Runs a command's main function. What it returns becomes the exit code. An {@linkcode InputError} is printed
 * as one line, a {@linkcode ShaderError} as a block of lines, a refused permission as one line that names the flag to
 * add, a mistake in a script as one line that names its place; all end the process with exit code 1. Anything else is a
 * bug, and is printed with its stack.
 *
 * ```ts
 * import { InputError, runCommand } from "@bottleneck/bottleneck";
 *
 * await runCommand(() => Promise.resolve(Deno.args.length > 99 ? 1 : 0)); // an InputError would be one line
 * ```
 *
 * @param main the command; returns its exit code, or nothing for 0
 */
export async function runCommand(main: () => Promise<number | void>): Promise<void> {
  try {
    Deno.exitCode = await main() ?? 0;
  } catch (error) {
    if (error instanceof ShaderError) {
      console.error(`error: ${error.message}`);
    } else if (error instanceof InputError) {
      const flags = error.settings.map(flagName).join(", ");
      console.error(`error: ${toOneLine(error.message, 2000)}${flags && ` (${flags})`}`);
    } else if (error instanceof Deno.errors.NotCapable) {
      console.error(`error: ${permissionAdvice(error)}`);
    } else if (error instanceof Deno.errors.BrokenPipe) {
      console.error("error: Cannot write the output: whoever was reading it has closed the pipe");
    } else if (error instanceof Error && isMistakeInScript(error)) {
      const place = placeInScript(error);
      console.error(`error: ${toOneLine(messageWithName(error), 2000)}${place ? `; at ${place}` : ""}`);
    } else {
      console.error(error);
      const place = error instanceof Error ? placeInScript(error) : undefined;
      const unless = place === undefined
        ? ""
        : `, unless deno check ${place.replace(/:.*/, "")} finds a mistake`;
      console.error(`error: This is a bug in Bottleneck${unless}; please report it with the lines above`);
    }
    Deno.exit(1); // at once: a worker that still runs would keep the process alive
  }
}

/** The folders that errors in a script come through, of which none is the script's. */
const OURS = ["src", "scripts/tools", "node_modules"].map((folder) => new URL(`${folder}/`, PROJECT).href);

/** How our own code refuses the arguments of a function. */
const REFUSAL = /^Cannot (?!redefine property).+: /s;

/** Whether the script that called this library is at fault: its line threw, or it passed what a function refuses. */
function isMistakeInScript(error: Error): boolean {
  const [thrower = ""] = framesOf(error);
  return REFUSAL.test(error.message) || thrower !== "" && !isOurs(thrower);
}

/** Path, line and column of the first frame that is not ours. */
function placeInScript(error: Error): string | undefined {
  const frame = framesOf(error).find((frame) => !isOurs(frame));
  const [, url, at] = frame === undefined ? [] : /^(.*?)(:\d+:\d+)$/.exec(frame) ?? [];
  if (url === undefined) return undefined;
  return (url.startsWith("file:") ? relative(PROJECT_FOLDER, fileURLToPath(url)) : url) + at;
}

function isOurs(frame: string): boolean {
  return OURS.some((folder) => frame.startsWith(folder));
}

/** The files of a stack, innermost first, as `file:///….ts:LINE:COLUMN`. */
function framesOf({ stack = "" }: Error): string[] {
  return [...stack.matchAll(/^ +at .*?((?:file|https?):\/\/[^)\n]+:\d+:\d+)\)?$/gm)].map(([, frame]) =>
    frame
  );
}

/** The class's name says something only where the message is not ours. */
function messageWithName({ name, message }: Error): string {
  return REFUSAL.test(message) ? message : `${name}: ${message}`;
}

/** A watch on Ctrl-C and SIGTERM; see {@linkcode watchInterrupt}. */
export interface Interrupt extends Disposable {
  /** Whether the user or the system has asked to stop. */
  readonly requested: boolean;
  /** What the command should return: 0 without a request, 130 after Ctrl-C, 143 after SIGTERM. */
  readonly exitCode: number;
  /** Ends the watch; the signals end the process again. */
  dispose(): void;
}

/**
 * Watches for Ctrl-C and SIGTERM. The first one sets `requested`, which the training loop checks after each
 * step; the second one ends the process at once. Signals are seen only while the loop waits for something
 * real, such as a read-back. Needs no permission.
 */
export function watchInterrupt(): Interrupt {
  let exitCode = 0;
  const listen = (code: number) => () => {
    if (exitCode !== 0) Deno.exit(code);
    exitCode = code;
    console.error("\nStopping after the current report; interrupt again to stop at once");
  };
  const listeners = new Map<Deno.Signal, () => void>([["SIGINT", listen(130)]]);
  if (Deno.build.os !== "windows") listeners.set("SIGTERM", listen(143)); // Windows has no SIGTERM
  for (const [signal, listener] of listeners) Deno.addSignalListener(signal, listener);
  const dispose = () => {
    for (const [signal, listener] of listeners) Deno.removeSignalListener(signal, listener);
    listeners.clear();
  };
  return {
    get requested() {
      return exitCode !== 0;
    },
    get exitCode() {
      return exitCode;
    },
    dispose,
    [Symbol.dispose]: dispose,
  };
}
