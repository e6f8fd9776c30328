import assert from "node:assert/strict";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { createGzip } from "node:zlib";
import { writeIdx } from "../../src/data/idx.ts";
import { InputError } from "../../src/errors.ts";
import { ROOT, withFolder } from "../helpers/commands.ts";
import { fuzz, judge, type Reader, READERS, removeFolders } from "../helpers/fuzz.ts";

const SEED = 20261121;
/** Inputs for a reader of run folders, for one that is slow, and for any other. */
const FEW = 15, SOME = 60, MANY = 200;
const CORPUS = new URL("../../fixtures/corpus/", import.meta.url);

const utf8 = (text: string) => new TextEncoder().encode(text);

Deno.test.afterAll(removeFolders);

for (const reader of READERS) {
  const isFolder = /^(run|load)-/.test(reader.name);
  const count = isFolder ? FEW : ["data", "trace"].includes(reader.name) ? SOME : MANY;
  Deno.test(`${reader.name}: ${count} damaged inputs are read or refused in one line`, async () => {
    const { faults } = await fuzz(reader, SEED, count);
    const [first] = faults;
    if (first) {
      throw new Error(`seed ${SEED}, case ${first.number}: one of ${faults.length} faults`, {
        cause: first.error,
      });
    }
  });

  Deno.test(`${reader.name}: sound inputs are accepted`, async () => {
    for (const input of reader.sound) assert.ok(await judge(reader, Uint8Array.from(input)));
  });

  if (isFolder) continue;
  Deno.test(`${reader.name}: no beginning of a small sound input is more than refused`, async () => {
    for (const input of reader.sound.filter(({ length }) => length <= 600)) {
      for (let length = 0; length < input.length; length++) await judge(reader, input.slice(0, length));
    }
  });
}

for (const { name: folder, isDirectory } of Deno.readDirSync(CORPUS)) {
  if (!isDirectory) continue; // README.md
  const reader = READERS.find(({ name }) => name === folder);
  for (const { name } of Deno.readDirSync(new URL(`${folder}/`, CORPUS))) {
    Deno.test(`${folder}: ${name} of the corpus is read or refused in one line`, async () => {
      assert.ok(reader, `no reader is called ${folder}`);
      await judge(reader, await Deno.readFile(new URL(`${folder}/${name}`, CORPUS)));
    });
  }
}

const FAULTS: Readonly<Record<string, () => string[]>> = {
  "another error": () => JSON.parse("{"),
  "a second line": () => {
    throw new InputError("Cannot read it:\nit is damaged");
  },
  "an escape sequence": () => ["warning: \x1b[2J is a title"],
  "no end": () => {
    throw new InputError("Cannot read it: " + "x".repeat(5000));
  },
  "no message": () => {
    throw new InputError("");
  },
};

for (const [fault, read] of Object.entries(FAULTS)) {
  Deno.test(`the fuzzer finds a reader with ${fault}`, async () => {
    const reader: Reader = {
      name: "planted",
      sound: [utf8("x")],
      damage: (_random, input) => input.slice(),
      read,
    };
    const { accepted, faults } = await fuzz(reader, SEED, 1);
    assert.deepEqual([accepted, faults.length], [0, 1]);
  });
}

Deno.test("the fuzzer measures how long a reader computes", async () => {
  const read = () => {
    for (const began = process.cpuUsage(); process.cpuUsage(began).user < 5e4;);
    return [];
  };
  const reader = {
    name: "slow",
    sound: [utf8("x")],
    damage: (_random: unknown, input: Uint8Array) => input.slice(),
  };
  const { mostMilliseconds } = await fuzz({ ...reader, read }, SEED, 2);
  assert.ok(mostMilliseconds >= 50, `${mostMilliseconds}`);
});

/** A gzip stream that expands to an IDX header and so many mebibytes of zeros. */
async function bomb(path: string, shape: readonly number[], mebibytes: number): Promise<void> {
  const header = writeIdx([...shape.map(() => 0)], new Uint8Array()), view = new DataView(header.buffer);
  shape.forEach((size, k) => view.setUint32(4 + 4 * k, size));
  const packer = createGzip({ level: 1 }), zeros = new Uint8Array(2 ** 20);
  const parts: Uint8Array[] = [];
  packer.on("data", (part: Uint8Array) => parts.push(part));
  const ended = new Promise((resolve) => packer.on("end", resolve));
  packer.write(header);
  for (let k = 0; k < mebibytes; k++) packer.write(zeros);
  packer.end();
  await ended;
  await Deno.writeFile(path, new Blob(parts.map((part) => Uint8Array.from(part))).stream());
}

const columns = Array.from({ length: 300_000 }, (_, k) => `c${k}`).join(",") + "\n";

/** Writes a file, and a part of what is said of it. */
type Greedy = Readonly<Record<string, readonly [(path: string) => void | Promise<void>, string]>>;

