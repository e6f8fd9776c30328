/**
 * A trained network as an ONNX file: input rows in, codes, reconstructions and scores out.
 * @module
 */
import { InputError } from "../errors.ts";
import type { Node } from "../graph/graph.ts";
import { nodesFor } from "../graph/parts.ts";
import type { Value } from "../graph/tensor.ts";
import { checkScale, rowOf, targetNode, type TrainedNetwork } from "./network.ts";
import { encodeOnnx, type OnnxGraph, type OnnxNode, type OnnxTensor } from "./onnx_file.ts";

/** Names of the file's input and outputs. */
const INPUT = "input", CODE = "code", RECONSTRUCTION = "reconstruction", SCORE = "score";

/** Builds the file's graph: unique names, nodes and constants. */
interface Builder {
  /** Appends an operator and returns the name of its output. */
  add(op: string, inputs: readonly string[], label: string, attributes?: OnnxNode["attributes"]): string;
  /** Adds a constant, once for each label, and returns its name. */
  constant(label: string, data: Float32Array, shape?: readonly number[]): string;
}

/** Operators of an activation; `c` are the constants of a built-in function. */
type ActivationForm = (b: Builder, x: string, label: string, c: Readonly<Record<string, number>>) => string;

const scalar = (b: Builder, label: string, value: number) => b.constant(label, Float32Array.of(value), []);

/** ONNX form of each activation in `ACTIVATION_NAMES`. */
const ACTIVATION_FORMS: Readonly<Record<string, ActivationForm>> = {
  identity: (_b, x) => x,
  sigmoid: (b, x, label) => b.add("Sigmoid", [x], label),
  tanh: (b, x, label) => b.add("Tanh", [x], label),
  relu: (b, x, label) => b.add("Relu", [x], label),
  "leaky-relu": (b, x, label, { slope }) => b.add("LeakyRelu", [x], label, { alpha: { float: slope } }),
  elu: (b, x, label, { alpha }) => b.add("Elu", [x], label, { alpha: { float: alpha } }),
  softplus(b, x, label, { beta }) {
    if (beta === 1) return b.add("Softplus", [x], label);
    const sharpness = scalar(b, `${label} beta`, beta);
    const bend = b.add("Softplus", [b.add("Mul", [x, sharpness], `${label} beta x`)], `${label} bend`);
    return b.add("Div", [bend, sharpness], label);
  },
  silu: (b, x, label) => b.add("Mul", [x, b.add("Sigmoid", [x], `${label} gate`)], label),
  gelu(b, x, label) { // x/2 · (1 + erf(x/√2))
    const root = b.add("Mul", [x, scalar(b, `${label} root`, Math.SQRT1_2)], `${label} x/√2`);
    const share = b.add(
      "Add",
      [b.add("Erf", [root], `${label} erf`), scalar(b, `${label} one`, 1)],
      `${label} share`,
    );
    return b.add("Mul", [b.add("Mul", [x, scalar(b, `${label} half`, 0.5)], `${label} x/2`), share], label);
  },
  "gelu-tanh"(b, x, label) { // x·σ(√(8/π)·(x + 0.044715·x³))
    const square = b.add("Mul", [x, x], `${label} x²`);
    const term = b.add("Mul", [square, scalar(b, `${label} cubic`, 0.044715)], `${label} cubic term`);
    const slope = b.add("Add", [term, scalar(b, `${label} one`, 1)], `${label} slope`);
    const outer = scalar(b, `${label} outer`, Math.sqrt(8 / Math.PI));
    const u = b.add("Mul", [b.add("Mul", [x, slope], `${label} u`), outer], `${label} 2u`);
    return b.add("Mul", [x, b.add("Sigmoid", [u], `${label} gate`)], label);
  },
};

/** Operators of each kind of node. The inputs are names; the activation of a layer follows. */
const NODE_FORMS: Readonly<
  Record<string, (b: Builder, node: Node, inputs: readonly string[], label: string) => string>
> = {
  dense: (b, node, inputs, label) =>
    b.add("Gemm", [...inputs, ...parametersOf(node)], label, { transB: { int: 1 } }),
  "tied dense": (b, node, inputs, label) => b.add("Gemm", [...inputs, ...parametersOf(node)], label),
  activation: (_b, _node, [x]) => x,
  detach: (_b, _node, [x]) => x,
  add: (b, _node, inputs, label) => b.add("Add", inputs, label),
  "subtract row": (b, node, [x], label) => b.add("Sub", [x, b.constant(`${label} row`, rowOf(node))], label),
};

const parametersOf = ({ parameters }: Node) => parameters.map(({ name }) => name);

/**
 * Encodes a trained network as an ONNX file of opset 17. Its input `input` is [N, columns] float32, in the data's
 * units if the network has a scale. Its outputs are `code` [N, code size], `reconstruction` [N, columns] in the units
 * of the input, and `score` [N], the squared error of each row, mean over the columns of the scaled row.
 *
 * @param metadata text by key
 * @throws InputError if the network has an op without an ONNX form, or the file would have more than 2 GiB
 */
