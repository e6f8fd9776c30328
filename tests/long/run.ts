// The tests that take hours: what `deno task test` does in small, and whole MNIST. By hand before a release; the table that
// it prints is for docs/proofs.md. Exit code 1 if any fails.
// Run: deno task test:long                    (--share 0.01 does a hundredth of each, to see that it works)
import { fileURLToPath } from "node:url";
import { InputError } from "../../src/errors.ts";
import { runCommand } from "../../src/cli/command.ts";
import { integer, number, optionalText, parseFlags } from "../../src/recipe/flags.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** MNIST's files, beside the project. */
const MNIST = new URL("../../../shared/data/mnist", import.meta.url);

/** A test of the tier. */
interface LongTest {
  readonly what: string;
  /** Arguments of `deno run`. */
  readonly args: readonly string[];
  /** Why it cannot be run here, if it cannot. */
  readonly missing?: string | undefined;
}

/** The tests, each with its share of what it does. */
function longTests(share: number, seed: number): LongTest[] {
  const of = (count: number) => `${Math.max(1, Math.ceil(share * count))}`;
  const files = ["--allow-read", "--allow-write"];
  const data = fileURLToPath(MNIST), isWhole = share === 1;
  return [
    {
      what: `${of(100)} runs of all recipes killed at any moment, and resumed`,
      args: [...files, "--allow-run=deno", "tests/long/kills.ts", "--count", of(100), "--seed", `${seed}`],
    },
    {
      what: `13 ways of training, ${of(20)} runs each, cut five times, and resumed`,
      args: [
        ...files,
        "--allow-run=deno",
        "tests/helpers/resume_runs.ts",
        "--rounds",
        of(20),
        "--seed",
        `${seed}`,
      ],
    },
    {
      what: "every planted fault of a shader or a training loop",
      args: [...files, "--allow-run=deno", "tests/long/faults.ts", "--share", `${share}`],
    },
    {
      what: `${of(20_000)} damaged inputs for each reader`,
      args: ["--allow-all", "tests/long/fuzz.ts", "--count", of(20_000), "--seed", `${seed}`],
    },
    {
      what: `memory over ${of(20_000)} steps and ${of(200)} evaluations`,
      args: ["--v8-flags=--expose-gc", "tests/long/memory.ts", of(20_000)],
    },
    {
      what: `gradcheck of ${isWhole ? "every recipe" : "basic"} with all of its checks, MNIST's widths`,
      args: [
        "--allow-read",
        "scripts/tools/gradcheck.ts",
        ...isWhole ? ["all"] : ["basic", "--steps", of(100)],
      ],
    },
    { what: "the largest register tiles at every size near them", args: ["tests/long/tiles.ts"] },
    {
      what: "Chromium's WebGPU beside Deno's, with every kind of kernel",
      args: [
        ...["--allow-all", "--frozen", "--lock", "tests/deno.lock"],
        ...["tests/long/chromium.ts", "--share", `${share}`],
      ],
    },
    {
      what: `${
        isWhole ? "whole" : `${share} of`
      } MNIST: deep ends where PyTorch does, a linear autoencoder at PCA`,
      args: [...files, "--allow-run=deno", "tests/long/mnist.ts", data, `${share}`],
      missing: isThere(data) ? undefined : "no ../shared/data/mnist",
    },
  ];
}

function isThere(folder: string): boolean {
  try {
    return Deno.statSync(folder).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Runs a test, shows what it says, and returns a line of the table. */
async function run(
  { what, args, missing }: LongTest,
): Promise<{ readonly line: string; readonly ok: boolean }> {
  if (missing !== undefined) {
    console.log(`\n${what}: not run, ${missing}`);
    return { line: `| ${what} | not run: ${missing} | |`, ok: true };
  }
  console.log(`\n${what}\ndeno run ${args.join(" ")}`);
  const began = Date.now();
  const child = new Deno.Command("deno", {
    args: ["run", "--no-prompt", "--no-check", ...args],
    cwd: ROOT,
    stdout: "piped",
  }).spawn();
  let last = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    await Deno.stdout.write(new TextEncoder().encode(text));
    last = (last + text).slice(-1000);
  }
  const { success } = await child.status;
  const minutes = ((Date.now() - began) / 60_000).toFixed(1);
  const said = last.trim().split("\n").at(-1)!.trim().replaceAll("|", "/");
  return { line: `| ${what} | ${success ? "" : "FAILED: "}${said} | ${minutes} min |`, ok: success };
}

const FLAGS = {
  share: number(1, "share of each test's steps, runs or inputs", { above: 0, max: 1 }),
  seed: integer(1, "seed of kills, cuts and damage", { min: 0 }),
  only: optionalText("only tests with this in their names", "all of them"),
};

async function main(): Promise<number> {
  const { share, seed, only = "" } = parseFlags(
    { name: "test:long", description: "Runs the tests that take hours." },
    FLAGS,
    Deno.args,
  );
  const results: Awaited<ReturnType<typeof run>>[] = [];
  const tests = longTests(share, seed).filter(({ what }) => what.includes(only));
  if (tests.length === 0) throw new InputError(`Cannot run "${only}": expected a part of a test's name`);
  for (const test of tests) results.push(await run(test));
  const today = new Date().toISOString().slice(0, 10);
  console.log(`\n${today}, seed ${seed}${share < 1 ? `, a share of ${share}` : ""}:\n`);
  console.log(`| test | last line | time |\n| --- | --- | --- |`);
  for (const { line } of results) console.log(line);
  const failed = results.filter(({ ok }) => !ok).length;
  console.log(`\n${results.length - failed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

if (import.meta.main) await runCommand(main);
