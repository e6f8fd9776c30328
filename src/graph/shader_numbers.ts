/**
 * Numbers of activations and reductions in shaders, as WGSL constants.
 * @module
 */
import { REDUCTIONS } from "./graph.ts";
import { ACTIVATIONS } from "./tensor.ts";
import type { ShaderPart } from "../gpu/shader.ts";

/**
 * Constants such as `const ACTIVATION_TANH = 2u;`, placed before every shader of a step.
 * `shaders/common/activation.wgsl` and `reductions.wgsl` compare the counts with the cases of their switches.
 */
export const SHADER_NUMBERS: ShaderPart = {
  path: "src/graph/shader_numbers.ts",
  code: [constantsOf("ACTIVATION", ACTIVATIONS), constantsOf("REDUCTION", REDUCTIONS)].join(""),
};

function constantsOf(prefix: string, numbers: Readonly<Record<string, number>>): string {
  const entries = [...Object.entries(numbers), ["count", Object.keys(numbers).length] as const];
  return entries.map(([name, number]) => `const ${prefix}_${name.toUpperCase()} = ${number}u;\n`).join("");
}
