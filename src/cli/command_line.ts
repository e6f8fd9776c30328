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
  const kept = args.filter((arg, k) => !/^--out(=|$)/.test(arg) && args[k - 1] !== "--out");
  return [...start, ...kept].map(shellWord).join(" ");
}
