/**
 * ONNX files: a graph of float32 operators with its weights. Field numbers are those of `onnx.proto`.
 *
 * Source: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 * @module
 */
import {
  bytesField,
  type Encoded,
  floatField,
  integerField,
  joinFields,
  messageField,
  textField,
} from "./protobuf.ts";

/** Version of the operators. */
export const OPSET = 17;
/** Version of the file format that came with this opset. */
const IR_VERSION = 8;
/** Values of enumerations in `onnx.proto`. */
const FLOAT_TENSOR = 1, ATTRIBUTE = { float: 1, int: 2, ints: 7 } as const;

/** An attribute of an operator. */
export type OnnxAttribute = { readonly float: number } | { readonly int: number } | {
  readonly ints: readonly number[];
};

/** One operator. Inputs and output are names of values. */
export interface OnnxNode {
  /** Name of the operator, such as `Gemm`. */
  readonly op: string;
  readonly inputs: readonly string[];
  readonly output: string;
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>;
}

/** A constant tensor. */
export interface OnnxTensor {
  readonly name: string;
  /** Sizes, row-major; empty for a scalar. */
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** An input or output of the graph. */
export interface OnnxValue {
  readonly name: string;
  /** Sizes; a text names a size that is free. */
  readonly shape: readonly (number | string)[];
}

/** A graph: nodes in an order in which each input is computed before it is used. */
export interface OnnxGraph {
  readonly name: string;
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxTensor[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
}

/**
 * Encodes an ONNX file.
 *
 * @param graph the graph
 * @param metadata text by key, for readers such as Netron
 */
export function encodeOnnx(
  graph: OnnxGraph,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  return joinFields([
    integerField(1, IR_VERSION),
    textField(2, "bottleneck"),
    messageField(7, [
      ...graph.nodes.map((node) => messageField(1, nodeFields(node))),
      textField(2, graph.name),
      ...graph.initializers.map((tensor) => messageField(5, tensorFields(tensor))),
      ...graph.inputs.map((value) => messageField(11, valueFields(value))),
      ...graph.outputs.map((value) => messageField(12, valueFields(value))),
    ]),
    messageField(8, [textField(1, ""), integerField(2, OPSET)]),
    ...Object.entries(metadata).map(([key, text]) =>
      messageField(14, [textField(1, key), textField(2, text)])
    ),
  ]);
}

function nodeFields({ op, inputs, output, attributes = {} }: OnnxNode): Encoded[] {
  return [
    ...inputs.map((name) => textField(1, name)),
    textField(2, output),
    textField(3, output), // a node has the name of its output
    textField(4, op),
    ...Object.entries(attributes).map(([name, value]) =>
      messageField(5, [textField(1, name), ...attributeFields(value)])
    ),
  ];
}

function attributeFields(value: OnnxAttribute): Encoded[] {
  if ("float" in value) return [floatField(2, value.float), integerField(20, ATTRIBUTE.float)];
  if ("int" in value) return [integerField(3, value.int), integerField(20, ATTRIBUTE.int)];
  return [...value.ints.map((int) => integerField(8, int)), integerField(20, ATTRIBUTE.ints)];
}

function tensorFields({ name, shape, data }: OnnxTensor): Encoded[] {
  return [
    ...shape.map((size) => integerField(1, size)),
    integerField(2, FLOAT_TENSOR),
    textField(8, name),
    bytesField(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
  ];
}

function valueFields({ name, shape }: OnnxValue): Encoded[] {
  const sizes = shape.map((size) =>
    messageField(1, [typeof size === "number" ? integerField(1, size) : textField(2, size)])
  );
  const tensor = [integerField(1, FLOAT_TENSOR), messageField(2, sizes)];
  return [textField(1, name), messageField(2, [messageField(1, tensor)])];
}
