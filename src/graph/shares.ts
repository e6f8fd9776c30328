/**
 * Sizes of dispatches whose workgroups have shares of their own, through which their invocations go side by
 * side. On a processor this is faster than strides over all invocations, which touch each page many times; on a
 * GPU neighbors still read neighbors.
 * @module
 */
import type { DeviceTraits } from "./graph.ts";
import type { Dispatch } from "./tensor.ts";

/** Invocations of a workgroup that do not share memory: a processor's vector, or enough to hide a GPU's waits. */
const INVOCATIONS = { processor: 8, gpu: 64 };
/** Vec4 per workgroup: enough to be worth the start of one, and on a GPU few, so that there are many. */
const SHARE = { processor: 1024, gpu: 256 };
/** Most workgroups of a dispatch; larger arrays have larger shares. */
const MOST_WORKGROUPS = 4096;

/** Size of a dispatch. */
export type Size = Required<Pick<Dispatch, "invocations" | "workgroupSize">>;

const kindOf = ({ isSoftware }: DeviceTraits) => isSoftware ? "processor" : "gpu";

/** One share without gaps of an array of `count` vec4, at least 1, per workgroup. */
export function inShares(traits: DeviceTraits, count: number): Size {
  const kind = kindOf(traits), workgroupSize = INVOCATIONS[kind];
  const workgroups = Math.min(Math.ceil(count / SHARE[kind]), MOST_WORKGROUPS);
  return { workgroupSize, invocations: workgroupSize * workgroups };
}

/** One row of a matrix per workgroup, or more if there are many: every so many workgroups, the next. */
export function inRows(traits: DeviceTraits, rows: number): Size {
  const workgroupSize = INVOCATIONS[kindOf(traits)];
  return { workgroupSize, invocations: workgroupSize * Math.min(rows, MOST_WORKGROUPS) };
}
