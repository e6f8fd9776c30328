// ONNX files against the project's own forward pass, and against bytes written by Python's onnx.
import assert from "node:assert/strict";
import { allRecipes } from "../../scripts/tools/find_recipe.ts";
import { activationOf } from "../../src/elementwise/activation.ts";
import { ACTIVATION_NAMES, type ActivationLike } from "../../src/elementwise/activation_names.ts";
import { elu } from "../../src/elementwise/elu.ts";
import { leakyRelu } from "../../src/elementwise/leaky_relu.ts";
import { softplus } from "../../src/elementwise/softplus.ts";
import { InputError } from "../../src/errors.ts";
import type { Scale } from "../../src/export/network.ts";
import { encodeNetworkAsOnnx } from "../../src/export/onnx.ts";
import { encodeOnnx } from "../../src/export/onnx_file.ts";
import { floatField, integerField, joinFields, messageField, textField } from "../../src/export/protobuf.ts";
import type { Gpu } from "../../src/gpu/device.ts";
import type { BuildModel } from "../../src/graph/model.ts";
import { add } from "../../src/layers/add.ts";
import { dense } from "../../src/layers/dense.ts";
import { detach } from "../../src/layers/detach.ts";
import { addNoise } from "../../src/layers/noise.ts";
import { subtractRow } from "../../src/layers/subtract_row.ts";
import { ownOutputs, recorded } from "../helpers/exported.ts";
import { assertAllClose, gpuTest, randomFloats } from "../helpers/gpu.ts";
import { type Numbers, readOnnx } from "../helpers/onnx.ts";
import { recipeNetwork } from "../helpers/recipe_network.ts";

const hex = (bytes: Uint8Array) => bytes.toHex();

Deno.test("protobuf fields have the bytes of the encoding guide", () => {
  assert.equal(hex(joinFields([integerField(1, 150)])), "089601");
  assert.equal(hex(joinFields([textField(2, "testing")])), "120774657374696e67");
  assert.equal(hex(joinFields([messageField(3, [integerField(1, 150)])])), "1a03089601");
  assert.equal(hex(joinFields([floatField(2, 1.5), integerField(20, 0)])), "150000c03fa00100");
  assert.equal(hex(joinFields([integerField(1, 2 ** 40)])), "08808080808020");
  assert.throws(() => integerField(1, -1), /expected an integer of at least 0 but received -1/);
});

Deno.test("a file has the bytes that Python's onnx writes", () => {
  // onnx 1.23: helper.make_model(graph, opset_imports=[17], ir_version=8, producer_name="bottleneck")
  const python =
    "0808120a626f74746c656e65636b3ae9010a2b0a05696e7075740a0177120473756d731a0473756d73220447656d6d2a0d0a067472616e73421801a001020a220a0473756d731201791a01792203456c752a0f0a05616c706861150000003fa001010a3b0a0179120573636f72651a0573636f7265220a5265647563654d65616e2a0b0a04617865734001a001072a0f0a086b65657064696d731800a00102120474696e792a230802080310014201774a180000803f0000004000004040000080400000a0400000c0405a180a05696e707574120f0a0d080112090a0312014e0a02080362140a0573636f7265120b0a09080112050a0312014e42040a001011720e0a06726563697065120474696e79";
  const bytes = encodeOnnx({
    name: "tiny",
    nodes: [
      { op: "Gemm", inputs: ["input", "w"], output: "sums", attributes: { transB: { int: 1 } } },
      { op: "Elu", inputs: ["sums"], output: "y", attributes: { alpha: { float: 0.5 } } },
      {
        op: "ReduceMean",
        inputs: ["y"],
        output: "score",
        attributes: { axes: { ints: [1] }, keepdims: { int: 0 } },
      },
    ],
    initializers: [{ name: "w", shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) }],
    inputs: [{ name: "input", shape: ["N", 3] }],
    outputs: [{ name: "score", shape: ["N"] }],
  }, { recipe: "tiny" });
  assert.equal(hex(bytes), python);
});

