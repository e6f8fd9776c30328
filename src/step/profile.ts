/**
 * Times the dispatches of a step on the GPU.
 * @module
 */
import { InputError } from "../errors.ts";
import type { Gpu } from "../gpu/device.ts";
import { encodeCopy } from "../gpu/texture.ts";
import { type CompiledDispatch, encodeDispatch } from "./compile_dispatch.ts";

/** Time of one dispatch. */
export interface DispatchTime {
  /** Dispatch that was timed. */
  readonly dispatch: CompiledDispatch;
  /** Time of its pass on the GPU, in µs. */
  readonly microseconds: number;
  /** Time of each copy into a texture before it, in µs, at least 0. */
  readonly copies: readonly number[];
}

/**
 * Checks that a device can time kernels.
 *
 * @throws InputError if it has no timestamp queries
 */
export function refuseWithoutTimestamps({ hasTimestamps }: Gpu): void {
  if (!hasTimestamps) throw new InputError("Cannot time kernels: this device has no timestamp queries");
}

/** Times each dispatch, in a pass of its own that repeats it, and each copy into a texture before it. */
export async function timeDispatches(
  gpu: Gpu,
  dispatches: readonly CompiledDispatch[],
  repeats: number,
  label: string,
): Promise<DispatchTime[]> {
  const { device } = gpu;
  const count = dispatches.reduce((sum, { copies }) => sum + 2 + 3 * copies.length, 0);
  const querySet = device.createQuerySet({ label: "profile", type: "timestamp", count });
  const resolved = gpu.createBuffer("profile", 8 * count, GPUBufferUsage.QUERY_RESOLVE);
  try {
    const encoder = device.createCommandEncoder({ label: "profile" });
    let query = 0;
    const mark = () =>
      // an empty pass: WebGPU has no timestamps outside passes
      encoder.beginComputePass({ timestampWrites: { querySet, endOfPassWriteIndex: query++ } }).end();
    for (const dispatch of dispatches) {
      for (const { from, texture } of dispatch.copies) {
        mark();
        mark();
        encodeCopy(encoder, from, texture);
        mark();
      }
      const pass = encoder.beginComputePass({
        timestampWrites: {
          querySet,
          beginningOfPassWriteIndex: query++,
          endOfPassWriteIndex: query++,
        },
      });
      for (let k = 0; k < repeats; k++) encodeDispatch(pass, dispatch);
      pass.end();
    }
    encoder.resolveQuerySet(querySet, 0, count, resolved, 0);
    device.queue.submit([encoder.finish()]);
    const [bytes] = await gpu.read([{ buffer: resolved, offset: 0, size: 8 * count }], label);
    const ticks = new BigUint64Array(bytes.buffer);
    query = 0;
    const between = () => Number(ticks[query + 1] - ticks[query++]) / 1000;
    return dispatches.map((dispatch) => {
      const copies = dispatch.copies.map(() => {
        const nothing = between(), copy = between();
        query++;
        return Math.max(0, copy - nothing);
      });
      const microseconds = between();
      query++;
      return { dispatch, microseconds, copies };
    });
  } finally {
    querySet.destroy();
    gpu.destroyBuffer(resolved);
  }
}
