// A run folder from somebody else: each of its files may be a link that leads out of it, or a pipe that never ends.
import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { vae } from "../../scripts/vae.ts";
import { recipe } from "../../mod.ts";
import { InputError } from "../../src/errors.ts";
import { writeFileAtomic } from "../../src/files/write_file.ts";
import { readLastCheckpoint } from "../../src/runs/checkpoint_file.ts";
import { readTrainedRun } from "../../src/runs/load_run.ts";
import { isBeingTrained, MetricsLog } from "../../src/runs/metrics_log.ts";
import { readRunData } from "../../src/runs/read_run_data.ts";
import { RowsFile } from "../../src/runs/rows_file.ts";
import { readTestErrors } from "../../src/runs/scores_file.ts";
import { readStartingWeights } from "../../src/runs/starting_weights.ts";
import { parseRecipe } from "../../src/train/resume.ts";
import { TINY, withFolder } from "../helpers/commands.ts";
import { trainHere } from "../helpers/train_here.ts";

/** Has every kind of file: samples as it has a prior, and the mean image as its network asks for it. */
const network = recipe({
  ...vae,
  network(settings, context) {
    assert.ok(context.data.meanImage.length > 0);
    return vae.network(settings, context);
  },
});

const train = (...args: string[]) => trainHere(network, args);

const home = await Deno.makeTempDir({ prefix: "bottleneck-" });
const finished = join(home, "finished");
const FLAGS = [...TINY, "--limit", "128", "--sizes", "49,8,2", "--epochs", "2", "--patience", "9"];

Deno.test.beforeAll(async () => await train(...FLAGS, "--out", finished));
Deno.test.afterAll(() => Deno.remove(home, { recursive: true }));

const namesIn = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();

/** What a temporary file could be called if its name could be foretold: something may lie in wait there. */
const foretold = (name: string) => `.${name}.${Deno.pid}.partial`;

/** Replaces a file by something hostile. Links lead into the folder `outside`. */
type Attack = (path: string, outside: string) => void | Promise<void>;

const ATTACKS: Readonly<Record<string, Attack>> = {
  "a link to a file": (path, outside) => Deno.symlinkSync(join(outside, "file"), path),
  "a link to nothing": (path, outside) => Deno.symlinkSync(join(outside, "new"), path),
  "a link to a folder": (path, outside) => Deno.symlinkSync(join(outside, "folder"), path),
  "a pipe": async (path) => {
    const { success } = await new Deno.Command("sh", { args: ["-c", 'mkfifo "$1"', "sh", path] }).output();
    assert.ok(success);
  },
};

/** Copies the finished run, replaces some of its files, and asserts that `use` leaves what is outside as it was. */
async function attacked(
  attack: string,
  names: readonly string[],
  use: (folder: string) => void | Promise<void>,
): Promise<void> {
  await withFolder(async (parent) => {
    const folder = join(parent, "run"), outside = join(parent, "outside");
    cpSync(finished, folder, { recursive: true });
    Deno.mkdirSync(join(outside, "folder"), { recursive: true });
    Deno.writeTextFileSync(join(outside, "file"), "somebody's file");
    Deno.writeTextFileSync(join(outside, "folder", "file"), "another\n");
    for (const name of names) {
      if (namesIn(folder).includes(name)) Deno.removeSync(join(folder, name));
      await ATTACKS[attack](join(folder, name), outside);
    }
    await use(folder);
    assert.deepEqual([namesIn(outside), namesIn(join(outside, "folder"))], [["file", "folder"], ["file"]]);
    assert.equal(Deno.readTextFileSync(join(outside, "file")), "somebody's file");
    assert.equal(Deno.readTextFileSync(join(outside, "folder", "file")), "another\n");
  });
}

/** Runs an action that may refuse the folder, which is then one line that names a path; returns whether it did. */
async function isRefused(action: () => unknown): Promise<boolean> {
  try {
    await action();
    return false;
  } catch (error) {
    assert.ok(error instanceof InputError, String(error));
    assert.match(error.message, /^Cannot \w+.* ".+"/);
    assert.ok(!error.message.includes("\n"), error.message);
    return true;
  }
}

/** What the functions below read; `best` and older checkpoints are written only, as is what is for people. */
const READ = /^(config|metrics|results|(snapshot|model|scores|worst|checkpoint-2)\.safe.*|.*-\d+\.png)/;

/** Without these a run cannot be resumed. */
const NEEDED = /^(config\.json|metrics\.jsonl|checkpoint-\d+\.safetensors)$/;

