/**
 * The network and what trains it: graph, ops, losses, optimizers and kernels. Nothing below this module imports anything
 * of Deno, Node or npm: it runs wherever there is WebGPU and shaders can be imported as text.
 *
 * ```ts
 * import { compile, dense, Graph, openGpu, Parameters } from "@bottleneck/bottleneck/core";
 *
 * using gpu = await openGpu();
 * using parameters = new Parameters(0);
 * const graph = new Graph(1);
 * const x = graph.input("x", 3);
 * const y = dense(graph, parameters, x, {
 *   label: "layer", outputs: 2, activation: "relu", initializer: "glorot-uniform",
 * });
 * using step = await compile(gpu, graph, parameters, { label: "forward", outputs: [y] });
 * step.upload(x, Float32Array.of(1, 2, 3));
 * step.run({ first: 0, rows: 1 });
 * const [values] = await step.read([y], 1);
 * if (values.length !== 2) throw new Error("expected two outputs");
 * ```
 *
 * @module
 */
export { DeviceLost, Diverged, InputError, ShaderError, type ShaderPlace } from "./errors.ts";
export { RandomStream } from "./random.ts";
export { Gpu, openGpu, type OpenOptions } from "./gpu/device.ts";
export { createPipeline, kernelText } from "./gpu/kernel.ts";
export {
  formatKernel,
  KERNEL_KINDS,
  type KernelKind,
  type KernelPreference,
  type Product,
  type ProductKernel,
  type ProductKernelKind,
  type ProductKind,
  productName,
  type ProductShape,
} from "./gpu/product_kernel.ts";
export type {
  Access,
  BoundStruct,
  KernelSpec,
  KernelText,
  Operands,
  RewriteShader,
  Shader,
  ShaderPart,
  SourceLine,
} from "./gpu/shader.ts";
export type { Stretch } from "./gpu/texture.ts";
export { compile } from "./step/compile.ts";
export { type CompiledDispatch, kernelOfDispatch } from "./step/compile_dispatch.ts";
export {
  type BackwardRequest,
  type DeviceTraits,
  type ElementwiseLossReference,
  type ElementwiseReference,
  type GradientWrite,
  Graph,
  type LossTerm,
  type Node,
  type NodeReference,
  type Reduction,
  REDUCTIONS,
} from "./graph/graph.ts";
export { type DispatchedText, formatText, formatTexts, textsOf } from "./step/kernel_texts.ts";
export { LOSS_RING, type LossReading, perImage } from "./step/loss_ring.ts";
export type { BuildModel, Model } from "./graph/model.ts";
export { type Initializer, type Parameter, Parameters } from "./graph/parameters.ts";
export { type LossOptions, type PairLossKernel, recordPairLoss } from "./graph/pair_loss.ts";
export { passGradient } from "./graph/pass_gradient.ts";
export type { Places } from "./step/fused_dispatches.ts";
export { formatPlan } from "./step/plan.ts";
export { type CompileOptions, planDispatches, type PlannedDispatches } from "./step/plan_dispatches.ts";
export {
  candidates,
  dispatchProduct,
  kernelNamed,
  kernelOf,
  PRODUCT_SHADERS,
  type ProductDispatch,
  type ProductEntryPoint,
} from "./graph/products.ts";
export type { DispatchTime } from "./step/profile.ts";
export { type Batch, Step } from "./step/step.ts";
export type { StepBuffers, StepParts, WatchBuffers } from "./step/step_parts.ts";
export type { StepCounts, StepState } from "./step/step_state.ts";
export {
  type Activation,
  ACTIVATION_KINKS,
  ACTIVATIONS,
  type Dispatch,
  type LayerPass,
  type Location,
  padded,
  type Settings,
  type Tensor,
  type Value,
} from "./graph/tensor.ts";
export type { TensorFigures, WatchedTensor } from "./step/tensor_stats.ts";
export type { GradientClip, Optimizer } from "./step/update.ts";
export {
  type ActivationDeclaration,
  activationOf,
  type ElementwiseActivation,
} from "./elementwise/activation.ts";
export {
  ACTIVATION_NAMES,
  type ActivationLike,
  type ActivationName,
  type ElementwiseName,
} from "./elementwise/activation_names.ts";
export { elu } from "./elementwise/elu.ts";
export { gelu, geluTanh } from "./elementwise/gelu.ts";
export { huber, type HuberOptions } from "./elementwise/huber.ts";
export { leakyRelu } from "./elementwise/leaky_relu.ts";
export { type ElementwiseLoss, type LossDeclaration, lossOf } from "./elementwise/loss.ts";
export { silu } from "./elementwise/silu.ts";
export { softplus } from "./elementwise/softplus.ts";
export { erf, erfc, SPECIAL_FUNCTIONS } from "./elementwise/special_functions.ts";
export { activation, type ActivationOptions } from "./layers/activation.ts";
export { add } from "./layers/add.ts";
export { dense, type DenseOptions } from "./layers/dense.ts";
export { detach } from "./layers/detach.ts";
export { DeviceImages, gatherBatch, type ImageChunk } from "./layers/gather_batch.ts";
export {
  addNoise,
  type NoiseKind,
  type NoiseOptions,
  type NoiseSource,
  type NoiseSpec,
  parseNoise,
  standardNormal,
  type StandardNormalOptions,
} from "./layers/noise.ts";
export { reparameterize } from "./layers/reparameterize.ts";
export { subtractRow, type SubtractRowOptions } from "./layers/subtract_row.ts";
export { tiedDense, type TiedDenseOptions } from "./layers/tied_dense.ts";
export { binaryCrossEntropy } from "./losses/binary_cross_entropy.ts";
export { binaryCrossEntropyWithLogits } from "./losses/binary_cross_entropy_with_logits.ts";
export { gaussianKl } from "./losses/gaussian_kl.ts";
export { sparsityKl, type SparsityKlOptions, type SparsityTerm } from "./losses/sparsity_kl.ts";
export { squaredError } from "./losses/squared_error.ts";
export { adam, type AdamOptions } from "./optim/adam.ts";
export { clipByGlobalNorm } from "./optim/clip.ts";
export {
  constant,
  cosine,
  parseSchedule,
  type Schedule,
  SCHEDULE_NAMES,
  type ScheduleOptions,
  warmUp,
} from "./optim/schedule.ts";
export { sgd, type SgdOptions } from "./optim/sgd.ts";
export type { Constants } from "./elementwise/expressions.ts";
export type { TextureCopy } from "./step/textures.ts";
