import assert from "node:assert/strict";

// Who may import whom within src/. A folder may always import from itself, except where it says "alone": then its
// files do not even know each other. Shaders are text and may be imported by the folders that dispatch them.
interface Rule {
  readonly folders: readonly string[];
  readonly alone?: boolean;
  readonly shaders?: string; // the folder of shaders
  readonly packages?: boolean;
}

const ANYTHING = [
  "errors",
  "random",
  "gpu",
  "graph",
  "elementwise",
  "layers",
  "losses",
  "optim",
  "reference",
  "data",
  "report",
  "live",
  "files",
  "stats",
  "evaluate",
  "runs",
  "recipe",
  "cli",
  "train",
  "bench",
  "check",
];
const RULES: Readonly<Record<string, Rule>> = {
  errors: { folders: [] },
  random: { folders: [] },
  gpu: { folders: ["errors"], shaders: "shaders/common/" },
  graph: { folders: ["gpu", "errors", "random"], shaders: "shaders/" },
  elementwise: { folders: ["graph", "gpu", "errors"], shaders: "shaders/" },
  layers: { folders: ["elementwise", "graph", "gpu", "errors", "random"], alone: true, shaders: "shaders/" },
  losses: { folders: ["graph", "gpu", "errors"], alone: true, shaders: "shaders/" },
  optim: { folders: ["graph", "gpu", "errors"], alone: true, shaders: "shaders/" },
  reference: { folders: [], alone: true },
  data: { folders: ["errors", "random"], packages: true },
  files: { folders: ["errors", "runs"] },
  stats: { folders: ["errors"], packages: true },
  report: { folders: ["errors", "stats"], packages: true },
  live: { folders: ["errors", "report"] },
  evaluate: { folders: ANYTHING },
  runs: { folders: ANYTHING, packages: true },
  recipe: { folders: ANYTHING, packages: true },
  cli: { folders: ANYTHING },
  train: { folders: ANYTHING },
  bench: { folders: ANYTHING },
  check: { folders: ANYTHING },
};

const root = new URL("../../", import.meta.url);

function sources(folder: string, ending: string): string[] {
  const found: string[] = [];
  for (const { name, isDirectory } of Deno.readDirSync(new URL(folder, root))) {
    if (isDirectory) found.push(...sources(`${folder}${name}/`, ending));
    else if (name.endsWith(ending)) found.push(folder + name);
  }
  return found.sort();
}

/** What a file imports: paths from the root for its own files, specifiers for packages. */
function importsOf(path: string, code: string): string[] {
  const specifiers = [
    ...code.matchAll(/^\s*(?:import|export)\b[^;]*?\bfrom\s+"([^"]+)"/gm),
    ...code.matchAll(/^\s*import\s+"([^"]+)"/gm),
    ...code.matchAll(/\bimport\(\s*"([^"]+)"/g),
  ].map(([, specifier]) => specifier);
  return specifiers.map((specifier) =>
    specifier.startsWith(".")
      ? new URL(specifier, new URL(path, root)).href.slice(root.href.length)
      : specifier
  );
}

/** What is wrong with a file's imports, one line each. */
function violations(path: string, code: string): string[] {
  const folder = path.split("/")[1].replace(/\.ts$/, "");
  const rule = RULES[folder];
  if (!rule) return [`${path}: folder "${folder}" has no rule here`];
  return importsOf(path, code).filter((target) => {
    if (target === "deno.json") return false;
    if (target.startsWith("shaders/")) return !(rule.shaders && target.startsWith(rule.shaders));
    if (!target.startsWith("src/")) return !rule.packages && !target.startsWith("node:");
    const other = target.split("/")[1].replace(/\.ts$/, "");
    return other === folder ? rule.alone === true : !rule.folders.includes(other);
  }).map((target) => `${path} imports ${target}`);
}

Deno.test("src/ keeps to its layers", () => {
  const files = sources("src/", ".ts");
  assert.ok(files.length > 30, `found only ${files.length} files`);
  const found = files.flatMap((path) => violations(path, Deno.readTextFileSync(new URL(path, root))));
  assert.deepEqual(found, []);
});

Deno.test.each([
  ["src/gpu/device.ts", 'import { Graph } from "../graph/graph.ts";'],
  ["src/graph/compile.ts", 'import { dense } from "../layers/dense.ts";'],
  ["src/layers/dense.ts", 'import { adam } from "../optim/adam.ts";'],
  ["src/layers/dense.ts", 'import { DeviceImages } from "./gather_batch.ts";'],
  ["src/losses/squared_error.ts", 'import {\n  runReference,\n} from "../check/reference_graph.ts";'],
  ["src/reference/dense.ts", 'import type { Activation } from "../graph/tensor.ts";'],
  ["src/reference/dense.ts", 'export { adamUpdate } from "./adam.ts";'],
  ["src/report/picture.ts", 'import type { Graph } from "../graph/graph.ts";'],
  ["src/graph/step.ts", 'import { gunzip } from "some-package";'],
  ["src/gpu/device.ts", 'import code from "../../shaders/optim/adam.wgsl" with { type: "text" };'],
  ["src/graph/step.ts", 'const { dense } = await import("../layers/dense.ts");'],
  ["src/new/thing.ts", ""],
])("the layering test sees a forbidden import in %s", (path, code) => {
  assert.equal(violations(path, code).length, 1);
});

const everywhere = ["src/", "scripts/", "tests/"].flatMap((folder) => sources(folder, ".ts"));

function offenders(pattern: RegExp): string[] {
  return everywhere.flatMap((path) => {
    const lines = Deno.readTextFileSync(new URL(path, root)).split("\n");
    return lines.flatMap((line, k) => pattern.test(line) ? [`${path}:${k + 1}: ${line.trim()}`] : []);
  });
}

// patterns are put together from pieces, so that this file is no offender itself
Deno.test.each([
  ["no imports from the network", String.raw`(from|import)\s*\(?\s*"(jsr|https?):`],
  ["one generator: no Math" + ".random", String.raw`\bMath\.` + "random\\b"],
  ["no a" + "ny", String.raw`(:|\bas|<|\|)\s*` + "any" + String.raw`\b\s*($|[;,)=>\[\]|{}&])`],
])("%s", (_rule, pattern) => {
  assert.deepEqual(offenders(new RegExp(pattern)), []);
});