/** Fails unless a network's file computes what the network does, for batches of 1 and 257 rows. */
async function assertExported(
  gpu: Gpu,
  build: BuildModel,
  width: number,
  scale?: Scale,
  clamps = false,
): Promise<string[]> {
  const [network, owned] = await recorded(build, width);
  using parameters = owned;
  const file = readOnnx(encodeNetworkAsOnnx({ ...network, scale, clamps }));
  assert.deepEqual([file.opset, file.inputs, file.outputs], [17, ["input"], [
    "code",
    "reconstruction",
    "score",
  ]]);
  for (const count of [1, 257]) {
    const whole = randomFloats(`rows ${count}`, count * width, clamps ? -1 : 0, clamps ? 2 : 1);
    const rows = whole.map((x) => clamps ? Math.min(1, Math.max(0, x)) : x);
    const own = await ownOutputs(gpu, build, parameters, rows, width, whole);
    const unscaled = (x: number, k: number) =>
      scale ? x * scale.divisors[k % scale.divisors.length] + scale.offsets[k % scale.offsets.length] : x;
    const outputs = file.run({ shape: [count, width], data: Float64Array.from(whole, unscaled) });
    const compare = (
      name: keyof typeof own,
      shape: readonly number[],
      expected: ArrayLike<number>,
      size = 1,
    ) => {
      const found: Numbers | undefined = outputs.get(name);
      assert.deepEqual(found?.shape, shape, name);
      assertAllClose(`${name} of ${count}`, found!.data, expected, shape, 1e-5 * size);
    };
    compare("code", [count, network.model.code.width], own.code);
    compare("score", [count], own.score);
    const size = scale ? Math.max(...scale.divisors.map(Math.abs)) : 1;
    compare("reconstruction", [count, width], Array.from(own.reconstruction, unscaled), size);
  }
  return [...file.operators];
}

const SIZES: Readonly<Record<string, { readonly sizes: readonly number[] }>> = {
  basic: { sizes: [30, 18] },
  deep: { sizes: [30, 18, 11, 6, 3] },
};

for (const { recipe } of await allRecipes()) {
  const sizes = SIZES[recipe.name] ?? { sizes: [30, 18, 11] };
  const variants = recipe.name !== "matched"
    ? [{}]
    : ["mse", "bce", "none"].flatMap((match) => [{ match }, { match, local: true, tied: true }]);
  for (const variant of variants) {
    gpuTest(
      `the ONNX file of ${recipe.name} ${JSON.stringify(variant)} computes what the network does`,
      async (gpu) => {
        const operators = await assertExported(
          gpu,
          recipeNetwork(recipe, { ...sizes, ...variant }, "encode"),
          30,
        );
        assert.ok(operators.includes("Gemm"), `${operators}`);
      },
    );
  }
}

/** A network of one hidden layer. */
function oneLayer(activation: ActivationLike, outputs = 5): BuildModel {
  return (graph, parameters, pixels) => {
    const layer = { initializer: "pytorch-linear" } as const;
    const code = dense(graph, parameters, pixels, { ...layer, label: "code", outputs, activation });
    const output = dense(graph, parameters, code, {
      ...layer,
      label: "score",
      outputs: pixels.width,
      activation: "sigmoid",
    });
    return { code, output, losses: [] };
  };
}

const PARAMETRIC: readonly (readonly [string, ActivationLike])[] = [
  ["elu of alpha 0.5", elu({ alpha: 0.5 })],
  ["leaky ReLU of slope 0.2", leakyRelu({ slope: 0.2 })],
  ["softplus of beta 2", softplus({ beta: 2 })],
];

for (const [name, activation] of [...ACTIVATION_NAMES.map((name) => [name, name] as const), ...PARAMETRIC]) {
  gpuTest(`${name} has its ONNX form`, async (gpu) => {
    await assertExported(gpu, oneLayer(activation), 7);
  });
}

