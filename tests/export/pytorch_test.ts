// The state_dict and the Python of an exported network. PyTorch itself was run by hand: docs/export.md.
import assert from "node:assert/strict";
import { activationOf } from "../../src/elementwise/activation.ts";
import { ACTIVATION_NAMES, type ActivationLike } from "../../src/elementwise/activation_names.ts";
import { elu } from "../../src/elementwise/elu.ts";
import type { TrainedNetwork } from "../../src/export/network.ts";
import { pytorchReadme, stateDict } from "../../src/export/pytorch.ts";
import { Graph } from "../../src/graph/graph.ts";
import type { BuildModel } from "../../src/graph/model.ts";
import { Parameters } from "../../src/graph/parameters.ts";
import { activation as activate } from "../../src/layers/activation.ts";
import { dense } from "../../src/layers/dense.ts";
import { subtractRow } from "../../src/layers/subtract_row.ts";
import { tiedDense } from "../../src/layers/tied_dense.ts";

async function recorded(build: BuildModel, scale?: TrainedNetwork["scale"]): Promise<TrainedNetwork> {
  const parameters = new Parameters(1), graph = new Graph(1), pixels = graph.input("pixels", 3);
  const model = build(graph, parameters, pixels);
  return { name: "small", graph, pixels, model, weights: await parameters.read(), scale };
}

/** The lines of the function's body; the whole README where there is none. */
function bodyOf(network: TrainedNetwork): string[] | string {
  const readme = pytorchReadme(network, "w.safetensors");
  const [, body] = /def forward\(input\):\n((?: {4}.*\n)+)```\n$/.exec(readme) ?? [];
  return body === undefined ? readme : body.trimEnd().split("\n").map((line) => line.trim());
}

const centeredAndTied: BuildModel = (graph, parameters, pixels) => {
  const centered = subtractRow(graph, pixels, { label: "centered", row: [1, 2, 3] });
  const layer = { activation: "tanh", initializer: "pytorch-linear" } as const;
  const code = dense(graph, parameters, centered, { ...layer, label: "encoder", outputs: 2, bias: false });
  const output = tiedDense(graph, parameters, code, { ...layer, label: "decoder", weight: "encoder.weight" });
  return { code, output, target: centered, losses: [] };
};

Deno.test("fixed rows and tied weights are in the state_dict once, and in the function", async () => {
  const network = await recorded(centeredAndTied);
  assert.deepEqual(stateDict(network), [
    { name: "encoder.weight", shape: [2, 3], data: network.weights.get("encoder.weight") },
    { name: "decoder.bias", shape: [3], data: network.weights.get("decoder.bias") },
    { name: "centered.row", shape: [3], data: Float32Array.of(1, 2, 3) },
  ]);
  assert.deepEqual(bodyOf(network), [
    "x0 = input",
    'x1 = x0 - w["centered.row"]',
    'x2 = torch.tanh(F.linear(x1, w["encoder.weight"]))',
    'x3 = torch.tanh(F.linear(x2, w["encoder.weight"].T, w["decoder.bias"]))',
    'return x2, x3 + w["centered.row"], ((x3 - x1) ** 2).mean(1)',
  ]);
});

Deno.test("scaling constants are in the state_dict, and undone in the reconstruction", async () => {
  const scale = { offsets: [4, 5, 6], divisors: [1, 2, 4] };
  const network = await recorded(centeredAndTied, scale);
  assert.deepEqual(stateDict(network).slice(-2), [
    { name: "scale.offset", shape: [3], data: Float32Array.of(4, 5, 6) },
    { name: "scale.divisor", shape: [3], data: Float32Array.of(1, 2, 4) },
  ]);
  const body = bodyOf(network);
  assert.equal(body[0], 'x0 = (input - w["scale.offset"]) / w["scale.divisor"]');
  assert.equal(
    body.at(-1),
    'return x2, (x3 + w["centered.row"]) * w["scale.divisor"] + w["scale.offset"], ((x3 - x1) ** 2).mean(1)',
  );
  await assert.rejects(
    async () => stateDict(await recorded(centeredAndTied, { ...scale, divisors: [1, 2] })),
    /expected 1 or 3 finite offsets and as many nonzero divisors but received 3 and 2 numbers/,
  );
});

Deno.test("rows are clamped for a network with cross-entropy, and scored as they are", async () => {
  const clamped = { ...await recorded(centeredAndTied, { offsets: [4], divisors: [2] }), clamps: true };
  const body = bodyOf(clamped);
  assert.deepEqual(body.slice(0, 3), [
    'x = (input - w["scale.offset"]) / w["scale.divisor"]',
    "x0 = x.clamp(0, 1)",
    'x1 = x0 - w["centered.row"]',
  ]);
  assert.match(`${body.at(-1)}`, /, \(\(x3 - \(x - w\["centered\.row"\]\)\) \*\* 2\)\.mean\(1\)$/);
  assert.match(pytorchReadme(clamped, "w.safetensors"), /clamped to \[0, 1\] for the network, but not for/);
  const plain = await recorded((graph, _parameters, pixels) => {
    const code = activate(graph, pixels, { label: "code", activation: "relu" });
    return { code, output: code, losses: [] };
  });
  assert.equal(bodyOf({ ...plain, clamps: true }).at(-1), "return x1, x1, ((x1 - x) ** 2).mean(1)");
});

Deno.test("every built-in activation has its form in PyTorch; a user-defined one leaves the function out", async () => {
  const lineOf = async (activation: ActivationLike) =>
    bodyOf(
      await recorded((graph, _parameters, pixels) => {
        const code = activate(graph, pixels, { label: "code", activation });
        return { code, output: code, losses: [] };
      }),
    );
  const found = await Promise.all(ACTIVATION_NAMES.map(async (name) => (await lineOf(name))[1]));
  assert.deepEqual(found, [
    "x1 = x0",
    "x1 = torch.sigmoid(x0)",
    "x1 = torch.tanh(x0)",
    "x1 = F.relu(x0)",
    `x1 = F.leaky_relu(x0, ${Math.fround(0.01)})`,
    "x1 = F.elu(x0, 1)",
    "x1 = F.softplus(x0, 1)",
    "x1 = F.silu(x0)",
    "x1 = F.gelu(x0)",
    'x1 = F.gelu(x0, approximate="tanh")',
  ]);
  assert.equal((await lineOf(elu({ alpha: 0.5 })))[1], "x1 = F.elu(x0, 0.5)");
  const wave = activationOf({
    name: "wave",
    forward: "sin(x)",
    derivative: "cos(x)",
    reference: { forward: Math.sin, derivative: Math.cos },
  });
  assert.match(
    `${await lineOf(wave)}`,
    /\n\nThe function is left out: PyTorch has no form of elementwise "wave"\.\n$/,
  );
});
