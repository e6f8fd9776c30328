import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import { join } from "node:path";
import config from "../../deno.json" with { type: "json" };
import { assertRefused, complaints, copyProject, type Outcome, ROOT } from "../helpers/commands.ts";
import {
  OPTIONAL,
  RECIPES,
  REFUSALS,
  short,
  type Task,
  WITHOUT_DATA,
  WORKING,
  WORKING_ELSEWHERE,
} from "../helpers/permission_cases.ts";

// Each documented command works with exactly the permissions of its task, and refuses with one line when one of them
// is missing. All run in a copy of the project, which has no cached downloads and no runs but those made here.
let copy = "";

/** Runs a task in the copy, with all its permissions but one. */
async function run(task: Task, args: readonly string[], without?: string): Promise<Outcome> {
  const words = config.tasks[task].command.split(" ").slice(1);
  const kept = words.filter((word) => word.split("=")[0] !== `--allow-${without}`);
  assert.equal(
    words.length - kept.length,
    without === undefined ? 0 : 1,
    `${task} has no --allow-${without}`,
  );
  const { code, stdout, stderr } = await new Deno.Command("deno", { args: [...kept, ...args], cwd: copy })
    .output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

Deno.test.beforeAll(async () => {
  copy = await Deno.makeTempDir({ prefix: "bottleneck-permissions-" });
  copyProject(copy);
  cpSync(join(ROOT, "fixtures/traces/basic.json"), join(copy, "trace.json"));
  for (const name of ["basic-all.json", "images.csv"]) {
    cpSync(join(ROOT, "fixtures/training", name), join(copy, name));
  }
  const images = new Uint8Array(16 + 40 * 49).map((_, k) => k % 251);
  images.set([0, 0, 8, 3, 0, 0, 0, 40, 0, 0, 0, 7, 0, 0, 0, 7]);
  await Deno.writeFile(join(copy, "images.idx"), images);
  const trained = await run("vae", [...short("vae"), "--out", "runs/vae"]);
  assert.equal(trained.code, 0, trained.stderr);
  // the same run, as if it had been trained on images that are not here
  cpSync(join(copy, "runs/vae"), join(copy, "runs/mnist"), { recursive: true });
  const path = join(copy, "runs/mnist/config.json");
  const stored = JSON.parse(await Deno.readTextFile(path));
  delete stored.config.data;
  stored.config.dataset = "mnist";
  await Deno.writeTextFile(path, JSON.stringify(stored));
});

Deno.test.afterAll(() => Deno.remove(copy, { recursive: true }));

for (const [task, permission, args, line] of REFUSALS) {
  Deno.test(`${task} without --allow-${permission} refuses with one line`, async () => {
    const outcome = await run(task, args, permission);
    const stderr = outcome.stderr.replace(/^mnist: downloading .*\n/m, ""); // progress, before the refusal
    assertRefused({ ...outcome, stderr }, 1, line);
  });
}

Deno.test.each(WITHOUT_DATA)(
  "%s without its images names the line that downloads them",
  async (task, args) => {
    const line =
      /^error: Cannot load "mnist": .*did not find them; run `deno task data mnist`, .* \(--data-dir\)$/;
    assertRefused(await run(task, args), 1, line);
  },
);

Deno.test.each([["replay", "trace.json"], ["replay:training", "basic-all.json"]] as const)(
  "%s without --allow-read refuses with one line for each file",
  async (task, file) => {
    const outcome = await run(task, [file], "read");
    assert.deepEqual([outcome.code, complaints(outcome)], [1, []]);
    const line = new RegExp(`^FAIL +Cannot read "${file}": .*add --allow-read=${file} to.*\\n$`, "m");
    assert.match(outcome.stdout, line);
  },
);

for (const [task, args] of WORKING) {
  Deno.test(`${task} works with exactly its permissions`, async () => {
    const outcome = await run(task, args);
    assert.equal(outcome.code, 0, outcome.stdout + outcome.stderr);
    assert.deepEqual(complaints(outcome), []);
  });
}

Deno.test("a recipe needs no more than the line at the head of its script; its task adds the dashboard's", async () => {
  for (const task of RECIPES) {
    const command = config.tasks[task].command;
    const [script] = command.match(/scripts\/\w+\.ts$/)!;
    const line = `deno run --allow-read --allow-write=runs ${script}`;
    assert.ok(Deno.readTextFileSync(join(ROOT, script)).includes(`(or ${line}; flags: --help)`), script);
    assert.equal(
      command,
      line.replace(" --allow-read", " --no-prompt --allow-read").replace(
        "runs scripts",
        "runs --allow-net=127.0.0.1 scripts",
      ),
    );
  }
  const outcome = await run("train", short("train"), "net");
  assert.equal(outcome.code, 0, outcome.stdout + outcome.stderr);
});

for (const [task, permission] of OPTIONAL) {
  Deno.test(`${task} works without --allow-${permission}`, async () => {
    const [, args] = WORKING.find(([name]) => name === task)!;
    const outcome = await run(task, args, permission);
    assert.equal(outcome.code, 0, outcome.stdout + outcome.stderr);
    assert.deepEqual(complaints(outcome), []);
  });
}

Deno.test("every permission of every task that runs a script is among these tests", () => {
  const tasks = Object.entries(config.tasks);
  const scripts = tasks.filter(([, { command }], k) =>
    // `deep` has the command of `train`; what tests run is no user's command
    command.startsWith("deno run ") && !command.includes(" tests/") &&
    tasks.findIndex(([, other]) => other.command === command) === k
  );
  const refused = new Set(REFUSALS.map(([task, permission]) => `${task} ${permission}`));
  for (const [task, permission] of OPTIONAL) refused.add(`${task} ${permission}`);
  for (const task of ["replay", "replay:training"]) refused.add(`${task} read`);
  const granted = scripts.flatMap(([task, { command }]) =>
    [...command.matchAll(/--allow-(\w+)/g)].map(([, permission]) => `${task} ${permission}`)
  );
  assert.deepEqual(granted.toSorted(), [...refused].toSorted());
  const working = [...WORKING.map(([task]) => task), ...WORKING_ELSEWHERE];
  assert.deepEqual(scripts.map(([task]) => task).toSorted(), working.toSorted());
});

Deno.test("no task has every permission, or reads the environment, but those of browsers", () => {
  const wide = Object.entries(config.tasks).filter(([, { command }]) =>
    /(^|\s)(-A|--allow-all|--allow-env|--allow-ffi|--allow-sys)\b/.test(command)
  );
  assert.deepEqual(wide.map(([task]) => task), ["test:browser", "test:slow"]);
});
