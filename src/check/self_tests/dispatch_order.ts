/**
 * Order of dispatches: each sees all writes of earlier dispatches in a pass. The same chain is used for
 * timing.
 * @module
 */
import type { Gpu } from "../../gpu/device.ts";
import { createPipeline } from "../../gpu/kernel.ts";
import code from "./dispatch_order.wgsl" with { type: "text" };
import { bind, dispatch, type SelfTest, wrongWords } from "./self_test.ts";

const COUNT = 4096;
const LINKS = 100;

/** Runs a chain of dispatches in one pass; the expected result is computed in TypeScript. */
export const dispatchOrder: SelfTest = {
  name: "order of dispatches",
  breaks: "every step: a layer would read its input before the previous layer has written it",
  async run(gpu: Gpu) {
    const start = Uint32Array.from({ length: COUNT }, (_, k) => Math.imul(k, 2654435761));
    let expected = start;
    for (let link = 0; link < LINKS; link++) {
      const before = expected;
      expected = before.map((word, k) => Math.imul(word, 1664525) + before[(k + 517) % COUNT]);
    }
    const words = await runChain(gpu, start, LINKS);
    const wrong = wrongWords(words, expected);
    return { passed: wrong === 0, figures: { dispatches: LINKS, "wrong words": wrong } };
  },
};

/** Returns the words after an even number of dispatches in one pass. */
async function runChain(gpu: Gpu, start: Uint32Array, links: number): Promise<Uint32Array> {
  const shader = { path: "src/check/self_tests/dispatch_order.wgsl", code };
  const spec = { shader, entryPoint: "chain_link", constants: {}, access: ["read", "write"] } as const;
  const pipeline = await createPipeline(gpu, spec);
  const buffers = ["one", "two"].map((name) => gpu.upload(`chain ${name}`, start));
  try {
    const [one, two] = buffers;
    const groups = [bind(gpu, pipeline, [one, two]), bind(gpu, pipeline, [two, one])];
    dispatch(gpu, pipeline, Array.from({ length: links }, (_, k) => groups[k % 2]), start.length / 64);
    const [floats] = await gpu.read([{ buffer: one, offset: 0, size: 4 * start.length }], "self-test chain");
    return new Uint32Array(floats.buffer);
  } finally {
    for (const buffer of buffers) gpu.destroyBuffer(buffer);
  }
}

/** Times of a readback and of a dispatch, in milliseconds. */
export interface Timings {
  /** Time to read 4 bytes from an idle device. */
  readonly readbackMs: number;
  /** Time of each additional dispatch of one workgroup in a pass. */
  readonly dispatchMs: number;
}

/**
 * Times a readback and a dispatch.
 *
 * @param rounds number of measurements, whose median is returned
 */
export async function timeDevice(gpu: Gpu, rounds: number): Promise<Timings> {
  const [few, many] = [100, 4100];
  const readback: number[] = [], short: number[] = [], long: number[] = [];
  const timed = async (times: number[], work: () => Promise<unknown>) => {
    const began = performance.now();
    await work();
    times.push(performance.now() - began);
  };
  const word = gpu.createBuffer("readback", 4);
  try {
    const start = new Uint32Array(64);
    await runChain(gpu, start, few); // compiles
    for (let round = 0; round < rounds; round++) {
      await timed(readback, () => gpu.read([{ buffer: word, offset: 0, size: 4 }], "timing a readback"));
      await timed(short, () => runChain(gpu, start, few));
      await timed(long, () => runChain(gpu, start, many));
    }
  } finally {
    gpu.destroyBuffer(word);
  }
  const median = (times: readonly number[]) => times.toSorted((a, b) => a - b)[Math.floor(rounds / 2)];
  return { readbackMs: median(readback), dispatchMs: (median(long) - median(short)) / (many - few) };
}
