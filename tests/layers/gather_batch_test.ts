/** Data sets larger than a shader may bind are split into chunks, and nothing that is learned shows it. */
import assert from "node:assert/strict";
import { deep } from "../../scripts/deep.ts";
import { permutation } from "../../src/data/shuffle.ts";
import { InputError } from "../../src/errors.ts";
import type { Gpu } from "../../src/gpu/device.ts";
import { compile } from "../../src/step/compile.ts";
import { Graph } from "../../src/graph/graph.ts";
import { Parameters } from "../../src/graph/parameters.ts";
import { padded } from "../../src/graph/tensor.ts";
import { DeviceImages, gatherBatch } from "../../src/layers/gather_batch.ts";
import { checkedNetworks } from "../../src/recipe/checked_networks.ts";
import { assertPaddingIsZero, narrow } from "../helpers/agreement.ts";
import { assertAllClose, bitsOf, gpuTest, randomFloats, withGpu } from "../helpers/gpu.ts";

type Pixels = Uint8Array | Float32Array;

function pixelsOf(kind: string, length: number): Pixels {
  const floats = randomFloats("pixels", length, 0, 1);
  return kind === "bytes" ? Uint8Array.from(floats, (value) => value * 256) : floats;
}

/** What batches of five hold, in a random order, with so many images in a chunk; and the number of chunks. */
async function gathered(
  gpu: Gpu,
  pixels: Pixels,
  width: number,
  perChunk: number,
): Promise<{ chunks: number; batches: Uint32Array[] }> {
  const imageBytes = padded(width) * pixels.BYTES_PER_ELEMENT;
  using images = new DeviceImages(gpu, "test", pixels, width, perChunk * imageBytes);
  images.setOrder(permutation(images.count, 7, 0));
  const graph = new Graph(Math.min(5, images.count));
  using parameters = new Parameters(1);
  const x = gatherBatch(graph, "pixels", images);
  using step = await compile(gpu, graph, parameters, { label: "gather", outputs: [x] });
  assert.equal(step.dispatches.length, images.chunks.length);
  const batches: Uint32Array[] = [];
  for (let first = 0; first < images.count; first += graph.batchSize) {
    step.run({ first, rows: Math.min(graph.batchSize, images.count - first) });
    const [read] = await step.read([{ ...x, width: padded(width) }], graph.batchSize);
    batches.push(bitsOf(read));
  }
  return { chunks: images.chunks.length, batches };
}

for (const kind of ["bytes", "floats"]) {
  Deno.test.each([[1, 3], [13, 9], [17, 23], [784, 12]] as [number, number][])(
    `chunks of ${kind} gather the same bits as one: %d pixels, %d images`,
    (width, count) =>
      withGpu(async (gpu) => {
        const pixels = pixelsOf(kind, count * width);
        const whole = await gathered(gpu, pixels, width, count);
        assert.equal(whole.chunks, 1);
        for (const perChunk of [1, 2, 5, count - 1]) {
          const split = await gathered(gpu, pixels, width, perChunk);
          assert.equal(split.chunks, Math.ceil(count / perChunk));
          assert.deepEqual(split.batches, whole.batches, `${perChunk} images in a chunk`);
        }
      }),
  );
}

gpuTest(
  "30 training steps of deep on seven chunks give the same losses and weights, to the bit",
  async (gpu) => {
    const [{ network, optimizer }] = checkedNetworks(deep);
    const pixels = pixelsOf("bytes", 100 * 784);
    const train = async (perChunk: number) => {
      using images = new DeviceImages(gpu, "train", pixels, 784, perChunk * 784);
      const graph = new Graph(16);
      using parameters = new Parameters(0);
      const { losses } = network(784)(graph, parameters, gatherBatch(graph, "pixels", images));
      const options = { label: "deep", losses, trainable: parameters.all, optimizer };
      using step = await compile(gpu, graph, parameters, options);
      for (let k = 0; k < 30; k++) step.run({ first: k * 13 % 84, rows: 16 });
      return {
        chunks: images.chunks.length,
        losses: await step.readLosses(),
        parameters: await parameters.read(),
      };
    };
    const whole = await train(100), split = await train(15);
    assert.deepEqual([whole.chunks, split.chunks], [1, 7]);
    assert.deepEqual(split.losses, whole.losses);
    assert.deepEqual(split.parameters, whole.parameters);
  },
);

gpuTest("no chunk is larger than the device's limit, and the names tell them apart", (gpu) => {
  const width = 2 ** 16, count = Math.floor(gpu.bufferBytes / width) + 1;
  using images = new DeviceImages(gpu, "train", new Uint8Array(count * width), width);
  const { chunks } = images;
  assert.deepEqual(chunks.map(({ first, count }) => [first, count]), [[0, count - 1], [count - 1, 1]]);
  assert.deepEqual(chunks.map(({ pixels }) => pixels.name), ["train images 1 of 2", "train images 2 of 2"]);
  assert.ok(chunks.every(({ pixels }) => pixels.bytes <= gpu.bufferBytes));
});

