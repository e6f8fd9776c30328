/**
 * For each documented command: what it says where one of its task's permissions is missing, and what it is run with to
 * show that they are enough. The files named here are made by tests/cli/permissions_test.ts.
 * @module
 */
import type { taskArguments } from "./commands.ts";

/** A task of deno.json. */
export type Task = Parameters<typeof taskArguments>[0];
/** The recipes' tasks, each once. */
export const RECIPES = [
  "train",
  "basic",
  "stacked",
  "denoising",
  "sparse",
  "tied",
  "vae",
  "matched",
] as const;
const SMALL = ["--data", "images.idx"];
const TINY = [...SMALL, "--test-fraction", "0.5", "--quiet"];
const READ = /^error: .*--allow-read/; // and it is the only line
const LIVE = /^error: Cannot start the dashboard.*--allow-net=127\.0\.0\.1/;
const HOST = /no permission; run with --allow-net=storage\.googleapis\.com/;

/** What a recipe is run with, so that it takes about a second. */
export function short(task: Task): string[] {
  if (task === "basic") return [...TINY, "--sizes", "49,4", "--iterations", "1"];
  const isLayerwise = ["stacked", "denoising", "sparse"].includes(task);
  return [...TINY, "--sizes", "49,4,2", ...isLayerwise ? ["--stages", "1,1"] : ["--epochs", "1"]];
}

/** Task, the permission that it lacks, its arguments, and what it says. */
export const REFUSALS: readonly (readonly [Task, string, readonly string[], RegExp])[] = [
  ...RECIPES.flatMap((task) => [
    [task, "read", ["--dry-run", "--quiet"], READ] as const,
    [task, "write", short(task), /^error: Cannot create the run folder.*add --allow-write=runs to/] as const,
    [task, "net", [...short(task), "--live"], LIVE] as const,
  ]),
  ["sample", "read", ["runs/vae"], READ],
  [
    "sample",
    "write",
    ["runs/vae"],
    /^error: Cannot write "runs\/vae\/samples.*add --allow-write=runs\/vae to/,
  ],
  ["evaluate", "read", ["runs/vae"], READ],
  ["export", "read", ["runs/vae"], READ],
  [
    "export",
    "write",
    ["runs/vae"],
    /^error: Cannot write "runs\/vae\/model.onnx".*add --allow-write=runs\/vae to/,
  ],
  ["encode", "read", ["runs/vae", "images.idx"], READ],
  [
    "encode",
    "write",
    ["runs/vae", "images.idx"],
    /^error: Cannot write "runs\/vae\/encoded.csv".*add --allow-write=runs\/vae to/,
  ],
  ["decode", "read", ["runs/vae", "runs/vae/codes.csv"], READ],
  [
    "decode",
    "write",
    ["runs/vae", "runs/vae/codes.csv"],
    /^error: Cannot write "runs\/vae\/decoded.csv".*add --allow-write=runs\/vae to/,
  ],
  ["reconstruct", "read", ["runs/vae", "images.idx"], READ],
  [
    "reconstruct",
    "write",
    ["runs/vae", "images.idx"],
    /^error: Cannot write "runs\/vae\/reconstructed.csv".*add --allow-write=runs\/vae to/,
  ],
  ["score", "read", ["runs/vae", "images.idx"], READ],
  [
    "score",
    "write",
    ["runs/vae", "images.idx"],
    /^error: Cannot write "runs\/vae\/scores.csv".*add --allow-write=runs\/vae to/,
  ],
  ["compare-recipes", "read", SMALL, READ],
  ["data", "read", ["mnist"], READ],
  ["data", "write", ["mnist"], /^error: Cannot make the folder ".*mnist": .*--allow-write=/],
  ["data", "net", ["mnist"], HOST],
  ["report", "read", ["runs/vae"], READ],
  [
    "report",
    "write",
    ["runs/vae"],
    /^error: Cannot write "runs\/vae\/report.html".*add --allow-write=runs\/vae to/,
  ],
  ["runs", "read", [], READ],
  ["tune", "read", ["basic"], READ],
  ["tune", "write", ["basic"], /^error: Cannot write ".*kernels\.json": .*--allow-write=/],
  ["bench:startup", "write", ["--quick"], /^error: Deno refused write access.*--allow-write/],
  ["bench:startup", "run", ["--quick"], /^error: Deno refused run access to "deno": add --allow-run=deno to/],
  ["replay:training", "write", ["basic-all.json"], /^error: Deno refused write access.*--allow-write/],
  [
    "replay:training",
    "run",
    ["basic-all.json"],
    /^error: Deno refused run access to "deno": add --allow-run=deno to/,
  ],
  [
    "bench:rivals",
    "run",
    ["--models", "deep"],
    /^error: Deno refused run access to "deno": add --allow-run=deno to/,
  ],
];
/** Tasks that are asked for images that are not on this machine, and arguments. */
export const WITHOUT_DATA: readonly (readonly [Task, readonly string[]])[] = [
  ...RECIPES.map((task) => [task, ["--dataset", "mnist", "--quiet"]] as const),
  ["sample", ["runs/mnist", "--interpolate", "0,1"]],
  ["evaluate", ["runs/mnist"]],
  ["compare-recipes", ["--dataset", "mnist"]],
];

/** Permissions to read what `deno task tune` found: without it, tasks do with the adapter's usual kernels. */
export const OPTIONAL: readonly (readonly [Task, string])[] = [
  ["gradcheck", "read"],
  ["bench", "read"],
  ["wgsl", "read"],
];

/** Tasks that work with what they are granted, and arguments. */
export const WORKING: readonly (readonly [Task, readonly string[]])[] = [
  // real runs of the three kinds of loop; vae's is made before all tests
  ...(["train", "basic", "stacked"] as const).map((task) => [task, short(task)] as const),
  ...(["denoising", "sparse", "tied", "vae", "matched"] as const).map((task) =>
    [task, [...short(task), "--dry-run"]] as const
  ),
  ["sample", ["runs/vae", "--count", "4"]],
  ["evaluate", ["runs/vae"]],
  ["export", ["runs/vae"]],
  ["encode", ["runs/vae", "images.idx"]],
  ["decode", ["runs/vae", "runs/vae/codes.csv"]],
  ["reconstruct", ["runs/vae", "images.idx"]],
  ["score", ["runs/vae", "images.idx"]],
  ["data", ["fashion-mnist-mini"]], // which is there: tests/data/download_dataset_test.ts downloads
  ["report", ["runs/vae"]],
  ["runs", []],
  ["replay", ["trace.json"]],
  ["replay:training", ["basic-all.json"]],
  ["gradcheck", ["basic", "--variant", "--code 2", "--steps", "0"]],
  ["bench", ["basic", "--batch-size", "1", "--rounds", "1", "--steps", "20"]],
  ["wgsl", ["basic"]],
  ["tune", ["basic", "--batch-size", "4", "--rounds", "1"]],
  ["bench:startup", ["--quick", "--rounds", "1", "--json"]],
  ["doctor", ["--quick"]],
];
/**
 * The first is run in tests/bench/compare_recipes_test.ts with its task's permissions; the other starts libraries that it
 * downloads.
 */
export const WORKING_ELSEWHERE = ["compare-recipes", "bench:rivals"];
