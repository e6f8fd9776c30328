/**
 * Training traces: whole trainings that another framework did by itself, from the same weights, order and noise, and how
 * far a run of the recipe's own script is from one (the format is in ARCHITECTURE.md).
 * @module
 */
import type { TableRow } from "../report/results_table.ts";
import type { MetricsRecord } from "../report/run_data.ts";
import type { NamedTensor } from "../files/safetensors.ts";
import { TOLERANCES } from "./tolerances.ts";
import { Field } from "./trace_field.ts";

/** One training step. */
export interface TracedStep {
  /** The pass over the images that it belongs to, from 1, over all stages. */
  readonly epoch: number;
  /** The stage, from 0, of a recipe that trains in stages. */
  readonly stage: number | undefined;
  /** Each term of the loss before the update, without its weight, as `metrics.jsonl` has it. */
  readonly losses: ReadonlyMap<string, number>;
  /** The norm of all gradients before clipping, if they are clipped. */
  readonly gradientNorm: number | undefined;
}

/** What was measured on the test images after an epoch. */
export interface TracedEpoch {
  /** Which epoch. */
  readonly epoch: number;
  /** Steps done by then. */
  readonly step: number;
  /** `testError` and `test.<term>`, as `metrics.jsonl` has them. */
  readonly figures: ReadonlyMap<string, number>;
}

/** A parameter after training. */
export interface TracedParameter {
  /** PyTorch's shape. */
  readonly shape: readonly number[];
  /** The norm of all its numbers. */
  readonly norm: number;
  /** The norm of what training changed. */
  readonly change: number;
  /** Places in it, row-major. */
  readonly at: readonly number[];
  /** The numbers there. */
  readonly values: readonly number[];
}

/** A row of the results table. */
export interface TracedRow {
  /** Its label. */
  readonly label: string;
  /** Its figure. */
  readonly value: number;
  /** What a level's row says of both of its sides. */
  readonly spread: readonly number[] | undefined;
}

/** A training trace. */
export interface TrainingTrace {
  /** Where it was read from. */
  readonly name: string;
  /** The recipe's name. */
  readonly recipe: string;
  /** The flags of its script. */
  readonly flags: readonly string[];
  /** The name of the data file, which lies beside the trace; the data set of the flags if absent. */
  readonly data: string | undefined;
  /** All steps, in order. */
  readonly steps: readonly TracedStep[];
  /** All measurements on test images, in order. */
  readonly epochs: readonly TracedEpoch[];
  /** What training ended with, by `state_dict` name. */
  readonly parameters: ReadonlyMap<string, TracedParameter>;
  /** The results table, in order. */
  readonly table: readonly TracedRow[];
}

/** The format's name. */
const FORMAT = "autoencoder-training/1";

/**
 * Reads a training trace.
 *
 * @param text the file's text
 * @param name its name, for errors
 * @param recipes the recipes that can be trained
 * @throws InputError for anything that is missing, of a wrong type, or not known
 */
export function parseTrainingTrace(text: string, name: string, recipes: readonly string[]): TrainingTrace {
  const root = Field.parse(text, name);
  root.get("format").oneOf([FORMAT]);
  root.onlyHas(["format", "recipe", "flags", "data", "steps", "epochs", "parameters", "table"]);
  const data = root.has("data") ? root.get("data") : undefined;
  if (data && !/^[\w-][\w.-]*$/.test(data.text())) {
    throw data.error("expected the name of a file beside the trace, of letters, digits, - and .");
  }
  const steps = root.get("steps").list().map(readStep);
  if (steps.length === 0) throw root.get("steps").error("expected at least one step");
  return {
    name,
    recipe: root.get("recipe").oneOf(recipes),
    flags: root.get("flags").text().split(/\s+/).filter(Boolean),
    data: data?.text(),
    steps,
    epochs: root.get("epochs").list().map(readEpoch),
    parameters: root.get("parameters").entries(readParameter),
    table: root.get("table").list().map(readRow),
  };
}

function readStep(step: Field): TracedStep {
  step.onlyHas(["epoch", "stage", "losses", "gradientNorm"]);
  return {
    epoch: step.get("epoch").integer(1),
    stage: step.has("stage") ? step.get("stage").integer(0) : undefined,
    losses: step.get("losses").numbers(),
    gradientNorm: step.has("gradientNorm") ? step.get("gradientNorm").number() : undefined,
  };
}

function readEpoch(epoch: Field): TracedEpoch {
  const { epoch: _, step: __, stage: ___, ...figures } = Object.fromEntries(epoch.numbers());
  return {
    epoch: epoch.get("epoch").integer(1),
    step: epoch.get("step").integer(1),
    figures: new Map(Object.entries(figures)),
  };
}