gpuTest(
  "what no splitting helps is refused with the limit and what would fit, and frees what it made",
  (gpu) => {
    const before = gpu.liveBuffers, most = gpu.bufferBytes / 4;
    const refused = (pixels: Pixels, width: number, part: string, chunkBytes?: number) => {
      assert.throws(() => new DeviceImages(gpu, "train", pixels, width, chunkBytes), (error: unknown) => {
        assert.ok(error instanceof InputError);
        assert.ok(error.message.includes(part), error.message);
        return true;
      });
      assert.equal(gpu.liveBuffers, before);
    };
    refused(new Uint8Array(most + 1), 1, `maxStorageBufferBindingSize); use at most ${most} images`);
    refused(
      new Uint8Array(gpu.bufferBytes + 4),
      gpu.bufferBytes + 4,
      'Cannot create GPU buffer "train images"',
    );
  },
);

Deno.test.each([[1, 3], [4, 5], [7, 6], [13, 9], [784, 4]] as [number, number][])(
  "gather_batch gives bytes / 255 in the order's order: %d pixels, %d images",
  async (width, count) => {
    await withGpu(async (gpu) => {
      const pixels = Uint8Array.from(
        { length: count * width },
        (_, k) => (k * 37 + 11 * Math.floor(k / width)) % 256,
      );
      pixels.set([0, 255].slice(0, pixels.length));
      using images = new DeviceImages(gpu, "test", pixels, width);
      // repeats are allowed: an order is what the caller wants
      const order = Uint32Array.from({ length: count }, (_, k) => (k * 2 + 1) % count >> (k % 2));
      images.setOrder(order);
      const batchSize = Math.min(3, count);
      const graph = new Graph(batchSize);
      using parameters = new Parameters(1);
      const x = gatherBatch(graph, "pixels", images);
      using step = await compile(gpu, graph, parameters, { label: "gather", outputs: [x] });
      const wide = { ...x, width: padded(width) };
      for (let first = 0; first < count; first += batchSize) {
        const rows = Math.min(batchSize, count - first);
        step.run({ first, rows });
        const [read] = await step.read([wide], rows);
        const expected = Float32Array.from({ length: rows * width }, (_, k) => {
          const [b, i] = [Math.floor(k / width), k % width];
          return pixels[order[first + b] * width + i] / 255;
        });
        // exactly, or by the one rounding that a division done as a product with 1/255 may cost
        assertAllClose(`batch from ${first}`, narrow(read, rows, width), expected, [rows, width], 2 ** -24);
        const ends = [...expected].flatMap((e, k) => e === 0 || e === 1 ? [k] : []);
        for (const k of ends) assert.equal(narrow(read, rows, width)[k], expected[k], "0 and 255 are exact");
        assertPaddingIsZero("gather", read, rows, width);
      }
    });
  },
);

gpuTest("gather_batch leaves rows past the end of a partial batch alone", async (gpu) => {
  using images = new DeviceImages(gpu, "test", Uint8Array.of(51, 102, 153, 204, 255), 1);
  const graph = new Graph(3);
  using parameters = new Parameters(1);
  const x = gatherBatch(graph, "pixels", images);
  using step = await compile(gpu, graph, parameters, { label: "gather", outputs: [x] });
  step.run({ first: 0, rows: 3 });
  step.run({ first: 3, rows: 2 });
  const [read] = await step.read([x], 3);
  assert.deepEqual([...read], [204, 255, 153].map((byte) => Math.fround(byte / 255)));
});

gpuTest("DeviceImages refuses parts of images and orders that point nowhere", (gpu) => {
  const before = gpu.liveBuffers;
  assert.throws(
    () => new DeviceImages(gpu, "train", new Uint8Array(7), 3),
    /^RangeError: Cannot upload images "train": expected a multiple of 3 bytes but received 7$/,
  );
  assert.throws(() => new DeviceImages(gpu, "train", new Uint8Array(0), 3), RangeError);
  assert.equal(gpu.liveBuffers, before);
  using images = new DeviceImages(gpu, "train", new Uint8Array(6), 3);
  assert.throws(
    () => images.setOrder(Uint32Array.of(0, 2)),
    /^RangeError: Cannot order 2 images: expected 2 indices below 2 but received 2, of which \[1\] is 2$/,
  );
  assert.throws(() => images.setOrder(Uint32Array.of(0)), /but received 1$/);
});
