/** Runs the project's own commands as a user would, with the permissions that their tasks grant. */
import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import config from "../../deno.json" with { type: "json" };

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Flags for images of 7×7, whose principal components are found a hundred times as fast as those of 28×28. */
export const TINY = [
  "--data",
  join(ROOT, "fixtures/training/images.csv"),
  "--label",
  "class",
  "--image",
  "7x7",
];

/** What a command printed, and how it ended. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The arguments of `deno` for a task, with a folder to write to besides those of the task. */
export function taskArguments(
  task: keyof typeof config.tasks,
  args: readonly string[],
  writable?: string,
): string[] {
  const words = config.tasks[task].command.split(" ").slice(1);
  const more = words.map((word) =>
    writable !== undefined && word.startsWith("--allow-write=") ? `${word},${writable}` : word
  );
  return [...more, ...args];
}

/** Runs a program in the project's folder to its end. */
export async function outcomeOf(program: string, args: readonly string[]): Promise<Outcome> {
  const command = new Deno.Command(program, { args: [...args], cwd: ROOT });
  const { code, stdout, stderr } = await command.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

/** Runs a task to its end. */
export async function runTask(
  task: keyof typeof config.tasks,
  args: readonly string[],
  writable?: string,
): Promise<Outcome> {
  return await outcomeOf("deno", taskArguments(task, args, writable));
}

/** The arguments of `deno` for a recipe's script that is no task, with the permissions that training needs. */
export function scriptArguments(script: string, args: readonly string[], writable: string): string[] {
  return ["run", "--no-prompt", "--allow-read", `--allow-write=${writable}`, script, ...args];
}

/** Runs a recipe's script that is no task, with the permissions that training needs. */
export async function runScript(script: string, args: readonly string[], writable: string): Promise<Outcome> {
  return await outcomeOf("deno", scriptArguments(script, args, writable));
}

/** The text of a shipped recipe as a script that may lie anywhere in the project. */
export function recipeText(name: string): string {
  return Deno.readTextFileSync(join(ROOT, "scripts", `${name}.ts`)).replaceAll(
    '"../mod.ts"',
    `"${new URL("../../mod.ts", import.meta.url)}"`,
  );
}

/** The lines of stderr that are the project's: Mesa may complain about its runtime folder. */
export function complaints(outcome: Outcome): string[] {
  return outcome.stderr.split("\n").filter((line) => line !== "" && !line.includes("XDG_RUNTIME_DIR"));
}

/** Asserts one clear line on stderr and the exit code. */
export function assertRefused(outcome: Outcome, code: number, line: RegExp): void {
  assert.match(complaints(outcome).join("\n"), line);
  assert.equal(complaints(outcome).length, 1, outcome.stderr);
  assert.equal(outcome.code, code);
}

/** Runs `body` with a new folder, and removes it. */
export async function withFolder(body: (folder: string) => void | Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "bottleneck-" });
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** As {@link withFolder}, with a folder in the project, where scripts find its deno.json. */
export async function withProjectFolder(body: (folder: string) => void | Promise<void>): Promise<void> {
  const parent = join(ROOT, ".cache");
  await Deno.mkdir(parent, { recursive: true });
  const folder = await Deno.makeTempDir({ dir: parent, prefix: "test-" });
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A copy of what scripts need. */
export function copyProject(folder: string): void {
  for (
    const name of [
      "deno.json",
      "deno.lock",
      "mod.ts",
      "src",
      "scripts",
      "shaders",
      "fixtures/fashion-mnist-mini",
    ]
  ) {
    cpSync(join(ROOT, name), join(folder, name), { recursive: true });
  }
}

/** The bytes of a run's file. */
export function fileOf(folder: string, name: string): Promise<Uint8Array> {
  return Deno.readFile(join(folder, name));
}

/** The lines of the results table in what a training run or `evaluate` printed. */
export function resultsTableOf(stdout: string): string[] {
  const lines = stdout.trimEnd().split("\n").filter((line) => !/^(run saved in|verdict) /.test(line));
  const first = lines.findIndex((line) => line.startsWith("this model"));
  assert.ok(first >= 0 && lines.length >= first + 3, stdout);
  return lines.slice(first);
}