function readParameter(parameter: Field): TracedParameter {
  parameter.onlyHas(["shape", "norm", "change", "at", "values"]);
  const shape = parameter.get("shape").list().map((size) => size.integer(1));
  const count = shape.reduce((product, size) => product * size, 1);
  const at = parameter.get("at").list().map((place) => place.integer(0));
  const values = parameter.get("values").list().map((value) => value.number());
  if (at.length === 0 || at.length !== values.length || at.some((place) => place >= count)) {
    throw parameter.error(`expected as many "values" as places "at", all below ${count}`);
  }
  const positive = (key: string) => parameter.get(key).numberIn("of at least 0", (value) => value >= 0);
  return { shape, norm: positive("norm"), change: positive("change"), at, values };
}

function readRow(row: Field): TracedRow {
  row.onlyHas(["label", "value", "spread"]);
  const spread = row.has("spread") ? row.get("spread").list().map((side) => side.number()) : undefined;
  return { label: row.get("label").text(), value: row.get("value").number(), spread };
}

/** What a run leaves, as far as it is compared. */
export interface TrainedRun {
  /** The lines of `metrics.jsonl`. */
  readonly metrics: readonly MetricsRecord[];
  /** The tensors of `model.safetensors`. */
  readonly tensors: readonly NamedTensor[];
  /** The rows of `results.json`. */
  readonly rows: readonly TableRow[];
}

/** The largest deviation of one kind, measured by its own bound. */
export interface TrainingDeviation {
  /** How far it is off: see the tolerance of its kind. NaN if something is not finite. */
  readonly error: number;
  /** How far it may be off. */
  readonly bound: number;
  /** Where: a step and a term, a parameter, a row. */
  readonly of: string;
}

/** How far a run is from a training trace. */
export interface TrainingReport {
  /** The trace's name. */
  readonly name: string;
  /** How many steps there were. */
  readonly steps: number;
  /** The worst of the losses and gradient norms, the figures of test images, the parameters and the results table. */
  readonly worst: Readonly<Record<DeviationKind, TrainingDeviation>>;
  /** What one of the two has and the other has not. */
  readonly differences: readonly string[];
  /** Whether all is there and within bounds. */
  readonly passed: boolean;
}

/** What is compared. */
export type DeviationKind = "losses" | "test figures" | "parameters" | "table";

const KINDS: readonly DeviationKind[] = ["losses", "test figures", "parameters", "table"];
/** Rows whose figure counts images: some of them may lie within rounding of being counted otherwise. */
const COUNTED = "5-nearest-neighbor accuracy";
/** A range is a difference of codes, each of which is rounded: smaller ones are measured by this. */
const LEAST_RANGE = 0.1;
/** What a level's row says of its sides. */
const SPREAD = /spread ([\d.]+) in the encoder, ([\d.]+) in the decoder/;

/**
 * Compares a run with a training trace. The run must have been reported after every step (`--log-every 1`).
 *
 * @returns the worst deviation of each kind; a number that is missing is a difference, and the run does not pass
 */
