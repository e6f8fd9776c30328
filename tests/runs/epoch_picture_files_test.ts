import assert from "node:assert/strict";
import { join } from "node:path";
import { vae } from "../../scripts/vae.ts";
import { parseEpochPicture, saveEpochPicture, spreadEpochs } from "../../src/runs/epoch_picture_files.ts";
import { readRunData } from "../../src/runs/read_run_data.ts";
import { TINY, withFolder } from "../helpers/commands.ts";
import { trainHere } from "../helpers/train_here.ts";

Deno.test("spreadEpochs() keeps at most so many epochs, first and newest among them, and later ones keep none anew", () => {
  for (const every of [1, 3]) {
    for (const most of [1, 2, 3, 5, 8]) {
      let before: number[] = [];
      for (let newest = every; newest <= 100 * every; newest += every) {
        const kept = [...before, newest].filter(spreadEpochs(newest, every, most));
        assert.ok(kept.length <= most && kept.includes(newest), `${kept}`);
        if (most > 1) assert.ok(kept.includes(every), `${kept} without the first`);
        if (newest >= 2 * most * every) assert.ok(kept.length >= most / 2, `${kept} of ${most}`);
        const gaps = kept.slice(1, -1).map((epoch, k) => epoch - kept[k]);
        assert.ok(new Set(gaps).size <= 1, `${kept} are spread evenly`);
        const all = Array.from({ length: newest / every }, (_, k) => (k + 1) * every);
        assert.deepEqual(kept, all.filter(spreadEpochs(newest, every, most)), "whatever was kept before");
        before = kept;
      }
    }
  }
});

const namesIn = (folder: string) =>
  [...Deno.readDirSync(folder)].map(({ name }) => name).filter(parseEpochPicture).sort();

Deno.test("names of pictures sort by epoch, and those of older runs are read", () =>
  withFolder((folder) => {
    const png = new Uint8Array();
    for (const epoch of [10, 2, 1, 12345]) saveEpochPicture(folder, { kind: "samples", epoch, png });
    assert.deepEqual(namesIn(folder), [
      "samples-0001.png",
      "samples-0002.png",
      "samples-0010.png",
      "samples-12345.png",
    ]);
    assert.deepEqual(namesIn(folder).map((name) => parseEpochPicture(name)!.epoch), [1, 2, 10, 12345]);
    assert.deepEqual(parseEpochPicture("reconstructions-7.png"), { kind: "reconstructions", epoch: 7 });
    for (const name of ["reconstructions.png", "samples-1.svg", "samples-64-seed-0.png"]) {
      assert.equal(parseEpochPicture(name), undefined);
    }
  }));

Deno.test("--keep-pictures thins the pictures of epochs, also of a run whose pictures have older names", () =>
  withFolder(async (folder) => {
    const run = join(folder, "run"), kinds = ["reconstructions", "samples"];
    const flags = [...TINY, "--limit", "128", "--sizes", "49,8,2", "--out", run];
    await trainHere(vae, [...flags, "--epochs", "6", "--keep-pictures", "3"]);
    assert.deepEqual(
      namesIn(run),
      kinds.flatMap((kind) => [1, 5, 6].map((epoch) => `${kind}-000${epoch}.png`)),
    );
    for (const name of namesIn(run)) Deno.renameSync(join(run, name), join(run, name.replace("-000", "-")));
    const epochs = () =>
      readRunData(run).pictures.filter(({ kind }) => kind === "samples").map(({ epoch }) => epoch);
    assert.deepEqual(epochs(), [1, 5, 6]);
    await trainHere(vae, ["--resume", run, "--epochs", "7"]);
    assert.deepEqual(epochs(), [1, 5, 7]);
    assert.deepEqual(
      namesIn(run),
      kinds.flatMap((kind) => [`${kind}-0007.png`, `${kind}-1.png`, `${kind}-5.png`]),
    );
  }));
