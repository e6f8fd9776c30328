import assert from "node:assert/strict";
import { InputError } from "../../src/errors.ts";
import {
  decodeMixedSafetensors,
  decodeSafetensors,
  encodeSafetensors,
  readSafetensors,
  writeSafetensors,
} from "../../src/files/safetensors.ts";

/** A file with any header and data, right or wrong. */
function fileOf(header: string, data: Uint8Array = new Uint8Array(0), length?: bigint): Uint8Array {
  const text = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + text.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(text.length), true);
  bytes.set(text, 8);
  bytes.set(data, 8 + text.length);
  return bytes;
}

const tensors = [
  { name: "encoder.0.weight", shape: [2, 3], data: new Float32Array([1, -2, 0.1, NaN, Infinity, -0]) },
  { name: "10", shape: [], data: new Float32Array([7]) },
  { name: "2", shape: [0, 4], data: new Float32Array(0) },
  { name: '__proto__ "é\n', shape: [1], data: new Float32Array([1e-45]) },
];

Deno.test("encodeSafetensors() writes the format byte by byte", () => {
  const bytes = encodeSafetensors([{ name: "a", shape: [1, 2], data: new Float32Array([1, -2]) }], {
    z: "1",
    b: "2",
  });
  const header = '{"__metadata__":{"b":"2","z":"1"},"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}';
  const padded = header.padEnd(Math.ceil(header.length / 8) * 8);
  assert.deepEqual(bytes, fileOf(padded, new Uint8Array([0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0])));
  assert.equal((bytes.length - 8) % 8, 0);
});

Deno.test("decodeSafetensors() gives back what was encoded, also from an unaligned view", () => {
  const bytes = encodeSafetensors(tensors, { recipe: "deep", __proto__x: "y" });
  const shifted = new Uint8Array(bytes.length + 3);
  shifted.set(bytes, 3);
  for (const input of [bytes, shifted.subarray(3)]) {
    const file = decodeSafetensors(input);
    assert.deepEqual(file.tensors, tensors);
    assert.deepEqual({ ...file.metadata }, { recipe: "deep", __proto__x: "y" });
  }
  assert.deepEqual(decodeSafetensors(encodeSafetensors([])), { tensors: [], metadata: {} });
  // Data that are a part of a longer array are written alone.
  const part = { name: "p", shape: [2], data: new Float32Array([9, 1, 2, 9]).subarray(1, 3) };
  assert.deepEqual([...decodeSafetensors(encodeSafetensors([part])).tensors[0].data], [1, 2]);
});

Deno.test("decodeSafetensors() sorts tensors by their place in the file, whatever the header's order", () => {
  const header =
    '{"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}';
  const data = new Uint8Array(new Float32Array([1, 2]).buffer);
  assert.deepEqual(decodeSafetensors(fileOf(header, data)).tensors, [
    { name: "a", shape: [1], data: new Float32Array([1]) },
    { name: "b", shape: [1], data: new Float32Array([2]) },
  ]);
});

Deno.test("decodeSafetensors() takes a long metadata text", () => {
  const long = 'x"\\'.repeat(2_000_000);
  assert.equal(decodeSafetensors(encodeSafetensors([], { long })).metadata.long, long);
});

Deno.test.each([
  [[{ name: "a", shape: [2], data: new Float32Array(3) }], "expected 2 values for shape [2] but received 3"],
  [[{ name: "a", shape: [-1], data: new Float32Array(1) }], "whole sizes"],
  [[{ name: "__metadata__", shape: [1], data: new Float32Array(1) }], "its name is taken"],
  [[{ name: "\ud800", shape: [1], data: new Float32Array(1) }], "not valid Unicode"],
  [
    [{ name: "a", shape: [], data: new Float32Array(1) }, {
      name: "a",
      shape: [],
      data: new Float32Array(1),
    }],
    "taken",
  ],
])("encodeSafetensors() refuses %j", (wrong, part) => {
  assert.throws(
    () => encodeSafetensors(wrong),
    (error: unknown) => error instanceof TypeError && error.message.includes(part),
  );
});

const entry = (dtype: string, shape: string, offsets: string) =>
  `{"dtype":"${dtype}","shape":${shape},"data_offsets":${offsets}}`;