export function compareTraining(
  trace: TrainingTrace,
  { metrics, tensors, rows }: TrainedRun,
): TrainingReport {
  const deviations = new Map<DeviationKind, TrainingDeviation[]>(KINDS.map((kind) => [kind, []]));
  const differences: string[] = [];
  const add = (kind: DeviationKind, of: string, error: number, bound: number) =>
    deviations.get(kind)!.push({ of, error, bound });
  const relative = (
    kind: DeviationKind,
    of: string,
    actual: unknown,
    expected: number,
    bound: number,
    least = 1e-9,
  ) => {
    if (typeof actual !== "number") differences.push(`${of}: expected ${expected} but found nothing`);
    else add(kind, of, Math.abs(actual - expected) / Math.max(Math.abs(expected), least), bound);
  };
  const counts = (what: string, actual: number, expected: number) => {
    if (actual !== expected) differences.push(`expected ${expected} ${what} but found ${actual}`);
  };

  const reported = metrics.filter((line) => "step" in line);
  const reports = reported.filter((line) => !("testError" in line));
  counts("steps", reports.length, trace.steps.length);
  for (const [k, { epoch, stage, losses, gradientNorm }] of trace.steps.entries()) {
    const line = reports[k] ?? {}, of = `step ${k + 1}`;
    for (const [key, value] of Object.entries({ step: k + 1, epoch, stage })) {
      if (line[key] !== value) differences.push(`${of}: expected ${key} ${value} but found ${line[key]}`);
    }
    for (const [label, loss] of losses) {
      relative("losses", `${label} of ${of}`, line[label], loss, TOLERANCES.trainingLoss);
    }
    if (gradientNorm !== undefined) {
      relative("losses", `gradient norm of ${of}`, line.gradientNorm, gradientNorm, TOLERANCES.trainingLoss);
    }
  }

  const measured = reported.filter((line) => "testError" in line);
  counts("measurements on test images", measured.length, trace.epochs.length);
  for (const [k, { epoch, step, figures }] of trace.epochs.entries()) {
    const line = measured[k] ?? {};
    for (const [key, value] of Object.entries({ step, epoch })) {
      if (line[key] !== value) {
        differences.push(`epoch ${epoch}: expected ${key} ${value} but found ${line[key]}`);
      }
    }
    for (const [label, figure] of figures) {
      relative("test figures", `${label} of epoch ${epoch}`, line[label], figure, TOLERANCES.trainingFigure);
    }
  }

  counts("parameters", tensors.length, trace.parameters.size);
  for (const [name, parameter] of trace.parameters) {
    const tensor = tensors.find((tensor) => tensor.name === name);
    if (!tensor || tensor.shape.join() !== parameter.shape.join()) {
      const found = tensor ? `[${tensor.shape.join(", ")}]` : "none";
      differences.push(`${name}: expected shape [${parameter.shape.join(", ")}] but found ${found}`);
    } else {
      const bound = TOLERANCES.trainingParameter + roundingOf(parameter, trace.steps.length);
      add("parameters", name, parameterError(tensor.data, parameter), bound);
    }
  }

  counts("rows of the results table", rows.length, trace.table.length);
  for (const [k, { label, value, spread }] of trace.table.entries()) {
    const row = rows[k], of = label.trim();
    if (row?.label !== label) differences.push(`row ${k + 1}: expected "${label}" but found "${row?.label}"`);
    else if (label === COUNTED) {
      add("table", of, Math.abs(Number(row.value) - value), TOLERANCES.trainingAccuracy);
    } else {
      const least = label.startsWith("range of") ? LEAST_RANGE : undefined;
      relative("table", of, row.value, value, TOLERANCES.trainingFigure, least);
    }
    const kinkSides = SPREAD.exec(row?.unit ?? "")?.slice(1).map(Number);
    for (const [side, wanted] of spread?.entries() ?? []) {
      add(
        "table",
        `spread of ${of}`,
        Math.abs((kinkSides?.[side] ?? NaN) - wanted),
        0.5e-4 + TOLERANCES.trainingFigure,
      );
    }
  }

  const worst = Object.fromEntries(KINDS.map((kind) => [kind, worstOf(deviations.get(kind)!)])) as Record<
    DeviationKind,
    TrainingDeviation
  >;
  const passed = differences.length === 0 && Object.values(worst).every(isWithin);
  return { name: trace.name, steps: trace.steps.length, worst, differences, passed };
}

/** What float32 loses where steps are small: half a unit of each number in each step, by what training changed. */
function roundingOf({ norm, change }: TracedParameter, steps: number): number {
  return change > 0 ? steps * 2 ** -24 * norm / change : 0;
}

/** Distance from the traced numbers and the norm, by how far training moved a number, or if it did not, by its size. */
function parameterError(actual: Float32Array, { norm, change, at, values }: TracedParameter): number {
  const scale = change > 0 ? change : norm > 0 ? norm : 1;
  const squares = at.reduce((sum, place, k) => sum + (actual[place] - values[k]) ** 2, 0);
  const distance = Math.sqrt(squares / at.length * actual.length);
  const found = Math.sqrt(actual.reduce((sum, value) => sum + value * value, 0));
  const worst = Math.max(distance, Math.abs(found - norm)) / scale;
  return Number.isFinite(found + distance) ? worst : NaN;
}

function isWithin({ error, bound }: TrainingDeviation): boolean {
  return error <= bound; // NaN is not
}

/** The deviation that is the largest share of its bound. */
function worstOf(deviations: readonly TrainingDeviation[]): TrainingDeviation {
  const share = ({ error, bound }: TrainingDeviation) => Number.isNaN(error) ? Infinity : error / bound;
  return deviations.reduce((worst, one) => share(one) > share(worst) ? one : worst, {
    of: "nothing",
    error: 0,
    bound: 1,
  });
}

/** One line for a person, and one more for what does not agree. */
export function formatTrainingReport({ name, steps, worst, differences, passed }: TrainingReport): string {
  const figure = (value: number) => value === 0 ? "0" : value.toExponential(1);
  const shown = KINDS.map((kind) => {
    const { error, bound, of } = worst[kind];
    return `${kind} ${figure(error)} (${of}${isWithin(worst[kind]) ? "" : `; bound ${figure(bound)}`})`;
  });
  const line = `${passed ? "pass" : "FAIL"}  ${name}: ${steps} steps, ${shown.join(", ")}`;
  const more = differences.length > 1 ? `, and ${differences.length - 1} more` : "";
  return differences.length === 0 ? line : `${line}\n      ${differences[0]}${more}`;
}