for (const attack of Object.keys(ATTACKS)) {
  Deno.test({
    name: `a run resumed with ${attack} in place of each file that it does not need replaces them all`,
    ignore: Deno.build.os === "windows",
    async fn() {
      const names = namesIn(finished).filter((name) => !NEEDED.test(name));
      for (
        const kind of ["best", "codes", "mean_image", "model", "report", "samples", "scores", "snapshot"]
      ) {
        assert.ok(names.some((name) => name.startsWith(kind)), `there is a file ${kind} to attack`);
      }
      await attacked(attack, [...names, foretold("report.html")], async (folder) => {
        await train("--resume", folder, "--epochs", "3");
        const left = [...Deno.readDirSync(folder)].filter(({ isFile }) => !isFile).map(({ name }) => name);
        const earlier = names.filter((name) => /-0*[12]\.png$/.test(name));
        assert.deepEqual(left.sort(), earlier, "all are files again, but pictures of earlier epochs");
      });
    },
  });

  Deno.test({
    name: `what reads a run meets ${attack} in place of each file, and neither hangs nor follows it to write`,
    ignore: Deno.build.os === "windows",
    async fn() {
      for (const name of namesIn(finished)) {
        await attacked(attack, [name], async (folder) => {
          const lines: string[] = [];
          const refusals = [
            await isRefused(() => readRunData(folder, (line) => lines.push(line))),
            await isRefused(() => readTrainedRun(folder)),
            await isRefused(() => readStartingWeights(folder)),
            await isRefused(() => readTestErrors({ path: folder })),
            await isRefused(() => readLastCheckpoint(folder, (line) => lines.push(line))),
            await isRefused(() => parseRecipe(network, ["--resume", folder, "--epochs", "3"])),
            await isRefused(() => new MetricsLog(folder)[Symbol.dispose]()),
          ];
          // A process that another test starts at this moment has the lock too, until it becomes another program.
          for (let k = 0; k < 250 && isBeingTrained(folder); k++) await delay(20);
          assert.equal(isBeingTrained(folder), false);
          for (const line of lines) assert.match(line, /^warning: Cannot [^\n]+$/);
          const isNoticed = refusals.includes(true) || lines.length > 0;
          assert.equal(isNoticed, READ.test(name), `${name}: ${lines} ${refusals}`);
        });
      }
    },
  });

  Deno.test({
    name: `--resume with ${attack} in place of a file that it needs goes on or refuses with one line`,
    ignore: Deno.build.os === "windows",
    async fn() {
      const older = "checkpoint-1.safetensors"; // which is not looked at
      for (const name of namesIn(finished).filter((name) => NEEDED.test(name) && name !== older)) {
        await attacked(attack, [name], async (folder) => {
          if (name === "metrics.jsonl") { // all of which is cut off where there is no checkpoint
            for (const step of [1, 2]) Deno.removeSync(join(folder, `checkpoint-${step}.safetensors`));
          }
          const refused = await isRefused(() => train("--resume", folder, "--epochs", "3"));
          assert.equal(refused, !name.startsWith("checkpoint"), `${name}: there is an older checkpoint`);
        });
      }
    },
  });

  Deno.test({
    name: `the writers of the other commands replace ${attack}`,
    ignore: Deno.build.os === "windows",
    async fn() {
      const names = ["model.onnx", "encoded.csv"];
      await attacked(attack, [...names, ...names.map(foretold)], (folder) => {
        writeFileAtomic(join(folder, "model.onnx"), "a model");
        using file = new RowsFile(join(folder, "encoded.csv"), {
          name: "codes",
          columns: ["code_0"],
          count: 1,
        });
        file.add(Float32Array.of(1));
        file.finish();
        assert.equal(Deno.lstatSync(join(folder, "model.onnx")).isFile, true);
        assert.equal(Deno.readTextFileSync(join(folder, "encoded.csv")), "index,label,code_0\n0,,1\n");
      });
    },
  });
}

Deno.test({
  name: "the run folder itself may be a link: its files are written where it leads",
  ignore: Deno.build.os === "windows",
  fn: () =>
    withFolder(async (parent) => {
      const folder = join(parent, "run"), link = join(parent, "link");
      cpSync(finished, folder, { recursive: true });
      Deno.symlinkSync(folder, link);
      await train("--resume", link, "--epochs", "3");
      assert.equal(Deno.lstatSync(link).isSymlink, true);
      assert.equal(readRunData(folder).status, "finished");
      assert.equal(readLastCheckpoint(folder)!.place.step, 3);
    }),
});

Deno.test({
  name: "a metrics log with another name outside, a hard link, is not written to",
  ignore: Deno.build.os === "windows",
  fn: () =>
    withFolder((parent) => {
      const folder = join(parent, "run"),
        outside = join(parent, "outside"),
        path = join(folder, "metrics.jsonl");
      cpSync(finished, folder, { recursive: true });
      Deno.renameSync(path, outside);
      Deno.linkSync(outside, path);
      Deno.writeTextFileSync(outside, '{"step":', { append: true }); // which an opened log removes
      const text = Deno.readTextFileSync(outside);
      assert.throws(
        () => new MetricsLog(folder),
        /^InputError: Cannot open ".*": .* a hard link; replace it by a copy$/,
      );
      assert.equal(Deno.readTextFileSync(outside), text);
      Deno.removeSync(path);
      Deno.copyFileSync(outside, path); // as the message says
      using log = new MetricsLog(folder);
      log.cut(0);
      assert.equal(Deno.readTextFileSync(outside), text);
    }),
});
