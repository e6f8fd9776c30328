/**
 * The numbers by which shaders know activations and reductions, as WGSL constants.
 * @module
 */
import { REDUCTIONS } from "./graph.ts";
import { ACTIVATIONS } from "./tensor.ts";
import type { ShaderPart } from "../gpu/shader.ts";

/**
 * `const ACTIVATION_TANH = 2u;` and the like, and how many there are, which `shaders/common/activation.wgsl` and
 * `reductions.wgsl` compare with the cases of their switches. It stands before every shader of a step.
 */
export const SHADER_NUMBERS: ShaderPart = {
  path: "src/graph/shader_numbers.ts",
  code: [constantsOf("ACTIVATION", ACTIVATIONS), constantsOf("REDUCTION", REDUCTIONS)].join(""),
};

function constantsOf(prefix: string, numbers: Readonly<Record<string, number>>): string {
  const entries = [...Object.entries(numbers), ["count", Object.keys(numbers).length] as const];
  return entries.map(([name, number]) => `const ${prefix}_${name.toUpperCase()} = ${number}u;\n`).join("");
}
