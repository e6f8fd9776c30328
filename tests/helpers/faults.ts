/** A device with one fault at a time in its shaders. */
import assert from "node:assert/strict";
import { type Gpu, openGpu } from "../../src/gpu/device.ts";

/** In the shader at `path`, its file and the common files that stand before it, a text becomes another one. */
export interface Fault {
  readonly path: string;
  readonly text: string;
  readonly becomes: string;
}

let fault: Fault | undefined;
let isPlanted = false;
let faulty: Promise<Gpu> | undefined;

Deno.test.afterAll(async () => {
  (await faulty)?.destroy();
  faulty = undefined;
});

/** Runs `body` on the test module's faulty device with a fault; fails if the text stands nowhere in the shader. */
export async function withFault<T>(planted: Fault, body: (gpu: Gpu) => Promise<T>): Promise<T> {
  faulty ??= openGpu({
    rewriteShader(_part, code, shader) {
      if (shader !== fault?.path || !code.includes(fault.text)) return code;
      isPlanted = true;
      return code.replaceAll(fault.text, fault.becomes);
    },
  });
  const gpu = await faulty;
  const known = new Set(gpu.pipelines.keys());
  fault = planted;
  isPlanted = false;
  try {
    return await body(gpu);
  } finally {
    fault = undefined;
    for (const key of gpu.pipelines.keys()) if (!known.has(key)) gpu.pipelines.delete(key);
    assert.ok(isPlanted, `${planted.path} has no ${planted.text}`);
  }
}
