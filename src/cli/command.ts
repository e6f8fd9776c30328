/**
 * Entry point of every command: one-line errors, exit codes, and a graceful stop on Ctrl-C.
 *
 * Exit codes: 0 success; 1 bad input, a missing permission, or a bug; 2 wrong usage (see flags.ts); 130 and 143
 * after Ctrl-C and SIGTERM.
 * @module
 */

import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { InputError, ShaderError, toOneLine } from "../errors.ts";
import { printError } from "../terminal.ts";
import { flagName } from "../recipe/flag_kinds.ts";
import { PROJECT, PROJECT_FOLDER } from "../files/project.ts";
import { permissionAdvice } from "../files/io_error.ts";
import { countPresses } from "./presses.ts";
import { listenForSignals } from "./signals.ts";

/**
 * Runs a command's main function and exits with the code it returns. Errors exit with code 1: an
 * {@linkcode InputError} is printed as one line, a {@linkcode ShaderError} as a block of lines, a missing permission as
 * one line with the flag to add, and an error in a user's script as one line with its location. Any other error is a
 * bug, printed with its stack trace.
 *
 * ```ts
 * import { InputError, runCommand } from "@bottleneck/bottleneck";
 *
 * await runCommand(() => Promise.resolve(Deno.args.length > 99 ? 1 : 0)); // an InputError would be one line
 * ```
 *
 * @param main the command; returns its exit code, or undefined for 0
 */
export async function runCommand(main: () => Promise<number | void>): Promise<void> {
  try {
    Deno.exitCode = await main() ?? 0;
  } catch (error) {
    if (error instanceof ShaderError) {
      printError(...`error: ${error.message}`.split("\n"));
    } else if (error instanceof InputError) {
      const flags = error.settings.map(flagName).join(", ");
      printError(`error: ${toOneLine(error.message, 2000)}${flags && ` (${flags})`}`);
    } else if (error instanceof Deno.errors.NotCapable) {
      printError(`error: ${permissionAdvice(error)}`);
    } else if (error instanceof Deno.errors.BrokenPipe) {
      printError("error: Cannot write the output: the reader has closed the pipe");
    } else if (error instanceof Error && isMistakeInScript(error)) {
      const place = placeInScript(error);
      printError(`error: ${toOneLine(messageWithName(error), 2000)}${place ? `; at ${place}` : ""}`);
    } else {
      printError(...Deno.inspect(error).split("\n"));
      const place = error instanceof Error ? placeInScript(error) : undefined;
      const unless = place === undefined
        ? ""
        : `, unless deno check ${place.replace(/:.*/, "")} finds a mistake`;
      printError(`error: This is a bug in Bottleneck${unless}; please report it with the lines above`);
    }
    Deno.exit(1); // at once: a worker that still runs would keep the process alive
  }
}

/** Folders whose stack frames are never the user's script. */
const OURS = ["src", "scripts/tools", "node_modules"].map((folder) => new URL(`${folder}/`, PROJECT).href);

/** Messages of this library's own argument errors. */
const REFUSAL = /^Cannot (?!redefine property).+: /s;

/** Returns true if the user's script is at fault: it threw, or passed an argument that this library rejects. */
function isMistakeInScript(error: Error): boolean {
  const [thrower = ""] = framesOf(error);
  return REFUSAL.test(error.message) || thrower !== "" && !isOurs(thrower);
}

/** Path, line and column of the first stack frame outside this library. */
function placeInScript(error: Error): string | undefined {
  const frame = framesOf(error).find((frame) => !isOurs(frame));
  const [, url, at] = frame === undefined ? [] : /^(.*?)(:\d+:\d+)$/.exec(frame) ?? [];
  if (url === undefined) return undefined;
  return (url.startsWith("file:") ? relative(PROJECT_FOLDER, fileURLToPath(url)) : url) + at;
}

function isOurs(frame: string): boolean {
  return OURS.some((folder) => frame.startsWith(folder));
}

/** Stack frames, innermost first, as `file:///….ts:LINE:COLUMN`. */
function framesOf({ stack = "" }: Error): string[] {
  return [...stack.matchAll(/^ +at .*?((?:file|https?):\/\/[^)\n]+:\d+:\d+)\)?$/gm)].map(([, frame]) =>
    frame
  );
}

/** Message of an error, prefixed by its class name unless it is this library's own. */
function messageWithName({ name, message }: Error): string {
  return REFUSAL.test(message) ? message : `${name}: ${message}`;
}

/** Signal handler of {@linkcode watchInterrupt}. */
export interface Interrupt extends Disposable {
  /** True after Ctrl-C or SIGTERM. */
  readonly requested: boolean;
  /** Exit code for the command: 0 without a signal, 130 after Ctrl-C, 143 after SIGTERM. */
  readonly exitCode: number;
  /** Aborts work that the first signal stops. */
  readonly signal: AbortSignal;
  /** From now on a signal prints this line and exits at once: what must be kept is saved. */
  exitWith(line: string): void;
  /** Removes the handlers; signals kill the process again. */
  dispose(): void;
}

/**
 * Handles Ctrl-C and SIGTERM. The first signal sets `requested`, which the training loop checks after each step; the
 * second exits at once: when the event loop turns, or `requested` is read. A worker counts them, so that they are two
 * however fast they come, if the command may read the worker's module; otherwise signals between two turns count as
 * one.
 */
export function watchInterrupt(): Interrupt {
  let exitCode = 0, lastLine: string | undefined;
  const stop = new AbortController();
  const presses = countPresses((count, code) => {
    if (count === 1 && exitCode !== 0) return;
    if (lastLine !== undefined) printError("", lastLine);
    if (lastLine !== undefined || count > 1) Deno.exit(code);
    exitCode = code;
    printError("", "Stopping; interrupt again to stop at once");
    stop.abort();
  });
  const dispose = () => presses[Symbol.dispose]();
  return {
    get requested() {
      presses.look();
      return exitCode !== 0;
    },
    get exitCode() {
      return exitCode;
    },
    signal: stop.signal,
    exitWith(line: string) {
      lastLine = line;
    },
    dispose,
    [Symbol.dispose]: dispose,
  };
}

/**
 * Ends the process with 130 on Ctrl-C and with 143 on SIGTERM, after a cleanup such as the removal of an unfinished file.
 * Signals are delivered only when the event loop turns. Needs no permission.
 */
export function exitOnInterrupt(cleanUp: () => void): Disposable {
  return listenForSignals((code) => {
    cleanUp();
    Deno.exit(code);
  });
}
