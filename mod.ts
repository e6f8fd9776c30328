/**
 * Autoencoders trained by handwritten WGSL on Deno's built-in WebGPU.
 *
 * The scripts in `scripts/` are the way in; this module is for whoever writes one of their own. `./core` is its part
 * without Deno, Node and npm; `./check`, `./data` and `./report` have what is behind the tools.
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

// The network: a graph of ops on a GPU, and what trains it.
export { InputError } from "./src/errors.ts";
export { type Gpu, openGpu } from "./src/gpu/device.ts";
export { Graph, type LossTerm, type Reduction } from "./src/graph/graph.ts";
export type { Model } from "./src/graph/model.ts";
export { Parameters } from "./src/graph/parameters.ts";
export type { Activation, Value } from "./src/graph/tensor.ts";
export { compile } from "./src/step/compile.ts";
export type { Batch, Step } from "./src/step/step.ts";
export { perImage } from "./src/step/loss_ring.ts";
export { DeviceImages, gatherBatch } from "./src/layers/gather_batch.ts";
export { dense } from "./src/layers/dense.ts";
export { tiedDense } from "./src/layers/tied_dense.ts";
export { activation } from "./src/layers/activation.ts";
export { add } from "./src/layers/add.ts";
export { subtractRow } from "./src/layers/subtract_row.ts";
export { detach } from "./src/layers/detach.ts";
export { addNoise, standardNormal } from "./src/layers/noise.ts";
export { reparameterize } from "./src/layers/reparameterize.ts";

// Activations and losses, those of the user's own among them.
export { activationOf } from "./src/elementwise/activation.ts";
export type { ActivationLike } from "./src/elementwise/activation_names.ts";
export { leakyRelu } from "./src/elementwise/leaky_relu.ts";
export { elu } from "./src/elementwise/elu.ts";
export { softplus } from "./src/elementwise/softplus.ts";
export { silu } from "./src/elementwise/silu.ts";
export { gelu, geluTanh } from "./src/elementwise/gelu.ts";
export { lossOf } from "./src/elementwise/loss.ts";
export { huber } from "./src/elementwise/huber.ts";
export { squaredError } from "./src/losses/squared_error.ts";
export { binaryCrossEntropy } from "./src/losses/binary_cross_entropy.ts";
export { binaryCrossEntropyWithLogits } from "./src/losses/binary_cross_entropy_with_logits.ts";
export { gaussianKl } from "./src/losses/gaussian_kl.ts";
export { sparsityKl } from "./src/losses/sparsity_kl.ts";

// Optimizers.
export { adam } from "./src/optim/adam.ts";
export { sgd } from "./src/optim/sgd.ts";
export { clipByGlobalNorm } from "./src/optim/clip.ts";

// Recipes: a network with its flags, and the loop around it.
export { type NetworkContext, type Recipe, recipe, trainingFlags } from "./src/recipe/recipe.ts";
export { activationFlag, adamFlags } from "./src/recipe/common_flags.ts";
export { choice, type Flag, flag, integer, number } from "./src/recipe/flag_kinds.ts";
export { integers, optionalInteger, optionalNumber, text, toggle } from "./src/recipe/flag_kinds.ts";
export { codeFlag, sizesFlag } from "./src/recipe/sizes.ts";
export { codeNoise, corruptPixels, noiseFlag } from "./src/recipe/recipe_noise.ts";
export { planStages, stageFlags } from "./src/recipe/stage_flags.ts";
export { parseRecipe } from "./src/train/resume.ts";
export {
  openTraining,
  type ScheduledStage,
  type Training,
  type TrainingConfig,
  type TrainingOptions,
} from "./src/train/training.ts";
export type { CompiledStage } from "./src/train/stages.ts";
export type { TrainingRun } from "./src/train/training_run.ts";
export { runTraining } from "./src/train/device_loss.ts";
export { runCommand } from "./src/cli/command.ts";

// A trained model, for programs.
export { loadModel, type LoadModelOptions } from "./scripts/load_model.ts";
export type { DataRows, LoadedModel } from "./src/model/loaded_model.ts";

// Evaluation: what a recipe measures beside the usual.
export { measureLevels } from "./src/evaluate/evaluate.ts";
export { lastEpoch } from "./src/evaluate/stage_ends.ts";
export { layerwiseEvaluation } from "./src/evaluate/layerwise.ts";
export { measureSparsity, sparsityRows } from "./src/evaluate/sparsity.ts";
export { variationalEvaluation } from "./src/evaluate/variational.ts";

// Data.
export { loadDataset } from "./src/data/dataset.ts";
export { loadOwnData } from "./src/data/own_data.ts";
export { batches, permutation } from "./src/data/shuffle.ts";

// Checking.
export { gradcheck } from "./src/check/gradcheck.ts";
