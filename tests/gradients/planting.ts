/**
 * Plants faults in shaders one at a time, and reports the kernel check that notices each.
 * @module
 */
import { KERNEL_ACTIVATIONS } from "../../src/check/every_op.ts";
import { KERNEL_KINDS } from "../../src/gpu/product_kernel.ts";
import { faultyGpu, variantOf, withFault } from "../helpers/faults.ts";
import { describe, type ShaderFault } from "./faults.ts";
import { findWrongChain } from "./chain_check.ts";
import {
  everyOpCheck,
  type Finding,
  findWrongExtreme,
  findWrongTensorStats,
  findWrongUpdate,
  LOSS_FILES,
  LOSS_KINDS,
} from "./kernel_checks.ts";

/** A noticed fault, with the check's finding. */
export interface Noticed extends Finding {
  readonly fault: ShaderFault;
}

/** A check of kernels, with what it finds. */
type Check = () => Promise<Finding | undefined>;

/** Result of planting faults. */
export interface Planted {
  readonly noticed: readonly Noticed[];
  /** Descriptions of the faults that no check noticed. */
  readonly survivors: readonly string[];
}

/**
 * Compares sound kernels with the reference, then kernels with each of the faults.
 *
 * @throws Error if a check fails without a fault
 */
export async function plantAll(faults: readonly ShaderFault[]): Promise<Planted> {
  const gpu = await faultyGpu();
  using owned = new DisposableStack();
  // The network's part with one activation is a third of the work, and notices most.
  const whole = everyOpCheck(gpu, owned);
  const parts = KERNEL_ACTIVATIONS.map((name) => ({ name, check: everyOpCheck(gpu, owned, [name]) }));
  /** The parts of the network, first the one with the activation that the fault is about, and then the whole. */
  const everyOp = ({ fault }: Pick<ShaderFault, "fault">) => {
    const [about, others] = [true, false].map((is) =>
      parts.filter(({ name }) => fault.toLowerCase().includes(name) === is)
    );
    return [...about, ...others].map(({ check }) => check).concat(whole);
  };
  const extremes = LOSS_KINDS.map((kind) => () => findWrongExtreme(gpu, kind));
  const chains = () => findWrongChain(gpu);
  const [updates, stats] = [() => findWrongUpdate(gpu), () => findWrongTensorStats(gpu)];

  const used = new Set(faults.map(variantOf));
  for (const kind of KERNEL_KINDS.filter((kind) => used.has(kind))) {
    gpu.kernels = { kind };
    const sound = everyOp({ fault: "" });
    const others = { register: [...extremes, updates, stats], fused: [chains] } as Partial<
      Record<string, Check[]>
    >;
    const checks = [...sound, ...others[kind] ?? []];
    for (const check of checks) {
      const found = await check();
      if (found) throw new Error(`${kind} kernels without a fault: ${found.message}`);
    }
  }
  /** Checks that may notice a fault in a shader, the most likely first. */
  function checksOf(fault: ShaderFault) {
    const { shader } = fault;
    if (shader === "optim/watch.wgsl") return [stats];
    if (shader.startsWith("layers/dense_chain_")) return [chains, ...everyOp(fault)];
    if (shader.startsWith("optim/")) return [updates];
    const ofLoss = LOSS_KINDS.findIndex((kind) => shader === `losses/${LOSS_FILES[kind]}.wgsl`);
    if (ofLoss >= 0) return [...everyOp(fault), extremes[ofLoss]];
    return shader.startsWith("losses/") ? [...everyOp(fault), ...extremes] : everyOp(fault);
  }
  const noticed: Noticed[] = [], survivors: string[] = [];
  for (const fault of faults) {
    await withFault(fault, async () => {
      let found: Finding | undefined;
      for (const check of checksOf(fault)) found ??= await check();
      gpu.check("a faulty run");
      if (found) noticed.push({ fault, ...found });
      else survivors.push(describe(fault));
    });
  }
  return { noticed, survivors };
}
