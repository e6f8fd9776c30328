import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { expandIdx, readIdx, writeIdx } from "../../src/data/idx.ts";
import { InputError } from "../../src/errors.ts";
import { RandomStream } from "../../src/random.ts";

const IMAGES = writeIdx([2, 2, 3], Uint8Array.from({ length: 12 }, (_, i) => 10 * i));

/** A copy with the bytes from `offset` on replaced. */
function patch(bytes: Uint8Array, offset: number, ...replacement: number[]): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(bytes);
  copy.set(replacement, offset);
  return copy;
}

function gzip(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(gzipSync(bytes));
}

Deno.test("readIdx() gives the shape and the elements, plain or gzip, whatever the name", () => {
  assert.deepEqual([...IMAGES.subarray(0, 16)], [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 3]);
  for (const [bytes, name] of [[IMAGES, "a.gz"], [gzip(IMAGES), "a"]] as const) {
    const { shape, data } = readIdx(bytes, name, 3);
    assert.deepEqual(shape, [2, 2, 3]);
    assert.deepEqual([...data], [0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110]);
  }
  assert.deepEqual(readIdx(writeIdx([0], new Uint8Array()), "none", 1).shape, [0]);
});

Deno.test("expandIdx() gives the whole decompressed file, header included", () => {
  assert.deepEqual(expandIdx(gzip(IMAGES), "a"), IMAGES);
  assert.deepEqual(expandIdx(IMAGES, "a"), IMAGES);
});

Deno.test("readIdx() reads a gzip whose header is longer than the first piece looked at", () => {
  const packed = gzip(IMAGES);
  const named = new Uint8Array(packed.length + 3001); // FNAME: 3,000 letters and a zero
  named.set(packed.subarray(0, 10));
  named[3] |= 8;
  named.fill(97, 10, 3010);
  named.set(packed.subarray(10), 3011);
  assert.deepEqual(readIdx(named, "long", 3).shape, [2, 2, 3]);
});

// Random, so that gzip cannot shrink it and cutting the stream cuts the data.
const stream = new RandomStream(1, "test");
const big = writeIdx([3, 10, 100], Uint8Array.from({ length: 3000 }, () => stream.nextBelow(256)));
const bigPacked = gzip(big);

Deno.test.each<[string, Uint8Array<ArrayBuffer>, number, RegExp]>([
  ["an empty file", new Uint8Array(), 3, /it is empty/],
  ["a gzip of nothing", gzip(new Uint8Array()), 3, /it is empty/],
  ["a file of 3 bytes", IMAGES.slice(0, 3), 3, /at least 4 bytes but the file ends at byte 3/],
  ["a gzip of 3 bytes", gzip(IMAGES.slice(0, 3)), 3, /at least 4 bytes but the file ends at byte 3/],
  ["a wrong magic number", patch(IMAGES, 0, 60, 33), 3, /starts with 00 00, but found 3c 21 08 03 at byte 0/],
  ["a gzip with a wrong magic number", gzip(patch(IMAGES, 1, 7)), 3, /but found 00 07 08 03 at byte 0/],
  [
    "a float file",
    patch(IMAGES, 2, 0x0d),
    3,
    /unsigned byte \(0x08\) but found 32-bit float \(0x0d\) at byte 2/,
  ],
  ["an unknown element type", patch(IMAGES, 2, 0x77), 3, /found unknown \(0x77\) at byte 2/],
  [
    "images for labels",
    IMAGES,
    1,
    /expected 1 dimension\(s\) but found 3 \(2×2×3\) at byte 3; are images and labels/,
  ],
  [
    "a header cut short",
    IMAGES.slice(0, 11),
    3,
    /a header of 16 bytes for 3 dimensions but the file ends at byte 11/,
  ],
  [
    "a gzip of a header cut short",
    gzip(IMAGES.slice(0, 11)),
    3,
    /a header of 16 bytes for 3 dimensions but the file ends at byte 11/,
  ],
  [
    "absurd dimensions",
    patch(IMAGES, 4, ...new Array<number>(12).fill(255)),
    3,
    /at most 2147483648 bytes but the dimensions 4294967295×4294967295×4294967295 at byte 4/,
  ],
  [
    // 65536 × 65536 × 1 is 0 in 32-bit arithmetic
    "dimensions whose product wraps around to nothing",
    patch(IMAGES, 4, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1),
    3,
    /but the dimensions 65536×65536×1 at byte 4/,
  ],
  [
    "absurd dimensions in a gzip",
    gzip(patch(IMAGES, 4, 255)),
    3,
    /at most 2147483648 bytes but the dimensions 4278190082×2×3 at byte 4/,
  ],
  [
    "truncated elements",
    IMAGES.slice(0, 20),
    3,
    /expected 28 bytes for 2×2×3 but the file is truncated at byte 20/,
  ],
  [
    "a whole gzip of truncated elements",
    gzip(IMAGES.slice(0, 20)),
    3,
    /expected 28 bytes for 2×2×3 but the file is truncated at byte 20/,
  ],
  [
    "trailing bytes",
    patch(new Uint8Array(33), 0, ...IMAGES),
    3,
    /expected 28 bytes for 2×2×3 but found 5 more at byte 28/,
  ],
  [
    "a truncated gzip",
    bigPacked.slice(0, 1500),
    3,
    /truncated at byte 1500, which gives \d+ of 3016 decompressed bytes/,
  ],
  [
    "a gzip cut in its own header",
    bigPacked.slice(0, 5),
    3,
    /truncated at byte 5, which gives 0 decompressed bytes/,
  ],
  ["a gzip cut before its checksum", bigPacked.slice(0, -6), 3, /gives 3016 of 3016 decompressed bytes/],
  [
    "a gzip with a wrong checksum",
    patch(bigPacked, bigPacked.length - 6, bigPacked[bigPacked.length - 6] ^ 1),
    3,
    /a valid gzip stream of \d+ bytes but it is corrupt \(incorrect data check\)/,
  ],
  [
    "a gzip with a damaged body",
    patch(bigPacked, 1000, ...Array.from(bigPacked.subarray(1000, 1400), (byte) => byte ^ 0x55)),
    3,
    /is corrupt \(/,
  ],
  [
    "gzip's magic number and nothing else of it",
    new Uint8Array([0x1f, 0x8b, 99, 1, 2, 3, 4, 5]),
    3,
    /is corrupt \(/,
  ],
  [
    "a gzip that holds more than its IDX header claims",
    gzip(patch(new Uint8Array(50_000_000), 0, ...IMAGES)),
    3,
    /at most 28 bytes after decompression, as its IDX header claims, but the gzip stream holds more/,
  ],
])("readIdx() refuses %s", (_what, bytes, dimensions, message) => {
  assert.throws(() => readIdx(bytes, "dir/some file.gz", dimensions), (error) => {
    assert.ok(error instanceof InputError, `expected an InputError but got ${error}`);
    assert.match(error.message, message);
    assert.match(error.message, /^Cannot read "dir\/some file\.gz": expected .*(; |\?)/);
    assert.ok(!error.message.includes("\n"), "one line");
    return true;
  });
});

Deno.test("writeIdx() refuses a shape that does not hold exactly the data", () => {
  for (const shape of [[3], [5], [-2, -2], [1.5, 4], []]) {
    assert.throws(() => writeIdx(shape, new Uint8Array(4)), RangeError, `shape [${shape}]`);
  }
  assert.equal(writeIdx([], new Uint8Array(1)).length, 5); // a scalar
});
