// The project imported from a URL by somebody who has nothing of it: neither its files nor its deno.json.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join, normalize, relative } from "node:path";
import { fileURLToPath } from "node:url";
import config from "../../deno.json" with { type: "json" };
import { ROOT, withFolder } from "../helpers/commands.ts";

const RECIPES = ["basic", "stacked", "denoising", "sparse", "tied", "vae", "deep", "matched"];

/** What a `deno` process printed, with its downloads left out, and how it ended. */
interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `deno` in a folder of its own, with an empty cache of modules. The npm packages are those of this machine. */
type RunDeno = (args: readonly string[]) => Promise<Ended>;

/** Serves the tree on 127.0.0.1, and gives the address, a folder, and what runs Deno there. */
async function withServedTree(
  work: (url: string, folder: string, run: RunDeno, asked: ReadonlySet<string>) => Promise<void>,
): Promise<void> {
  const asked = new Set<string>();
  await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, (request) => {
    const path = normalize(decodeURIComponent(new URL(request.url).pathname));
    asked.add(path);
    try {
      return new Response(readFileSync(join(ROOT, path)), { headers: { "content-type": "text/plain" } });
    } catch {
      return new Response("not here", { status: 404 });
    }
  });
  const { npmCache } = JSON.parse(await output(["info", "--json"]));
  await withFolder(async (folder) => {
    const cache = join(folder, "cache");
    await Deno.mkdir(cache);
    await Deno.symlink(join(npmCache), join(cache, "npm"));
    await Deno.mkdir(join(folder, "here"));
    await work(`http://127.0.0.1:${server.addr.port}`, join(folder, "here"), async (args) => {
      const command = new Deno.Command("deno", {
        args: [...args],
        cwd: join(folder, "here"),
        env: { DENO_DIR: cache, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
      });
      const { code, stdout, stderr } = await command.output();
      const text = new TextDecoder();
      const said = text.decode(stderr).split("\n").filter((line) => !line.startsWith("Download "));
      return { code, stdout: text.decode(stdout), stderr: said.join("\n") };
    }, asked);
  });
}

async function output(args: readonly string[]): Promise<string> {
  const { stdout } = await new Deno.Command("deno", { args: [...args], cwd: ROOT }).output();
  return new TextDecoder().decode(stdout);
}

/** The first block of TypeScript in a doc comment. */
function exampleIn(path: string): string {
  const [, block] = /\* ```ts\n([^]*?) \* ```/.exec(readFileSync(join(ROOT, path), "utf8")) ?? [];
  assert.ok(block, `${path} has an example`);
  return block.replace(/^ \* ?/gm, "");
}

Deno.test("mod.ts and ./core run from a URL, with an empty cache and no permission but to import", () =>
  withServedTree(async (url, folder, run, asked) => {
    for (const path of ["mod.ts", "src/core.ts"]) {
      const code = exampleIn(path).replace(/"@bottleneck\/bottleneck[^"]*"/, `"${url}/${path}"`);
      assert.ok(code.includes(`"${url}/${path}"`));
      await Deno.writeTextFile(join(folder, "example.ts"), code);
      const ended = await run(["run", "--no-prompt", `--allow-import=${new URL(url).host}`, "example.ts"]);
      assert.equal(ended.code, 0, ended.stderr);
    }
    assert.ok(asked.has("/shaders/layers/dense_forward.wgsl"), "shaders come from there too");
  }));

Deno.test("./core alone asks for nothing but itself, and brings no package", () =>
  withServedTree(async (url, _folder, run, asked) => {
    const { code, stderr } = await run([
      "cache",
      `--allow-import=${new URL(url).host}`,
      `${url}/src/core.ts`,
    ]);
    assert.equal(code, 0, stderr);
    const others = [...asked].filter((path) =>
      !/^\/(shaders\/.*\.wgsl|src\/(core|errors|event_loop|random)\.ts|src\/(gpu|graph|step|elementwise|layers|losses|optim)\/\w+\.ts)$/
        .test(path)
    );
    assert.deepEqual(others, []);
  }));

Deno.test("every recipe prints its help from a URL", () =>
  withServedTree(async (url, _folder, run) => {
    for (const recipe of RECIPES) {
      const script = `${url}/scripts/${recipe}.ts`;
      const { code, stdout, stderr } = await run(
        ["run", "--no-prompt", `--allow-import=${new URL(url).host}`, script, "--help"],
      );
      assert.equal(code, 0, stderr);
      assert.match(stdout, new RegExp(`Usage: .*${recipe}`), recipe);
    }
  }));

Deno.test("scripts/deep.ts trains from a URL on the shipped images, which come from there, and leaves a report", () =>
  withServedTree(async (url, folder, run, asked) => {
    const { host } = new URL(url);
    const permissions = [
      `--allow-import=${host}`,
      `--allow-net=${host}`,
      "--allow-read",
      "--allow-write=runs",
    ];
    const args = ["--limit", "320", "--epochs", "1", "--out", "runs/first"];
    const ended = await run(["run", "--no-prompt", ...permissions, `${url}/scripts/deep.ts`, ...args]);
    assert.equal(ended.code, 0, ended.stderr);
    assert.ok(asked.has("/fixtures/fashion-mnist-mini/train-images-idx3-ubyte.gz"));
    const report = await Deno.readTextFile(join(folder, "runs/first/report.html"));
    assert.match(report, /chart\.js/i);
    assert.ok(report.length > 500_000, "the report holds its libraries");

    const refused = await run([
      "run",
      "--no-prompt",
      permissions[0],
      ...permissions.slice(2),
      `${url}/scripts/deep.ts`,
    ]);
    assert.equal(refused.code, 1);
    assert.match(
      refused.stderr,
      new RegExp(`expected permission but have none; run with --allow-net=${host}`),
    );
  }));

Deno.test("the package can be published: no warning, every entry point, less than 8 MB", async () => {
  const args = ["publish", "--dry-run", "--allow-dirty", "--no-check"]; // deno task check has checked the types
  const command = new Deno.Command("deno", { args, cwd: ROOT, env: { NO_COLOR: "1" } });
  const { code, stdout, stderr } = await command.output();
  const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  assert.equal(code, 0, text);
  assert.doesNotMatch(text, /^(warning|error)/m);
  const units: Readonly<Record<string, number>> = { B: 1, KB: 1e3, MB: 1e6 };
  const files = new Map(
    [...text.matchAll(/^ +(file:\S+) \(([\d.]+)(B|KB|MB)\)$/gm)].map(([, url, size, unit]) => [
      relative(ROOT, fileURLToPath(url)),
      Number(size) * units[unit],
    ]),
  );
  for (const path of Object.values(config.exports)) assert.ok(files.has(path.slice(2)), path);
  const bytes = [...files.values()].reduce((sum, size) => sum + size, 0);
  assert.ok(bytes > 1e6 && bytes < 8e6, `${bytes} bytes`);
});
