/**
 * The command that repeats a run, as it is typed in a shell.
 * @module
 */
import denoConfig from "../../deno.json" with { type: "json" };
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { shellWord } from "../errors.ts";

/**
 * The command that this process was started with, without `--out`, whose folder exists by now: the task of the script,
 * or, of a script that has none, `deno run` with the permissions that training needs.
 *
 * @param script the main module's URL
 * @param args its arguments
 */
export function commandLine(script: string = Deno.mainModule, args: readonly string[] = Deno.args): string {
  const path = script.startsWith("file:") ? relative(Deno.cwd(), fileURLToPath(script)) : script;
  const task = Object.entries(denoConfig.tasks).find(([, { command }]) => command.endsWith(` ${path}`))?.[0];
  const start = task ? ["deno", "task", task] : ["deno", "run", "--allow-read", "--allow-write=runs", path];
  const kept = args.filter((arg, k) => !/^--out(=|$)/.test(arg) && args[k - 1] !== "--out");
  return [...start, ...kept].map(shellWord).join(" ");
}
