/**
 * A trained network for PyTorch: the tensors of its `state_dict`, and Python that computes it from them.
 * @module
 */
import type { Node } from "../graph/graph.ts";
import { nodesFor } from "../graph/parts.ts";
import type { Value } from "../graph/tensor.ts";
import { checkScale, rowOf, targetNode, type TrainedNetwork } from "./network.ts";

/** A tensor of a `state_dict`, in the layout of `nn.Linear`: a weight is [outputs, inputs]. */
export interface StateTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Python expression of each activation in `ACTIVATION_NAMES`; `c` are the constants of a built-in function. */
const ACTIVATION_FORMS: Readonly<
  Record<string, (x: string, c: Readonly<Record<string, number>>) => string>
> = {
  identity: (x) => x,
  sigmoid: (x) => `torch.sigmoid(${x})`,
  tanh: (x) => `torch.tanh(${x})`,
  relu: (x) => `F.relu(${x})`,
  "leaky-relu": (x, { slope }) => `F.leaky_relu(${x}, ${slope})`,
  elu: (x, { alpha }) => `F.elu(${x}, ${alpha})`,
  softplus: (x, { beta }) => `F.softplus(${x}, ${beta})`,
  silu: (x) => `F.silu(${x})`,
  gelu: (x) => `F.gelu(${x})`,
  "gelu-tanh": (x) => `F.gelu(${x}, approximate="tanh")`,
};

/** Python expression of each kind of node, without its activation. `w` is the `state_dict`. */
const NODE_FORMS: Readonly<Record<string, (node: Node, inputs: readonly string[]) => string>> = {
  dense: ({ parameters: [weight, bias] }, [x]) => linear(x, tensor(weight.name), bias?.name),
  "tied dense": ({ parameters: [weight, bias] }, [x]) => linear(x, `${tensor(weight.name)}.T`, bias?.name),
  activation: (_node, [x]) => x,
  elementwise: (_node, [x]) => x,
  detach: (_node, [x]) => x,
  add: (_node, [x, y]) => `${x} + ${y}`,
  "subtract row": (node, [x]) => `${x} - ${tensor(rowName(node))}`,
};

const tensor = (name: string) => `w[${JSON.stringify(name)}]`;
const linear = (x: string, weight: string, bias?: string) =>
  `F.linear(${x}, ${weight}${bias === undefined ? "" : `, ${tensor(bias)}`})`;
const rowName = ({ label }: Node) => `${label}.row`;

/**
 * Returns the tensors of a network's `state_dict`: its parameters, then what it needs besides, namely fixed rows
 * (`<label>.row`) and the scaling (`scale.offset`, `scale.divisor`).
 */
export function stateDict({ graph, pixels, weights, scale }: TrainedNetwork): StateTensor[] {
  const parameters = new Map(
    graph.nodes.flatMap(({ parameters }) => parameters.map((one) => [one.name, one.shape])),
  );
  const row = (name: string, data: Float32Array) => ({ name, shape: [data.length], data });
  if (scale) checkScale(scale, pixels.width);
  return [
    ...[...parameters].map(([name, shape]) => ({ name, shape, data: weights.get(name)! })),
    ...graph.nodes.filter(({ op }) => op === "subtract row").map((node) => row(rowName(node), rowOf(node))),
    ...(scale
      ? [
        row("scale.offset", Float32Array.from(scale.offsets)),
        row("scale.divisor", Float32Array.from(scale.divisors)),
      ]
      : []),
  ];
}

/**
 * Returns a README for a `state_dict`: how to load it, and a Python function that computes the network.
 *
 * @param file name of the safetensors file
 */
export function pytorchReadme(network: TrainedNetwork, file: string): string {
  const { name, pixels, model } = network, lines = pythonLines(network);
  return `# ${name} for PyTorch

\`${file}\` is the \`state_dict\` of a trained model: float32, weights [outputs, inputs] as in \`nn.Linear\`.
Load it with \`w = safetensors.torch.load_file("${file}")\` (\`pip install torch safetensors\`).
Modules of the same names take it with \`model.load_state_dict(w)\`; without modules, use the function below.
Input: [N, ${pixels.width}], ${
    network.scale ? "in the units of the training data" : "as the network takes it: pixels in [0, 1]"
  }${network.clamps ? "; scaled values are clamped to [0, 1] for the network, but not for the score" : ""}.
Output: code [N, ${model.code.width}], reconstruction [N, ${pixels.width}], score [N] (squared error, mean over columns).

${
    typeof lines === "string" ? `The function is left out: ${lines}.\n` : `\`\`\`python
import torch
from torch.nn import functional as F
from safetensors.torch import load_file

w = load_file("${file}")

def forward(input):
${lines.map((line) => `    ${line}\n`).join("")}\`\`\`
`
  }`;
}

/** Lines of the Python function; a text with the reason if an op has no form in PyTorch. */
function pythonLines(network: TrainedNetwork): string[] | string {
  const { graph, pixels, model, scale, clamps } = network, lines: string[] = [], target = targetNode(network);
  const names = new Map<Value, string>();
  const assign = (value: Value, expression: string): void => {
    const name = `x${names.size}`;
    names.set(value, name);
    lines.push(`${name} = ${expression}`);
  };
  const scaled = scale ? `(input - ${tensor("scale.offset")}) / ${tensor("scale.divisor")}` : "input";
  if (clamps) lines.push(`x = ${scaled}`);
  assign(pixels, clamps ? "x.clamp(0, 1)" : scaled);
  const wanted = [model.code, model.output, ...(target?.output ? [target.output] : [])];
  for (const node of nodesFor(graph, wanted, [pixels])) {
    const { op, label, inputs, output, elementwise, attributes } = node;
    const { name: activation, constants = {} } = elementwise?.builtIn ??
      { name: elementwise ? "" : `${attributes.activation ?? "identity"}` };
    if (!Object.hasOwn(NODE_FORMS, op) || !Object.hasOwn(ACTIVATION_FORMS, activation)) {
      return `PyTorch has no form of ${op} "${elementwise?.name ?? label}"`;
    }
    const expression = NODE_FORMS[op](node, inputs.map((input) => names.get(input)!));
    assign(output!, ACTIVATION_FORMS[activation](expression, constants));
  }
  const output = names.get(model.output)!;
  const rows = target ? `${output} + ${tensor(rowName(target))}` : output;
  const unscaled = scale ? `(${rows}) * ${tensor("scale.divisor")} + ${tensor("scale.offset")}` : rows;
  const whole = target ? `(${NODE_FORMS[target.op](target, ["x"])})` : "x"; // of what clamping cuts
  const error = `(${output} - ${clamps ? whole : names.get(target?.output ?? pixels)}) ** 2`;
  return [...lines, `return ${names.get(model.code)}, ${unscaled}, (${error}).mean(1)`];
}
