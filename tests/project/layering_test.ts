import assert from "node:assert/strict";

// Who may import whom within src/. A folder may always import from itself, except where it says "alone": then its
// files do not even know each other. Shaders are text and may be imported by the folders that dispatch them.
interface Rule {
  readonly folders: readonly string[];
  readonly alone?: boolean;
  readonly shaders?: string; // the folder of shaders
  readonly isPortable?: boolean; // nothing of Deno or Node
}

// From the bottom up: a folder may import those above its own line here that it names, and no other.
const RULES: Readonly<Record<string, Rule>> = {
  errors: { folders: [], isPortable: true },
  random: { folders: [], isPortable: true },
  event_loop: { folders: [], isPortable: true },
  reference: { folders: [], alone: true, isPortable: true },
  gpu: { folders: ["event_loop", "errors"], shaders: "shaders/common/", isPortable: true },
  graph: { folders: ["gpu", "random"], shaders: "shaders/", isPortable: true },
  step: { folders: ["graph", "gpu", "errors"], shaders: "shaders/", isPortable: true },
  elementwise: { folders: ["graph", "gpu", "errors"], shaders: "shaders/", isPortable: true },
  layers: {
    folders: ["elementwise", "graph", "gpu", "errors", "random"],
    alone: true,
    shaders: "shaders/",
    isPortable: true,
  },
  losses: { folders: ["graph"], alone: true, shaders: "shaders/", isPortable: true },
  optim: { folders: ["step", "graph", "errors"], alone: true, shaders: "shaders/", isPortable: true },
  core: {
    folders: ["optim", "losses", "layers", "elementwise", "step", "graph", "gpu", "random", "errors"],
    isPortable: true,
  },
  terminal: { folders: ["errors"], isPortable: true },
  dependencies: { folders: [], alone: true },
  files: { folders: ["errors"] },
  data: { folders: ["dependencies", "files", "errors", "random"] },
  stats: { folders: ["dependencies", "event_loop", "random", "errors"] },
  report: { folders: ["dependencies", "stats", "errors"] },
  live: { folders: ["report", "terminal", "errors"] },
  export: { folders: ["graph", "errors"] },
  check: {
    folders: [
      "report",
      "files",
      "optim",
      "losses",
      "layers",
      "elementwise",
      "step",
      "graph",
      "gpu",
      "reference",
      "random",
      "errors",
    ],
  },
  bench: {
    folders: [
      "terminal",
      "stats",
      "data",
      "files",
      "optim",
      "losses",
      "layers",
      "step",
      "graph",
      "gpu",
      "random",
      "errors",
    ],
  },
  evaluate: {
    folders: ["report", "stats", "data", "losses", "layers", "elementwise", "step", "graph", "gpu", "errors"],
  },
  runs: { folders: ["terminal", "dependencies", "report", "data", "files", "step", "graph", "errors"] },
  recipe: {
    folders: [
      "terminal",
      "files",
      "dependencies",
      "evaluate",
      "check",
      "report",
      "stats",
      "data",
      "optim",
      "layers",
      "elementwise",
      "step",
      "graph",
      "gpu",
      "errors",
    ],
  },
  cli: { folders: ["terminal", "recipe", "runs", "bench", "data", "files", "step", "gpu", "errors"] },
  model: { folders: ["cli", "recipe", "runs", "evaluate", "export", "data", "graph", "gpu", "errors"] },
  train: {
    folders: [
      "terminal",
      "cli",
      "recipe",
      "live",
      "runs",
      "bench",
      "evaluate",
      "report",
      "data",
      "files",
      "optim",
      "layers",
      "step",
      "graph",
      "gpu",
      "errors",
    ],
  },
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

/** Code without comments. Good enough for code that is formatted. */
function stripComments(code: string): string {
  return code.replace(/\/\*[^]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "");
}

/** What is wrong with a file's imports, one line each. */
function violations(path: string, code: string): string[] {
  const folder = path.split("/")[1].replace(/\.ts$/, "");
  const rule = RULES[folder];
  if (!rule) return [`${path}: folder "${folder}" has no rule here`];
  return importsOf(path, code).filter((target) => {
    if (target === "deno.json") return false;
    if (target.startsWith("shaders/")) return !(rule.shaders && target.startsWith(rule.shaders));
    if (target.startsWith("node:")) return rule.isPortable === true;
    if (!target.startsWith("src/")) { // pages' code takes types alone from packages, which are stripped
      return !target.startsWith("npm:") || !(folder === "dependencies" || path.includes("/client/"));
    }
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

Deno.test("nothing that ./core brings uses Deno or Node", () => {
  const found = sources("src/", ".ts").filter((path) =>
    RULES[path.split("/")[1].replace(/\.ts$/, "")].isPortable
  )
    .filter((path) => /\b(Deno|process)\./.test(stripComments(Deno.readTextFileSync(new URL(path, root)))));
  assert.deepEqual(found, []);
});

Deno.test("no two folders of src/ may import each other, and no folder what stands below it in the rules", () => {
  const floors = Object.keys(RULES);
  for (const [floor, name] of floors.entries()) {
    const above = RULES[name].folders.filter((other) => floors.indexOf(other) >= floor);
    assert.deepEqual(above, [], `${name} may import ${above}`);
  }
});

Deno.test("every import that a rule allows is there", () => {
  const found = new Map<string, Set<string>>();
  for (const path of sources("src/", ".ts")) {
    for (const target of importsOf(path, Deno.readTextFileSync(new URL(path, root)))) {
      const [folder, other] = [path, target].map((name) => name.split("/")[1]?.replace(/\.ts$/, ""));
      if (target.startsWith("src/") && other !== folder) {
        found.set(folder, (found.get(folder) ?? new Set()).add(other));
      }
    }
  }
  const unused = Object.entries(RULES).flatMap(([folder, { folders }]) =>
    folders.filter((name) => !found.get(folder)?.has(name)).map((name) => `${folder}: ${name}`)
  );
  assert.deepEqual(unused, []);
});

Deno.test("no file imports itself, by whatever way round", () => {
  const imports = new Map(everywhere.map((path) => [
    path,
    importsOf(path, Deno.readTextFileSync(new URL(path, root))).filter((target) => target.endsWith(".ts")),
  ]));
  const done = new Set<string>(), circles: string[] = [];
  const visit = (path: string, way: readonly string[]): void => {
    if (way.includes(path)) circles.push([...way.slice(way.indexOf(path)), path].join(" → "));
    if (way.includes(path) || done.has(path)) return;
    for (const target of imports.get(path) ?? []) visit(target, [...way, path]);
    done.add(path);
  };
  for (const path of imports.keys()) visit(path, []);
  assert.deepEqual(circles, []);
});

Deno.test.each([
  ["src/gpu/device.ts", 'import { Graph } from "../graph/graph.ts";'],
  ["src/step/compile.ts", 'import { dense } from "../layers/dense.ts";'],
  ["src/layers/dense.ts", 'import { adam } from "../optim/adam.ts";'],
  ["src/layers/dense.ts", 'import { DeviceImages } from "./gather_batch.ts";'],
  ["src/losses/squared_error.ts", 'import {\n  runReference,\n} from "../check/reference_graph.ts";'],
  ["src/reference/dense.ts", 'import type { Activation } from "../graph/tensor.ts";'],
  ["src/reference/dense.ts", 'export { adamUpdate } from "./adam.ts";'],
  ["src/report/picture.ts", 'import type { Graph } from "../graph/graph.ts";'],
  ["src/step/step.ts", 'import { gunzip } from "npm:some-package@1.0.0";'],
  ["src/report/picture.ts", 'import { encode } from "fast-png";'],
  ["src/gpu/device.ts", 'import code from "../../shaders/optim/adam.wgsl" with { type: "text" };'],
  ["src/step/step.ts", 'const { dense } = await import("../layers/dense.ts");'],
  ["src/train/stages.ts", 'import { main } from "../../scripts/deep.ts";'],
  ["src/step/plan.ts", 'import { join } from "node:path";'],
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
