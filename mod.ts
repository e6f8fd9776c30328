/**
 * Autoencoders trained by handwritten WGSL on Deno's built-in WebGPU.
 *
 * The scripts in `scripts/` are the way in; this module is for whoever writes one of their own.
 *
 * ```ts
 * import { adam, compile, dense, Graph, openGpu, Parameters, squaredError } from "@bottleneck/bottleneck";
 *
 * using gpu = await openGpu();
 * const graph = new Graph(4); //                                               batches of up to 4 rows
 * using parameters = new Parameters(0); //                                     drawn from seed 0
 * const x = graph.input("x", 2); //                                            [B, 2]
 * const code = dense(graph, parameters, x, {
 *   label: "encoder", outputs: 1, activation: "identity", initializer: "pytorch-linear",
 * }); //                                                                       [B, 2] → [B, 1]
 * const y = dense(graph, parameters, code, {
 *   label: "decoder", outputs: 2, activation: "identity", initializer: "pytorch-linear",
 * }); //                                                                       [B, 1] → [B, 2]
 * const loss = squaredError(graph, y, x, { label: "loss", reduction: "mean" });
 * using step = await compile(gpu, graph, parameters, {
 *   label: "line", losses: [loss], trainable: parameters.all, optimizer: adam({ learningRate: 0.02 }),
 * });
 * step.upload(x, Float32Array.of(0, 0, 1, 2, 2, 4, 3, 6)); //                  four points on a line
 * for (let k = 0; k < 500; k++) step.run({ first: 0, rows: 4 });
 * const { values } = await step.readLosses();
 * if (!(values.loss[499] < 1e-3)) throw new Error(`the line was not learned: ${values.loss[499]}`);
 * ```
 *
 * @module
 */
export * from "./src/errors.ts";
export * from "./src/random.ts";
export * from "./src/gpu/device.ts";
export * from "./src/gpu/texture.ts";
export * from "./src/gpu/kernel.ts";
export * from "./src/gpu/shader.ts";
export * from "./src/gpu/product_kernel.ts";
export * from "./src/gpu/unroll.ts";
export * from "./src/graph/tensor.ts";
export * from "./src/graph/parameters.ts";
export * from "./src/graph/graph.ts";
export * from "./src/graph/textures.ts";
export * from "./src/graph/model.ts";
export * from "./src/graph/compile.ts";
export * from "./src/graph/compile_dispatch.ts";
export * from "./src/graph/loss_ring.ts";
export * from "./src/graph/plan_dispatches.ts";
export * from "./src/graph/step_state.ts";
export type { DispatchTime } from "./src/graph/profile.ts";
export * from "./src/graph/update.ts";
export * from "./src/graph/step.ts";
export type { TensorFigures } from "./src/graph/tensor_stats.ts";
export * from "./src/graph/plan.ts";
export * from "./src/graph/products.ts";
export {
  type ActivationDeclaration,
  activationOf,
  type ElementwiseActivation,
} from "./src/elementwise/activation.ts";
export {
  ACTIVATION_NAMES,
  type ActivationLike,
  type ActivationName,
  type ElementwiseName,
} from "./src/elementwise/activation_names.ts";
export { elu } from "./src/elementwise/elu.ts";
export type { Constants } from "./src/elementwise/expressions.ts";
export { gelu, geluTanh } from "./src/elementwise/gelu.ts";
export { huber, type HuberOptions } from "./src/elementwise/huber.ts";
export { leakyRelu } from "./src/elementwise/leaky_relu.ts";
export {
  type ElementwiseLoss,
  type ElementwiseLossOptions,
  type LossDeclaration,
  lossOf,
} from "./src/elementwise/loss.ts";
export { silu } from "./src/elementwise/silu.ts";
export { softplus } from "./src/elementwise/softplus.ts";
export { erf, erfc, SPECIAL_FUNCTIONS } from "./src/elementwise/special_functions.ts";
export * from "./src/layers/activation.ts";
export * from "./src/layers/add.ts";
export * from "./src/layers/dense.ts";
export * from "./src/layers/detach.ts";
export * from "./src/layers/gather_batch.ts";
export * from "./src/layers/noise.ts";
export * from "./src/layers/reparameterize.ts";
export * from "./src/layers/subtract_row.ts";
export * from "./src/layers/tied_dense.ts";
export * from "./src/losses/binary_cross_entropy.ts";
export * from "./src/losses/binary_cross_entropy_with_logits.ts";
export * from "./src/losses/gaussian_kl.ts";
export * from "./src/losses/sparsity_kl.ts";
export * from "./src/losses/squared_error.ts";
export * from "./src/optim/adam.ts";
export * from "./src/optim/clip.ts";
export * from "./src/optim/schedule.ts";
export * from "./src/optim/sgd.ts";
export * from "./src/data/idx.ts";
export * from "./src/data/catalogue.ts";
export * from "./src/data/csv.ts";
export * from "./src/data/dataset.ts";
export * from "./src/data/download.ts";
export * from "./src/data/npy.ts";
export * from "./src/data/own_data.ts";
export * from "./src/data/shuffle.ts";
export * from "./src/check/compare.ts";
export * from "./src/check/evidence.ts";
export * from "./src/check/format_gradcheck.ts";
export * from "./src/check/gradcheck.ts";
export * from "./src/check/network_check.ts";
export * from "./src/check/pointwise.ts";
export * from "./src/check/reference_graph.ts";
export * from "./src/check/replay.ts";
export * from "./src/check/tolerances.ts";
export * from "./src/check/trace.ts";
export * from "./src/check/differences.ts";
export * from "./src/report/results_table.ts";
export * from "./src/report/run_data.ts";
export * from "./src/live/events.ts";
export * from "./src/live/live.ts";
export * from "./src/report/page/page_types.ts";
export * from "./src/report/page/report_page.ts";
export * from "./src/cli/command.ts";
export * from "./src/cli/command_line.ts";
export * from "./src/evaluate/evaluate.ts";
export * from "./src/recipe/flags.ts";
export * from "./src/evaluate/forward.ts";
export * from "./src/runs/load_run.ts";
export * from "./src/evaluate/sparsity.ts";
export * from "./src/bench/tuned_kernels.ts";
export * from "./src/cli/open_dataset.ts";
export * from "./src/cli/open_gpu.ts";
export * from "./src/cli/progress.ts";
export * from "./src/runs/run_folder.ts";
export * from "./src/runs/run_config.ts";
export * from "./src/runs/metrics_log.ts";
export * from "./src/files/write_file.ts";
export * from "./src/files/safetensors.ts";
export * from "./src/train/stages.ts";
export * from "./src/recipe/stage_flags.ts";
export * from "./src/train/training_run.ts";
export * from "./src/evaluate/variational.ts";
export * from "./src/evaluate/test_losses.ts";
export * from "./src/evaluate/initial_loss.ts";
export * from "./src/evaluate/stage_ends.ts";
export * from "./src/evaluate/layerwise.ts";
export * from "./src/recipe/recipe.ts";
export * from "./src/evaluate/recipe_evaluation.ts";
export * from "./src/recipe/evaluated_network.ts";
export * from "./src/recipe/recipe_noise.ts";
export * from "./src/recipe/reference_figures.ts";
export * from "./src/runs/read_run_data.ts";
export * from "./src/runs/results.ts";
export * from "./src/train/epoch_pictures.ts";
export * from "./src/recipe/sizes.ts";
export * from "./src/runs/snapshot_file.ts";
export * from "./src/evaluate/epoch_snapshot.ts";
export * from "./src/train/training.ts";
export { parseRecipe } from "./src/train/resume.ts";
