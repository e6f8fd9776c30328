/**
 * The files of `shaders/common/`, keyed by the names that first lines of shaders use. Code that several
 * shaders share is written once, in one of them.
 * @module
 */
import activation from "../../shaders/common/activation.wgsl" with { type: "text" };
import dense_activation from "../../shaders/common/dense_activation.wgsl" with { type: "text" };
import dense_layer from "../../shaders/common/dense_layer.wgsl" with { type: "text" };
import dense_link from "../../shaders/common/dense_link.wgsl" with { type: "text" };
import dense_output from "../../shaders/common/dense_output.wgsl" with { type: "text" };
import forward_tile from "../../shaders/common/forward_tile.wgsl" with { type: "text" };
import gradient_tile from "../../shaders/common/gradient_tile.wgsl" with { type: "text" };
import logarithm from "../../shaders/common/logarithm.wgsl" with { type: "text" };
import operands_buffer from "../../shaders/common/operands_buffer.wgsl" with { type: "text" };
import operands_texture from "../../shaders/common/operands_texture.wgsl" with { type: "text" };
import padding from "../../shaders/common/padding.wgsl" with { type: "text" };
import product from "../../shaders/common/product.wgsl" with { type: "text" };
import reductions from "../../shaders/common/reductions.wgsl" with { type: "text" };
import register_tile from "../../shaders/common/register_tile.wgsl" with { type: "text" };
import step from "../../shaders/common/step.wgsl" with { type: "text" };
import transposed_product from "../../shaders/common/transposed_product.wgsl" with { type: "text" };
import weight_earlier from "../../shaders/common/weight_earlier.wgsl" with { type: "text" };
import weight_output from "../../shaders/common/weight_output.wgsl" with { type: "text" };
import weight_product from "../../shaders/common/weight_product.wgsl" with { type: "text" };
import weight_tile from "../../shaders/common/weight_tile.wgsl" with { type: "text" };
import workgroup_sum from "../../shaders/common/workgroup_sum.wgsl" with { type: "text" };
import workgroup_tile from "../../shaders/common/workgroup_tile.wgsl" with { type: "text" };
import type { ShaderPart } from "./shader.ts";

const files: Readonly<Record<string, string>> = {
  activation,
  dense_activation,
  dense_layer,
  dense_link,
  dense_output,
  forward_tile,
  gradient_tile,
  logarithm,
  operands_buffer,
  operands_texture,
  padding,
  product,
  reductions,
  register_tile,
  step,
  transposed_product,
  weight_earlier,
  weight_output,
  weight_product,
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
