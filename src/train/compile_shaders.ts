/**
 * Compiling a run's shaders before its first step, so that the terminal can say so and no step is timed with it.
 * @module
 */
import { WorkProgress, type WorkProgressOptions } from "../cli/work_progress.ts";
import type { Gpu } from "../gpu/device.ts";
import type { Step } from "../step/step.ts";

/**
 * Dispatches no workgroup of each pipeline: drivers that compile a shader when it is first dispatched, such as Mesa's
 * software driver, do it now, and nothing is computed. Shows how far it is if that takes more than half a second.
 *
 * @param steps the steps whose shaders are compiled
 * @param options where the line is shown
 */
export function compileShaders(
  { device }: Pick<Gpu, "device">,
  steps: readonly Pick<Step, "dispatches" | "watchDispatches">[],
  options: WorkProgressOptions = {},
): void {
  const dispatches = steps.flatMap((step) => [...step.dispatches, ...step.watchDispatches]);
  const pipelines = new Map(dispatches.map(({ pipeline, bindGroup }) => [pipeline, bindGroup]));
  const progress = new WorkProgress("", { doing: "compiling shaders", ...options });
  let compiled = 0;
  for (const [pipeline, bindGroup] of pipelines) {
    const encoder = device.createCommandEncoder({ label: "compiling" });
    const pass = encoder.beginComputePass({ label: "compiling" });
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, bindGroup);
    pass.dispatchWorkgroups(0);
    pass.end();
    device.queue.submit([encoder.finish()]); // waits while the one before is compiled
    progress.update(compiled++, pipelines.size);
  }
  progress.finish();
}
