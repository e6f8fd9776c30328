/**
 * Checks a step against the device's limits before anything is allocated. Errors name the limit, the excess
 * and the largest size that fits.
 * @module
 */
import { InputError } from "../errors.ts";
import { type Gpu, mebibytes } from "../gpu/device.ts";
import type { Parameters } from "../graph/parameters.ts";
import { type Dispatch, padded, type Value } from "../graph/tensor.ts";

const number = (n: number) => n.toLocaleString("en-US");

/** Memory and dispatches that a step needs. */
export interface Demand {
  /** The step's name in errors. */
  readonly label: string;
  /** B. */
  readonly batchSize: number;
  /** The graph's parameters. They occupy one buffer; so do their gradients, and each kind of moments. */
  readonly parameters: Parameters;
  /** Computed values; each has its own buffer. */
  readonly values: readonly Value[];
  readonly dispatches: readonly Dispatch[];
}

/**
 * Checks that parameters, values and dispatches are within the device's limits.
 *
 * @throws InputError if one of them is not
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
 * Returns the workgroup size of a dispatch: its own or else the adapter's default, doubled until the number
 * of workgroups is within the device's limit.
 *
 * @param batchSize B, for the error
 * @throws InputError if the number of workgroups exceeds the limit at every allowed size
 */
export function workgroupSizeOf(gpu: Gpu, dispatch: Dispatch, batchSize: number): number {
  const { maxComputeWorkgroupsPerDimension, maxComputeInvocationsPerWorkgroup, maxComputeWorkgroupSizeX } =
    gpu.device.limits;
  const wanted = dispatch.workgroupSize ?? (gpu.isSoftware ? 8 : 64);
  const workgroups = (invocations: number) => Math.ceil(dispatch.invocations / invocations);
  // the tile of a workgroup kernel fixes its workgroup size, and a workgroup of a chain has its own rows
  const isFixed = dispatch.kernel?.kind === "workgroup" || dispatch.fused !== undefined;
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
