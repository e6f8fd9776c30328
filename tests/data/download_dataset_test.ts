import assert from "node:assert/strict";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { FILE_NAMES, FILE_ROLES } from "../../src/data/catalogue.ts";
import { loadEntry } from "../../src/data/dataset.ts";
import { downloadDataset } from "../../src/data/download_dataset.ts";
import { InputError } from "../../src/errors.ts";
import { entryFor, type Files, inFolder, labels, put, TINY } from "../helpers/tiny_dataset.ts";

const NOWHERE = "http://127.0.0.1:1/";
const ALL = FILE_ROLES.map((role) => `${FILE_NAMES[role]}.gz`);

/** Serves `files` gzipped on a free port of 127.0.0.1 and counts what is asked for. */
async function withMirror(files: Partial<Files>, body: (origin: string, asked: string[]) => Promise<void>) {
  const asked: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    const file = new URL(request.url).pathname.slice(1);
    asked.push(file);
    const role = FILE_ROLES.find((role) => `${FILE_NAMES[role]}.gz` === file);
    const bytes = role === undefined ? undefined : files[role];
    return bytes === undefined
      ? new Response("", { status: 404 })
      : new Response(new Uint8Array(gzipSync(bytes)));
  });
  try {
    await body(`http://127.0.0.1:${server.addr.port}/`, asked);
  } finally {
    await server.shutdown();
  }
}

Deno.test("downloadDataset() puts all files where loadEntry() finds them, once", async () => {
  await inFolder(async (cacheDir, lines, log) => {
    await withMirror(TINY, async (origin, asked) => {
      const entry = entryFor(TINY, [join(cacheDir, "not-installed")], [origin]);
      const seen = new Set<string>();
      const first = await downloadDataset(entry, { cacheDir, log, onProgress: ({ file }) => seen.add(file) });
      assert.deepEqual(first, { folder: join(cacheDir, "tiny"), downloaded: ALL });
      assert.deepEqual(asked, ALL);
      assert.deepEqual([...seen], ALL);
      assert.deepEqual(lines, ALL.map((file) => `tiny: downloading ${file}`));
      assert.deepEqual([...(await loadEntry(entry, { cacheDir })).train.labels], [3, 1, 4, 1, 9]);

      const second = await downloadDataset(entry, { cacheDir, log });
      assert.deepEqual(second, { folder: join(cacheDir, "tiny"), downloaded: [] });
      assert.equal(asked.length, 4, "the second time nothing is asked for");
      assert.equal(lines.length, 4);
      const here = Array.from(Deno.readDirSync(join(cacheDir, "tiny")), (file) => file.name);
      assert.deepEqual(here.sort(), ALL.toSorted());
    });
  });
});

Deno.test("downloadDataset() reports a wrong or damaged file and fetches only that one anew", async () => {
  await inFolder(async (cacheDir, lines, log) => {
    const cache = join(cacheDir, "tiny");
    put(cache, { ...TINY, trainLabels: labels(0, 0, 0, 0, 0) });
    Deno.truncateSync(join(cache, `${FILE_NAMES.testImages}.gz`), 20);
    await withMirror(TINY, async (origin, asked) => {
      const { downloaded } = await downloadDataset(entryFor(TINY, [], [origin]), { cacheDir, log });
      assert.deepEqual(downloaded, [`${FILE_NAMES.trainLabels}.gz`, `${FILE_NAMES.testImages}.gz`]);
      assert.deepEqual(asked, downloaded);
      assert.match(lines[0], /skipping ".*train-labels.*": expected SHA-256/);
      assert.match(lines[1], /skipping a damaged file: .*t10k-images.* truncated at byte 20/);
      assert.equal(lines.length, 4);
    });
    const data = await loadEntry(entryFor(TINY, [], [NOWHERE]), { cacheDir, log });
    assert.deepEqual([...data.train.labels], [3, 1, 4, 1, 9]);
    assert.equal(lines.length, 4, "the cache is now whole");
  });
});

Deno.test("downloadDataset() downloads nothing that is installed elsewhere", async () => {
  await inFolder(async (folder) => {
    const installed = join(folder, "installed"), cacheDir = join(folder, "cache");
    put(installed, TINY);
    const entry = entryFor(TINY, [installed], [NOWHERE]);
    assert.deepEqual(await downloadDataset(entry, { cacheDir }), { folder: installed, downloaded: [] });
    assert.deepEqual(Array.from(Deno.readDirSync(folder), ({ name }) => name), ["installed"]);
  });
});

Deno.test("downloadDataset() asks for nothing where the folder cannot be made", async () => {
  await inFolder(async (folder) => {
    await withMirror(TINY, async (origin, asked) => {
      const cacheDir = join(folder, "in the way");
      Deno.writeTextFileSync(cacheDir, "");
      await assertRefused(() => downloadDataset(entryFor(TINY, [], [origin]), { cacheDir }), [
        /^Cannot make the folder ".*tiny": a part of the path is a file, not a folder; check the path$/,
      ]);
      assert.deepEqual(asked, []);
    });
  });
});

Deno.test("downloadDataset() refuses with one line what no mirror has, and a set that has no mirror", async () => {
  await inFolder(async (cacheDir) => {
    await withMirror({}, async (origin) => {
      await assertRefused(() => downloadDataset(entryFor(TINY, [], [origin]), { cacheDir }), [
        /^Cannot download "train-images-idx3-ubyte\.gz": .*HTTP 404 Not Found/,
      ]);
    });
    await assertRefused(() => downloadDataset(entryFor(TINY, ["/not/installed"]), { cacheDir }), [
      /^Cannot download "tiny": expected its files in "\/not\/installed", .*; try the other one$/,
    ]);
  });
});

async function assertRefused(body: () => Promise<unknown>, patterns: readonly RegExp[]): Promise<void> {
  await assert.rejects(body, (error) => {
    assert.ok(error instanceof InputError, `expected an InputError but got ${error}`);
    for (const pattern of patterns) assert.match(error.message, pattern);
    assert.ok(!error.message.includes("\n"), "one line");
    return true;
  });
}
