import assert from "node:assert/strict";
import { QueuePace } from "../../src/gpu/queue_pace.ts";

/** Runs submissions that each take the GPU `each` ms and the CPU `own` ms, and returns after which the queue was awaited. */
async function waitsOf(
  { each, own, count }: { each: number; own: number; count: number },
): Promise<number[]> {
  const { now } = performance;
  const waits: number[] = [];
  let time = now.call(performance), ready = time, k = 0;
  const onSubmittedWorkDone = () => {
    waits.push(k);
    time = Math.max(time, ready);
    return Promise.resolve();
  };
  performance.now = () => time;
  try {
    const pace = new QueuePace({ queue: { onSubmittedWorkDone } } as unknown as GPUDevice);
    for (k = 1; k <= count; k++) {
      time += own;
      ready = Math.max(ready, time) + each;
      pace.submitted();
      await pace.keep();
      assert.ok(ready - time <= 60 + each, `${ready - time} ms are queued after ${k}`);
    }
  } finally {
    performance.now = now;
  }
  return waits;
}

Deno.test("QueuePace waits for a GPU that is slower than its submissions, but rarely", async () => {
  const waits = await waitsOf({ each: 5, own: 0.1, count: 600 });
  assert.equal(waits[0], 1); // to learn how long a submission takes
  assert.ok(waits.length >= 50 && waits.length <= 75, `${waits}`); // 3 s of work, 50 ms at a time
});

Deno.test("QueuePace leaves a GPU alone that keeps up", async () => {
  const waits = await waitsOf({ each: 3, own: 3, count: 1000 });
  assert.ok(waits.length <= 3, `${waits}`); // the first estimate has the time of the CPU besides
  assert.deepEqual(await waitsOf({ each: 1, own: 0.5, count: 45 }), [1]);
});
