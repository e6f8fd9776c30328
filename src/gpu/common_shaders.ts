/**
 * The files of `shaders/common/`, by the names that first lines of shaders call them by: each idea that several shaders
 * share stands in one of them, once.
 * @module
 */
import step from "../../shaders/common/step.wgsl" with { type: "text" };
import type { ShaderPart } from "./assemble.ts";

const files: Readonly<Record<string, string>> = { step };

/** By name, such as `common/step.wgsl`. */
export const COMMON_SHADERS: Readonly<Record<string, ShaderPart>> = Object.fromEntries(
  Object.entries(files).map(([name, code]) => [
    `common/${name}.wgsl`,
    { path: `shaders/common/${name}.wgsl`, code },
  ]),
);
