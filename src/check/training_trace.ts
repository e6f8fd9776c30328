/**
 * Training traces: whole training runs of another framework with the same weights, order and noise, and their
 * comparison with a run of the recipe's script (ARCHITECTURE.md describes the format).
 * @module
 */
import type { TableRow } from "../report/results_table.ts";
import type { MetricsRecord } from "../report/run_data.ts";
import type { NamedTensor } from "../files/safetensors.ts";
import { TOLERANCES } from "./tolerances.ts";
import { Field } from "./trace_field.ts";

/** One training step. */
export interface TracedStep {
  /** Epoch of the step, counted from 1 over all stages. */
  readonly epoch: number;
  /** Stage, counted from 0; undefined without stages. */
  readonly stage: number | undefined;
  /** Loss terms before the update, without their weights, named as in `metrics.jsonl`. */
  readonly losses: ReadonlyMap<string, number>;
  /** Global gradient norm before clipping; undefined without clipping. */
  readonly gradientNorm: number | undefined;
}

/** Measurements on the test images after an epoch. */
export interface TracedEpoch {
  /** Epoch, counted from 1. */
  readonly epoch: number;
  /** Number of steps at the end of the epoch. */
  readonly step: number;
  /** `testError` and `test.<term>`, as in `metrics.jsonl`. */
  readonly figures: ReadonlyMap<string, number>;
}

/** A parameter after training. */
export interface TracedParameter {
  /** Shape in PyTorch's layout. */
  readonly shape: readonly number[];
  /** Norm of the parameter. */
  readonly norm: number;
  /** Norm of its change by training. */
  readonly change: number;
  /** Row-major indices of sampled elements. */
  readonly at: readonly number[];
  /** Values of these elements. */
  readonly values: readonly number[];
}

/** A row of the results table. */
export interface TracedRow {
  /** Label of the row. */
  readonly label: string;
  /** Value of the row. */
  readonly value: number;
  /** Spreads in encoder and decoder, for the row of a level. */
  readonly spread: readonly number[] | undefined;
}

/** A training trace of another framework. */
export interface TrainingTrace {
  /** Name of the file, for messages. */
  readonly name: string;
  /** Name of the recipe. */
  readonly recipe: string;
  /** Flags of the recipe's script. */
  readonly flags: readonly string[];
  /** Name of the data file beside the trace; the data set of the flags if absent. */
  readonly data: string | undefined;
  /** All steps, in order. */
  readonly steps: readonly TracedStep[];
  /** All measurements on test images, in order. */
  readonly epochs: readonly TracedEpoch[];
  /** Final parameters, by `state_dict` name. */
  readonly parameters: ReadonlyMap<string, TracedParameter>;
  /** Rows of the results table, in order. */
  readonly table: readonly TracedRow[];
}

const FORMAT = "autoencoder-training/1";

/**
 * Parses a training trace.
 *
 * @param text content of the file
 * @param name name of the file, for errors
 * @param recipes names of the recipes that can be trained
 * @throws InputError if a field is missing, has a wrong type or is unknown
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

/** Files of a run that are compared with a trace. */
export interface TrainedRun {
  /** The lines of `metrics.jsonl`. */
  readonly metrics: readonly MetricsRecord[];
  /** The tensors of `model.safetensors`. */
  readonly tensors: readonly NamedTensor[];
  /** The rows of `results.json`. */
  readonly rows: readonly TableRow[];
}

/** The largest deviation of one kind, relative to its bound. */
export interface TrainingDeviation {
  /** Error, as defined at the tolerance of its kind; NaN if something is not finite. */
  readonly error: number;
  /** Largest accepted error. */
  readonly bound: number;
  /** Name of the step and term, parameter or row. */
  readonly of: string;
}

/** Result of {@link compareTraining}. */
export interface TrainingReport {
  /** Name of the trace. */
  readonly name: string;
  /** Number of steps. */
  readonly steps: number;
  /** Worst deviation of each kind; `losses` includes gradient norms. */
  readonly worst: Readonly<Record<DeviationKind, TrainingDeviation>>;
  /** Items that only one of the two has, in words. */
  readonly differences: readonly string[];
  /** True if nothing is missing and all deviations are within bounds. */
  readonly passed: boolean;
}

/** Kinds of results that are compared. */
export type DeviationKind = "losses" | "test figures" | "parameters" | "table";

const KINDS: readonly DeviationKind[] = ["losses", "test figures", "parameters", "table"];
/** Label of the row that counts images; rounding may change the count of some. */
const COUNTED = "5-nearest-neighbor accuracy";
/** Smallest scale of the error of a code range, which is a difference of rounded codes. */
const LEAST_RANGE = 0.1;
/** Text in the row of a level. */
const SPREAD = /spread ([\d.]+) in the encoder, ([\d.]+) in the decoder/;

/**
 * Compares a run with a training trace. The run must have logged every step (`--log-every 1`).
 *
 * @returns the worst deviation of each kind; a missing number is a difference, so the run does not pass
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
    const deviations = SPREAD.exec(row?.unit ?? "")?.slice(1).map(Number);
    for (const [side, wanted] of spread?.entries() ?? []) {
      add(
        "table",
        `spread of ${of}`,
        Math.abs((deviations?.[side] ?? NaN) - wanted),
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

/** Rounding error of all updates, half an ULP per element and step, relative to the change by training. */
function roundingOf({ norm, change }: TracedParameter, steps: number): number {
  return change > 0 ? steps * 2 ** -24 * norm / change : 0;
}

/**
 * Distance from the traced elements and norm, relative to the change by training or, if zero, to the norm.
 */
function parameterError(actual: Float32Array, { norm, change, at, values }: TracedParameter): number {
  const scale = change > 0 ? change : norm > 0 ? norm : 1;
  const squares = at.reduce((sum, place, k) => sum + (actual[place] - values[k]) ** 2, 0);
  const distance = Math.sqrt(squares / at.length * actual.length);
  const found = Math.sqrt(actual.reduce((sum, value) => sum + value * value, 0));
  const worst = Math.max(distance, Math.abs(found - norm)) / scale;
  return Number.isFinite(found + distance) ? worst : NaN;
}

function isWithin({ error, bound }: TrainingDeviation): boolean {
  return error <= bound; // false for NaN
}

/** Returns the largest deviation relative to its bound. */
function worstOf(deviations: readonly TrainingDeviation[]): TrainingDeviation {
  const share = ({ error, bound }: TrainingDeviation) => Number.isNaN(error) ? Infinity : error / bound;
  return deviations.reduce((worst, one) => share(one) > share(worst) ? one : worst, {
    of: "nothing",
    error: 0,
    bound: 1,
  });
}

/** Formats a report as one line, and a second one with the differences. */
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
