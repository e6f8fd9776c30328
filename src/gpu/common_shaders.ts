/**
 * The files of `shaders/common/`, keyed by the names that first lines of shaders use. Code that several
 * shaders share is written once, in one of them.
 * @module
 */
import activation from "../../shaders/common/activation.wgsl" with { type: "text" };
import dense_layer from "../../shaders/common/dense_layer.wgsl" with { type: "text" };
import dense_output from "../../shaders/common/dense_output.wgsl" with { type: "text" };
import logarithm from "../../shaders/common/logarithm.wgsl" with { type: "text" };
import operands_buffer from "../../shaders/common/operands_buffer.wgsl" with { type: "text" };
import operands_texture from "../../shaders/common/operands_texture.wgsl" with { type: "text" };
import padding from "../../shaders/common/padding.wgsl" with { type: "text" };
import reductions from "../../shaders/common/reductions.wgsl" with { type: "text" };
import register_tile from "../../shaders/common/register_tile.wgsl" with { type: "text" };
import step from "../../shaders/common/step.wgsl" with { type: "text" };
import weight_output from "../../shaders/common/weight_output.wgsl" with { type: "text" };
import weight_tile from "../../shaders/common/weight_tile.wgsl" with { type: "text" };
import workgroup_sum from "../../shaders/common/workgroup_sum.wgsl" with { type: "text" };
import workgroup_tile from "../../shaders/common/workgroup_tile.wgsl" with { type: "text" };
import type { ShaderPart } from "./shader.ts";

const files: Readonly<Record<string, string>> = {
  activation,
  dense_layer,
  dense_output,
  logarithm,
  operands_buffer,
  operands_texture,
  padding,
  reductions,
  register_tile,
  step,
  weight_output,
  weight_tile,
  workgroup_sum,
  workgroup_tile,
};

/** Common files, keyed by names such as `common/step.wgsl`. */
export const COMMON_SHADERS: Readonly<Record<string, ShaderPart>> = Object.fromEntries(
  Object.entries(files).map(([name, code]) => [
    `common/${name}.wgsl`,
    { path: `shaders/common/${name}.wgsl`, code },
  ]),
);
