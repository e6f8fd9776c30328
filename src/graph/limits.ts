/**
 * What a device allows, asked before anything is allocated: errors name the limit, by how much it is passed, and what
 * would fit.
 * @module
 */
import { InputError } from "../errors.ts";
import { type Gpu, mebibytes } from "../gpu/device.ts";
import type { Parameters } from "./parameters.ts";
import { type Dispatch, padded, type Value } from "./tensor.ts";

const number = (n: number) => n.toLocaleString("en-US");

/** What a step is about to allocate and run. */
export interface Demand {
  /** The step's name in errors. */
  readonly label: string;
  /** B. */
  readonly batchSize: number;
  /** The graph's parameters, which lie in one buffer, as their gradients and moments do. */
  readonly parameters: Parameters;
  /** The values that are computed, each of which has a buffer. */
  readonly values: readonly Value[];
  /** What runs. */
  readonly dispatches: readonly Dispatch[];
}

/**
 * Checks that parameters, values and dispatches fit.
 *
 * @throws InputError if one of them does not
 */
export function checkLimits(gpu: Gpu, { label, batchSize, parameters, values, dispatches }: Demand): void {
  const { bufferBytes, bufferLimit } = gpu;
  const excess = (bytes: number) =>
    `needs ${mebibytes(bytes)}, ${
      mebibytes(bytes - bufferBytes)
    } more than this device's ${bufferLimit} of ` +
    mebibytes(bufferBytes);
  if (parameters.bytes > bufferBytes) {
    const [largest] = parameters.all.toSorted((a, b) => b.bytes - a.bytes);
    throw new InputError(
      `Cannot compile "${label}": a buffer of its ${number(parameters.count)} parameters, of which ` +
        `"${largest.name}" has [${largest.shape.join(", ")}], ${excess(parameters.bytes)}; at most ` +
        `${number(Math.floor(bufferBytes / 4))} parameters fit: use smaller layers`,
      { settings: ["sizes"] },
    );
  }
  const [widest] = values.toSorted((a, b) => b.width - a.width);
  if (widest && widest.tensor.bytes > bufferBytes) {
    const rows = Math.floor(bufferBytes / (4 * padded(widest.width)));
    throw new InputError(
      `Cannot compile "${label}" for batches of ${number(batchSize)}: "${widest.label}" ` +
        `[${batchSize}, ${widest.width}] ${excess(widest.tensor.bytes)}; ` +
        (rows > 0 ? `batches of at most ${number(rows)} fit` : "not even one row fits: use smaller layers"),
      { settings: [rows > 0 ? "batchSize" : "sizes"] },
    );
  }
  for (const dispatch of dispatches) workgroupSizeOf(gpu, dispatch, batchSize);
}

/**
 * Invocations of a dispatch's workgroups: what it wants or else the adapter's usual number, and more where there would be more
 * workgroups than the device allows.
 *
 * @param batchSize B, for the error
 * @throws InputError if there are more even so
 */
export function workgroupSizeOf(gpu: Gpu, dispatch: Dispatch, batchSize: number): number {
  const { maxComputeWorkgroupsPerDimension, maxComputeInvocationsPerWorkgroup, maxComputeWorkgroupSizeX } =
    gpu.device.limits;
  const wanted = dispatch.workgroupSize ?? (gpu.isSoftware ? 8 : 64);
  const workgroups = (invocations: number) => Math.ceil(dispatch.invocations / invocations);
  // invocations that share memory are as many as their tile needs
  const isFixed = dispatch.kernel?.kind === "workgroup";
  const most = isFixed ? wanted : Math.min(maxComputeInvocationsPerWorkgroup, maxComputeWorkgroupSizeX);
  let invocations = wanted;
  while (workgroups(invocations) > maxComputeWorkgroupsPerDimension && 2 * invocations <= most) {
    invocations *= 2;
  }
  if (workgroups(invocations) <= maxComputeWorkgroupsPerDimension) return invocations;
  const excess = workgroups(invocations) - maxComputeWorkgroupsPerDimension;
  const rows = Math.floor(batchSize * maxComputeWorkgroupsPerDimension / workgroups(invocations));
  throw new InputError(
    `Cannot dispatch "${dispatch.label}": it needs ${
      number(workgroups(invocations))
    } workgroups of ${invocations}, ` +
      `${number(excess)} more than this device's maxComputeWorkgroupsPerDimension of ` +
      `${number(maxComputeWorkgroupsPerDimension)}; use batches of at most ${
        number(Math.max(1, rows))
      }, or ` +
      "smaller layers",
    { settings: ["batchSize", "sizes"] },
  );
}