export function encodeNetworkAsOnnx(
  network: TrainedNetwork,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const bytes = [...network.weights.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
  if (bytes > 2 ** 31 - 2 ** 20) {
    throw new InputError(
      `Cannot export "${network.name}" as ONNX: expected weights of at most 2 GiB but found ${bytes} bytes; ` +
        "use --format safetensors",
    );
  }
  return encodeOnnx(onnxGraph(network), metadata);
}

/** Translates the network. */
function onnxGraph(network: TrainedNetwork): OnnxGraph {
  const { name, graph, pixels, model, weights, scale, clamps } = network, columns = pixels.width;
  const nodes: OnnxNode[] = [], initializers: OnnxTensor[] = [];
  const taken = new Set([INPUT, CODE, RECONSTRUCTION, SCORE, ...weights.keys()]);
  const unique = (label: string): string => {
    let free = label;
    for (let k = 2; taken.has(free); k++) free = `${label} (${k})`;
    taken.add(free);
    return free;
  };
  const builder: Builder = {
    add(op, inputs, label, attributes = {}) {
      const output = unique(label);
      nodes.push({ op, inputs, output, attributes });
      return output;
    },
    constant(label, data, shape = [data.length]) {
      const free = unique(label);
      initializers.push({ name: free, shape, data });
      return free;
    },
  };
  const activate = (activation: string, x: string, label: string, of: Node): string => {
    const form = Object.hasOwn(ACTIVATION_FORMS, activation) ? ACTIVATION_FORMS[activation] : undefined;
    if (!form) throw withoutForm(of, `activation "${activation}"`);
    return form(builder, x, label, of.elementwise?.builtIn?.constants ?? {});
  };

  let scaled = INPUT, offset = "", divisor = "";
  if (scale) {
    checkScale(scale, columns);
    offset = builder.constant("scale.offset", Float32Array.from(scale.offsets));
    divisor = builder.constant("scale.divisor", Float32Array.from(scale.divisors));
    scaled = builder.add(
      "Div",
      [builder.add("Sub", [INPUT, offset], "centered input"), divisor],
      "scaled input",
    );
  }
  const bounds = () => [scalar(builder, "least", 0), scalar(builder, "greatest", 1)];
  const input = clamps ? builder.add("Clip", [scaled, ...bounds()], "clamped input") : scaled;
  const names = new Map<Value, string>([[pixels, input]]);
  const target = targetNode(network);
  const wanted = [model.code, model.output, ...(target?.output ? [target.output] : [])];
  for (const node of nodesFor(graph, wanted, [pixels])) {
    const { op, label, inputs, output, elementwise, attributes } = node;
    const from = inputs.map((value) => names.get(value)!);
    if (op === "elementwise") {
      if (!elementwise?.builtIn) throw withoutForm(node, `user-defined activation "${elementwise?.name}"`);
      names.set(output!, activate(elementwise.builtIn.name, from[0], label, node));
      continue;
    }
    const form = Object.hasOwn(NODE_FORMS, op) ? NODE_FORMS[op] : undefined;
    if (!form) throw withoutForm(node, `op "${op}"`);
    const { activation = "identity" } = attributes;
    const isPlain = activation === "identity";
    const sums = form(builder, node, from, isPlain ? label : `${label} sums`);
    names.set(output!, activate(`${activation}`, sums, label, node));
  }
  const used = new Set(nodes.flatMap(({ inputs }) => inputs));
  for (const { name, shape } of graph.nodes.flatMap(({ parameters }) => parameters)) {
    if (!used.delete(name)) continue; // shared, or of a part that the outputs do not need
    initializers.push({ name, shape, data: weights.get(name)! });
  }

  const [code, output] = [names.get(model.code)!, names.get(model.output)!];
  const ofWhole = (node: Node) => NODE_FORMS[node.op](builder, node, [scaled], "whole target"); // of what clamping cuts
  const whole = !target ? scaled : clamps ? ofWhole(target) : names.get(target.output!)!;
  const error = builder.add("Sub", [output, whole], "error");
  const squares = builder.add("Mul", [error, error], "squared error");
  const inUnits = (steps: readonly (readonly [string, string])[]) =>
    steps.reduce((x, [op, by]) => builder.add(op, [x, by], `reconstruction ${op}`), output);
  const rows = inUnits([
    ...(target ? [["Add", builder.constant("target row", rowOf(target))] as const] : []),
    ...(scale ? [["Mul", divisor] as const, ["Add", offset] as const] : []),
  ]);
  nodes.push(
    { op: "Identity", inputs: [code], output: CODE },
    { op: "Identity", inputs: [rows], output: RECONSTRUCTION },
    {
      op: "ReduceMean",
      inputs: [squares],
      output: SCORE,
      attributes: { axes: { ints: [1] }, keepdims: { int: 0 } },
    },
  );
  return {
    name,
    nodes,
    initializers,
    inputs: [{ name: INPUT, shape: ["N", columns] }],
    outputs: [
      { name: CODE, shape: ["N", model.code.width] },
      { name: RECONSTRUCTION, shape: ["N", columns] },
      { name: SCORE, shape: ["N"] },
    ],
  };
}

function withoutForm({ label }: Node, what: string): InputError {
  return new InputError(
    `Cannot export "${label}": its ${what} has no ONNX form; use built-in layers and activations, or --format safetensors`,
  );
}
