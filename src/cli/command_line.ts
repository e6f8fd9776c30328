/**
 * The shell command that repeats a run.
 * @module
 */
import denoConfig from "../../deno.json" with { type: "json" };
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { shellWord } from "../errors.ts";

/**
 * Returns the command that started this process: the script's task, or, if it has none, `deno run` with the permissions
 * that training needs. `--out` is dropped, as its folder exists by now.
 *
 * @param script URL of the main module
 * @param args its arguments
 */
export function commandLine(script: string = Deno.mainModule, args: readonly string[] = Deno.args): string {
  const path = script.startsWith("file:") ? relative(Deno.cwd(), fileURLToPath(script)) : script;
  const task = Object.entries(denoConfig.tasks).find(([, { command }]) => command.endsWith(` ${path}`))?.[0];
  const start = task ? ["deno", "task", task] : ["deno", "run", "--allow-read", "--allow-write=runs", path];
  return [...start, ...withoutFlag("--out", args)].map(shellWord).join(" ");
}

/** Returns arguments without a flag and its value. */
export function withoutFlag(name: string, args: readonly string[]): string[] {
  return args.filter((arg, k) => arg !== name && !arg.startsWith(`${name}=`) && args[k - 1] !== name);
}