/** Files that are refused for how they begin. */
const CLAIMS: Greedy = {
  "an IDX header that claims 2^60 bytes": [
    (path) => Deno.writeFile(path, Uint8Array.of(0, 0, 8, 3, 0, 16, 0, 0, 0, 16, 0, 0, 0, 16, 0, 0)),
    "expected at most 2147483648 bytes",
  ],
  "an NPY header that claims 2^60 bytes": [
    (path) =>
      Deno.writeTextFile(
        path,
        "\u{93}NUMPY\x01\0\x50\0{'descr': '|u1', 'fortran_order': False, 'shape': (1048576, 1099511627776), }"
          .padEnd(90),
      ).then(async () => Deno.writeFile(path, Uint8Array.from((await Deno.readFile(path)).subarray(1)))),
    "expected 1152921504606847000 bytes",
  ],
  "a sparse file of a terabyte": [
    async (path) => {
      await Deno.writeFile(path, new Uint8Array());
      await Deno.truncate(path, 2 ** 40);
    },
    "expected at most 2147483648 bytes",
  ],
  "a gigabyte of zeros": [
    (path) => Deno.writeFile(path, new Uint8Array()).then(() => Deno.truncate(path, 2 ** 30)),
    "expected element type unsigned byte (0x08)",
  ],
  "an NPY file of a gigabyte that lacks a byte": [
    async (path) => {
      const header = "{'descr': '|u1', 'fortran_order': False, 'shape': (1024, 1048576), }".padEnd(118);
      await Deno.writeFile(path, Uint8Array.from([0x93, ...utf8("NUMPY"), 1, 0, 118, 0, ...utf8(header)]));
      await Deno.truncate(path, 128 + 2 ** 30 - 1);
    },
    "but the file has 1073741823; save it again",
  ],
  "a gzip file of a gigabyte": [
    async (path) => {
      await Deno.writeFile(path, Uint8Array.of(0x1f, 0x8b, 8));
      await Deno.truncate(path, 2 ** 30);
    },
    "expected at most 134217728 bytes of gzip",
  ],
};

/** Files that are refused for what comes later. */
const GREEDY: Greedy = {
  "a gzip bomb beyond what its header claims": [
    (path) => bomb(path, [10, 28, 28], 1200),
    "expected at most 7856 bytes after decompression",
  ],
  "a gzip bomb that claims what it holds": [
    (path) => bomb(path, [1000, 1024, 1024], 1000),
    "expected at most 134217728 bytes after decompression",
  ],
  "a CSV header above a gigabyte of zeros": [
    (path) => Deno.writeTextFile(path, "a,b\n").then(() => Deno.truncate(path, 2 ** 30)),
    "expected lines of at most 16777216 bytes but line 2 has more",
  ],
  "a CSV cell of ten million digits": [
    (path) => Deno.writeTextFile(path, `a,b\n${"1".repeat(1e7)},0\n`),
    '111…" in line 2',
  ],
  "a CSV of 300,000 columns, and one less": [
    (path) => Deno.writeTextFile(path, `${columns}${"1,".repeat(299_998)}1\n`),
    "expected 300000 cells, as in the first row, but found 299999 in line 2",
  ],
  "a CSV quote that never ends": [
    (path) => Deno.writeTextFile(path, `a,b\n"${"1,2\n".repeat(2e6)}`),
    "Quote Not Closed",
  ],
  "a CSV quote over 100 MB": [
    (path) => Deno.writeTextFile(path, `a,b\n"${"1,2\n".repeat(25e6)}`),
    "Max Record Size",
  ],
};

/** Writes files, reads them in a process of their own, and checks what is said of each, and what all cost. */
async function readsLittle(files: Greedy): Promise<void> {
  await withFolder(async (folder) => {
    const paths = Object.keys(files).map((_, k) => join(folder, `data-${k}`));
    for (const [k, [write]] of Object.values(files).entries()) await write(paths[k]);
    const script = fileURLToPath(new URL("../helpers/read_own_data.ts", import.meta.url));
    const args = ["run", "--no-prompt", "--allow-all", "--no-check", script, ...paths]; // as Deno opens /proc to no less
    const { stdout, stderr } = await new Deno.Command("deno", { args, cwd: ROOT }).output();
    const lines = new TextDecoder().decode(stdout).trim().split("\n");
    assert.equal(lines.length, paths.length, new TextDecoder().decode(stderr));
    for (const [k, [what, [, part]]] of Object.entries(files).entries()) {
      const { message, mebibytes, mebibytesRead } = JSON.parse(lines[k]);
      assert.ok(message.includes(part), `${what}: ${message}`);
      assert.ok(mebibytesRead < 200, `${what}: ${mebibytesRead} MiB read`);
      assert.ok(mebibytes < 476, `${what}: ${mebibytes} MiB`);
    }
  });
}

Deno.test("files that begin with huge claims are not read on and on, and cost less than 500 MB", async () => {
  await readsLittle(CLAIMS);
});

for (const [what, file] of Object.entries(GREEDY)) {
  Deno.test(`${what} is not read on and on, and costs less than 500 MB`, async () => {
    await readsLittle({ [what]: file });
  });
}