gpuTest(
  "sums, detached values, a fixed row and parts that no output needs are exported right",
  async (gpu) => {
    const row = randomFloats("row", 7, 0, 1);
    const operators = await assertExported(gpu, (graph, parameters, pixels) => {
      const centered = subtractRow(graph, pixels, { label: "error", row });
      const layer = { activation: "tanh", initializer: "pytorch-linear" } as const;
      const one = dense(graph, parameters, centered, { ...layer, label: "one", outputs: 4, bias: false });
      const two = dense(graph, parameters, centered, { ...layer, label: "two", outputs: 4 });
      dense(graph, parameters, centered, { ...layer, label: "unneeded", outputs: 3 });
      const code = add(graph, one, detach(graph, two, { label: "still" }), { label: "sum" });
      const output = dense(graph, parameters, code, { ...layer, label: "output", outputs: 7 });
      return { code, output, target: centered, losses: [] };
    }, 7);
    assert.equal(operators.filter((op) => op === "Gemm").length, 3);
  },
);

gpuTest(
  "scaling constants are inside the file: rows in, rows and codes out, score in the model's unit",
  async (gpu) => {
    const offsets = [...randomFloats("offset", 30, -1000, 1000)],
      divisors = [...randomFloats("divisor", 30, 100, 1000)];
    for (
      const { recipe } of (await allRecipes()).filter(({ recipe }) => ["deep", "tied"].includes(recipe.name))
    ) {
      const network = recipeNetwork(recipe, SIZES[recipe.name] ?? { sizes: [30, 18, 11] }, "encode");
      await assertExported(gpu, network, 30, { offsets, divisors });
      await assertExported(gpu, network, 30, { offsets: [-3], divisors: [255] });
    }
    const [network] = await recorded(oneLayer("tanh"), 30);
    const scale = { offsets, divisors: divisors.map(() => 0) };
    assert.throws(
      () => encodeNetworkAsOnnx({ ...network, scale }),
      /expected 1 or 30 finite offsets and as many nonzero divisors/,
    );
  },
);

gpuTest("rows are clamped for a network with cross-entropy, and scored as they are", async (gpu) => {
  const offsets = [...randomFloats("offset", 30, -10, 10)],
    divisors = [...randomFloats("divisor", 30, 1, 10)];
  const { recipe } = (await allRecipes()).find(({ recipe }) => recipe.name === "vae")!;
  const vae = recipeNetwork(recipe, { sizes: [30, 18, 11] }, "encode");
  assert.ok((await assertExported(gpu, vae, 30, { offsets, divisors }, true)).includes("Clip"));
  assert.ok(!(await assertExported(gpu, vae, 30)).includes("Clip"));
  await assertExported(
    gpu,
    (graph, parameters, pixels) => {
      const row = randomFloats("row", 7, 0, 1);
      const centered = subtractRow(graph, pixels, { label: "centered", row });
      return { ...oneLayer("tanh")(graph, parameters, centered), target: centered };
    },
    7,
    undefined,
    true,
  );
});

Deno.test("what has no ONNX form is refused in one line that names it", async () => {
  const wave = activationOf({
    name: "ELU", // a name does not make a function the library's
    forward: "sin(x)",
    derivative: "cos(x)",
    reference: { forward: Math.sin, derivative: Math.cos },
  });
  const [network] = await recorded(oneLayer(wave), 4);
  assert.throws(
    () => encodeNetworkAsOnnx(network),
    (error) =>
      error instanceof InputError && !error.message.includes("\n") &&
      /^Cannot export "code": its user-defined activation "ELU" has no ONNX form; /.test(error.message),
  );
  const [noisy] = await recorded((graph, parameters, pixels) => {
    const input = addNoise(graph, pixels, { label: "hiss", noise: { kind: "mask", amount: 0.5 }, seed: 0 });
    return oneLayer("tanh")(graph, parameters, input);
  }, 4);
  assert.throws(
    () => encodeNetworkAsOnnx(noisy),
    /^InputError: Cannot export "hiss": its op "noise" has no ONNX form/,
  );
  const [other] = await recorded((graph, parameters, pixels) => {
    const { code, output } = oneLayer("tanh")(graph, parameters, pixels);
    return { code, output, target: output, losses: [] };
  }, 4);
  assert.throws(
    () => encodeNetworkAsOnnx(other),
    /Cannot use the target "score": expected the input minus a fixed row/,
  );
});