const eight = new Uint8Array(8);
Deno.test.each([
  ["an empty file", new Uint8Array(0), "at least 8 bytes"],
  ["a short file", new Uint8Array(7), "at least 8 bytes"],
  [
    "an absurd header length",
    fileOf("{}", undefined, 0xffffffffffffffffn),
    "a header length of 18446744073709551615",
  ],
  [
    "a header over the format's limit",
    fileOf("{}", undefined, 100_000_001n),
    "a header of at most 100000000 bytes",
  ],
  ["a truncated header", fileOf("{}", undefined, 3n), "only 2 bytes after its length"],
  ["bad JSON", fileOf("{"), "a header that is JSON"],
  ["bad UTF-8", fileOf("{}", new Uint8Array([0xff]), 3n), "a header that is JSON"],
  ["an empty header", fileOf(""), "a header that is JSON"],
  ["a header that is an array", fileOf("[]"), 'a header that begins with "{"'],
  ["a header that is null", fileOf("null"), 'a header that begins with "{"'],
  ["a header with space in front", fileOf(" {}"), 'a header that begins with "{"'],
  ["metadata that are a text", fileOf('{"__metadata__":"a"}'), "an object as __metadata__"],
  ["metadata that hold a number", fileOf('{"__metadata__":{"a":1}}'), 'a text as metadata "a"'],
  ["a tensor that is a number", fileOf('{"a":1}'), 'an object for tensor "a"'],
  [
    "another dtype",
    fileOf(`{"a":${entry("F16", "[4]", "[0,8]")}}`, eight),
    'expected dtype F32 for tensor "a"',
  ],
  ["no dtype", fileOf('{"a":{"shape":[2],"data_offsets":[0,8]}}', eight), "but found none"],
  ["a negative size", fileOf(`{"a":${entry("F32", "[-2]", "[0,8]")}}`, eight), "a list of sizes"],
  ["a broken size", fileOf(`{"a":${entry("F32", "[0.5]", "[0,8]")}}`, eight), "a list of sizes"],
  ["no shape", fileOf('{"a":{"dtype":"F32","data_offsets":[0,8]}}', eight), "a list of sizes"],
  ["falling offsets", fileOf(`{"a":${entry("F32", "[2]", "[8,0]")}}`, eight), "two rising offsets"],
  ["one offset", fileOf(`{"a":${entry("F32", "[2]", "[8]")}}`, eight), "two rising offsets"],
  ["a shape that does not fit", fileOf(`{"a":${entry("F32", "[3]", "[0,8]")}}`, eight), "expected 12 bytes"],
  [
    "a huge shape",
    fileOf(`{"a":${entry("F32", "[9007199254740991,9007199254740991]", "[0,8]")}}`, eight),
    "bytes for",
  ],
  [
    "overlapping tensors",
    fileOf(`{"a":${entry("F32", "[2]", "[0,8]")},"b":${entry("F32", "[1]", "[4,8]")}}`, eight),
    "an overlap: it begins at 4",
  ],
  [
    "a gap between tensors",
    fileOf(`{"a":${entry("F32", "[1]", "[0,4]")},"b":${entry("F32", "[1]", "[8,12]")}}`, new Uint8Array(12)),
    "a gap: it begins at 8",
  ],
  ["a gap at the beginning", fileOf(`{"a":${entry("F32", "[1]", "[4,8]")}}`, eight), "a gap: it begins at 4"],
  [
    "truncated data",
    fileOf(`{"a":${entry("F32", "[2]", "[0,8]")}}`, eight.subarray(1)),
    "expected 8 bytes of data",
  ],
  [
    "bytes after the data",
    fileOf(`{"a":${entry("F32", "[1]", "[0,4]")}}`, eight),
    "expected 4 bytes of data",
  ],
  [
    "a name twice",
    fileOf(`{"a":${entry("F32", "[2]", "[0,8]")},"\\u0061" :${entry("F32", "[2]", "[0,8]")}}`, eight),
    '"a" twice',
  ],
  [
    "a field twice",
    fileOf('{"a":{"dtype":"I8","dtype":"F32","shape":[2],"data_offsets":[0,8]}}', eight),
    '"dtype" twice',
  ],
])("decodeSafetensors() refuses %s", (_name, bytes, part) => {
  assert.throws(() => decodeSafetensors(bytes, '"model"'), (error: unknown) => {
    assert.ok(error instanceof InputError, String(error));
    assert.ok(
      error.message.includes(part) && error.message.startsWith('Cannot read "model": '),
      error.message,
    );
    return !error.message.includes("\n");
  });
});

Deno.test("writeSafetensors() and readSafetensors() go through a file, and name it in errors", () => {
  const folder = Deno.makeTempDirSync({ prefix: "bottleneck_test_" });
  try {
    const path = `${folder}/model.safetensors`;
    writeSafetensors(path, tensors, { recipe: "deep" });
    assert.deepEqual(readSafetensors(path).tensors, tensors);
    assert.throws(
      () => readSafetensors(`${folder}/none`),
      (error: unknown) =>
        error instanceof InputError && error.message.includes(`Cannot read "${folder}/none"`),
    );
    Deno.truncateSync(path, 50);
    assert.throws(
      () => readSafetensors(path),
      (error: unknown) => error instanceof InputError && error.message.includes(path),
    );
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("bytes and floats go into one file and come back, but not where only floats are wanted", () => {
  const tensors = [
    { name: "pixels", shape: [1, 3], data: Uint8Array.of(0, 128, 255) },
    { name: "weights", shape: [2], data: Float32Array.of(-0.5, NaN) },
  ];
  const bytes = encodeSafetensors(tensors);
  assert.deepEqual(decodeMixedSafetensors(bytes).tensors, tensors);
  assert.throws(() => decodeSafetensors(bytes, '"a"'), {
    name: "InputError",
    message: /Cannot read "a": expected dtype F32 for tensor "pixels" but found "U8"/,
  });
});
