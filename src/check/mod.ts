/**
 * Checking gradients: gradcheck, the float64 reference, finite differences, and traces of other frameworks.
 *
 * @module
 */
export {
  EVIDENCE,
  gradcheck,
  type GradcheckOptions,
  type GradcheckReport,
  type GradcheckRow,
} from "./gradcheck.ts";
export { formatGradcheck } from "./format_gradcheck.ts";
export {
  ADVICE,
  againstReference,
  type Cause,
  type Evidence,
  figure,
  fromDifference,
  gravest,
  largestOf,
  type Verdict,
  withoutDirection,
  worstOf,
} from "./evidence.ts";
export {
  type CheckedNetwork,
  checkRows,
  type LossEvidence,
  NOISY_RUNS,
  type ReferenceEvidence,
  type RowsResult,
} from "./network_check.ts";
export { checkFunctions, type FunctionCheck } from "./pointwise.ts";
export {
  frozenValuesOf,
  lossInputs,
  type ReferenceInputs,
  type ReferenceOptions,
  type ReferenceResult,
  runReference,
  totalLoss,
} from "./reference_graph.ts";
export { arrayNotation, compare, type Comparison, within } from "./compare.ts";
export {
  type Difference,
  differenceOfReference,
  differencesOnGpu,
  DRAW,
  type GpuDifferences,
  judge,
  type Judgement,
  worse,
} from "./differences.ts";
export { type Deviation, formatReplay, replay, type ReplayReport } from "./replay.ts";
export { boundFor, TOLERANCES } from "./tolerances.ts";
export { parseTrace, type Trace, type TraceLoss, type TraceModel, type TraceStep } from "./trace.ts";
export {
  compareTraining,
  type DeviationKind,
  formatTrainingReport,
  parseTrainingTrace,
  type TracedEpoch,
  type TracedParameter,
  type TracedRow,
  type TracedStep,
  type TrainedRun,
  type TrainingDeviation,
  type TrainingReport,
  type TrainingTrace,
} from "./training_trace.ts";
export type { TraceTensor } from "./trace_field.ts";
export type { NamedTensor, TensorData } from "../files/safetensors.ts";
