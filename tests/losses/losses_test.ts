import assert from "node:assert/strict";
import { formatGradcheck } from "../../src/check/format_gradcheck.ts";
import { gradcheck } from "../../src/check/gradcheck.ts";
import { TOLERANCES } from "../../src/check/tolerances.ts";
import { InputError } from "../../src/errors.ts";
import { compile } from "../../src/step/compile.ts";
import { Graph } from "../../src/graph/graph.ts";
import { Parameters } from "../../src/graph/parameters.ts";
import type { Activation, Value } from "../../src/graph/tensor.ts";
import { dense } from "../../src/layers/dense.ts";
import { binaryCrossEntropy } from "../../src/losses/binary_cross_entropy.ts";
import { binaryCrossEntropyWithLogits } from "../../src/losses/binary_cross_entropy_with_logits.ts";
import { gaussianKl } from "../../src/losses/gaussian_kl.ts";
import { sparsityKl } from "../../src/losses/sparsity_kl.ts";
import { squaredError } from "../../src/losses/squared_error.ts";
import { adam } from "../../src/optim/adam.ts";
import { meanActivation } from "../../src/reference/sparsity_kl.ts";
import { EXTREMES, recordLoss, runLoss } from "../gradients/kernel_checks.ts";
import { assertAllClose, bitsOf, gpuTest, largest, randomFloats } from "../helpers/gpu.ts";

for (const kind of Object.keys(EXTREMES) as (keyof typeof EXTREMES)[]) {
  gpuTest(`${kind}: NaN on either side shows in the loss and in the gradient`, async (gpu) => {
    for (const [k, other] of [[0, 0.5], [1, 0.5], [2, 0], [2, 1]]) {
      for (const side of kind === "sparsity" ? [0] : [0, 1]) {
        const good = new Float32Array(3).fill(other), bad = good.slice();
        bad[k] = NaN;
        const [a, b] = side === 0 ? [bad, good] : [good, bad];
        const graph = new Graph(16);
        using parameters = new Parameters(1);
        const inputs = [graph.input("left", 3), graph.input("right", 3)];
        const loss = recordLoss(kind, graph, inputs[0], inputs[1], { label: "loss", reduction: "mean" });
        using step = await compile(gpu, graph, parameters, {
          label: "poisoned",
          losses: [loss],
          gradients: inputs.slice(0, kind === "sparsity" ? 1 : 2),
        });
        step.upload(inputs[0], a);
        if (kind !== "sparsity") step.upload(inputs[1], b);
        step.run({ first: 0, rows: 1 });
        await assert.rejects(
          step.readLosses(),
          (error: unknown) =>
            error instanceof InputError && /loss "loss" is NaN in batch 1;/.test(error.message),
          `${kind}, side ${side}, beside ${other}`,
        );
        const [gradient] = await step.readValueGradients([inputs[0]], 1);
        // μ's own gradient knows nothing of log σ²
        const shows = kind === "Gaussian" && side === 1 ? -1 : k;
        assert.deepEqual(
          [...gradient].map(Number.isNaN),
          [0, 1, 2].map((at) => at === shows),
          `${kind}, side ${side}`,
        );
      }
    }
  });

  gpuTest(`${kind}: a second run gives the same bits`, async (gpu) => {
    const [a, b] = [randomFloats("a", 7 * 13, 0.1, 0.9), randomFloats("b", 7 * 13, 0.1, 0.9)];
    const [one, two] = [await runLoss(gpu, kind, a, b, 7), await runLoss(gpu, kind, a, b, 7)];
    assert.equal(one.loss, two.loss);
    one.gradients.forEach((gradient, k) => assert.deepEqual(bitsOf(gradient), bitsOf(two.gradients[k])));
  });
}

gpuTest(
  "behind a sigmoid, cross-entropy from probabilities has the gradient P - T to the last bits",
  async (gpu) => {
    const graph = new Graph(16);
    using parameters = new Parameters(4);
    const x = graph.input("x", 1), target = graph.input("target", 1);
    const layer = { outputs: 1, activation: "sigmoid", initializer: "pytorch-linear", label: "p" } as const;
    const p = dense(graph, parameters, x, layer);
    parameters.write("p.weight", [1]);
    parameters.write("p.bias", [0]);
    const loss = binaryCrossEntropy(graph, p, target, { label: "loss", reduction: "sum" });
    using step = await compile(gpu, graph, parameters, {
      label: "p",
      losses: [loss],
      gradients: [p],
      outputs: [p],
    });
    const z = [-24, -16, -10, -3, 0, 3, 10, 14, 16];
    const targets = z.map((_, k) => k % 2);
    step.upload(x, Float32Array.from(z));
    step.upload(target, Float32Array.from(targets));
    step.run({ first: 0, rows: z.length });
    const [values] = await step.read([p], z.length);
    const [gradient] = await step.readValueGradients([p], z.length);
    z.forEach((logit, k) => {
      const expected = values[k] - targets[k];
      assert.ok(
        Math.abs(gradient[k] - expected) <= 2 ** -22 * Math.abs(expected),
        `at ${logit}: ${gradient[k]}, expected ${expected}`,
      );
    });
  },
);

gpuTest(
  "sparsityKl() shows the mean activations of the rows that exist, with and without gradients",
  async (gpu) => {
    const graph = new Graph(16);
    using parameters = new Parameters(5);
    const h = graph.input("h", 13);
    const term = sparsityKl(graph, h, { label: "sparsity", sparsity: 0.05, weight: 2 });
    assert.equal(term.reduction, "sum");
    assert.deepEqual([term.meanActivation.label, term.meanActivation.width], [
      "sparsity mean activation",
      13,
    ]);
    const given = randomFloats("h", 16 * 13, 0, 1);
    for (const gradients of [[], [h]]) {
      using step = await compile(gpu, graph, parameters, { label: "means", losses: [term], gradients });
      step.upload(h, given);
      for (const rows of [16, 1, 7]) {
        step.run({ first: 0, rows });
        const [means] = await step.read([term.meanActivation], 1);
        const expected = meanActivation(Float64Array.from(given.subarray(0, rows * 13)), rows, 13);
        assertAllClose(`means of ${rows} rows`, means, expected, [13], 1e-6);
      }
    }
  },
);

gpuTest("gradcheck() passes a model with all of the losses, at the start and after 20 steps", async (gpu) => {
  const report = await gradcheck(gpu, () => (graph, parameters, pixels) => {
    const layer = (label: string, x: Value, outputs: number, activation: Activation) =>
      dense(graph, parameters, x, { label, outputs, activation, initializer: "pytorch-linear" });
    const hidden = layer("hidden", pixels, 9, "sigmoid");
    const mean = layer("mean", hidden, 3, "identity"),
      logVariance = layer("log variance", hidden, 3, "identity");
    const mirror = layer("mirror", mean, 9, "sigmoid");
    const logits = layer("logits", mirror, pixels.width, "identity");
    return {
      code: mean,
      output: logits,
      losses: [
        binaryCrossEntropyWithLogits(graph, logits, pixels, { label: "reconstruction", reduction: "sample" }),
        gaussianKl(graph, mean, logVariance, { label: "KL", reduction: "sample", weight: 0.5 }),
        binaryCrossEntropy(graph, mirror, hidden, { label: "match", reduction: "mean", weight: 3 }),
        sparsityKl(graph, hidden, { label: "sparsity", sparsity: 0.05, weight: 0.1 }),
      ],
    };
  }, { widths: [30], rows: [7], seed: 3, steps: 20, optimizer: adam({ learningRate: 0.01 }) });
  assert.ok(report.passed, formatGradcheck(report));
});

Deno.test("losses refuse targets of another width and a sparsity outside (0, 1)", () => {
  const graph = new Graph(4);
  const [three, four] = [graph.input("three", 3), graph.input("four", 4)];
  const figures = { label: "loss", reduction: "mean" } as const;
  const refusal = (message: string) => ({ name: "TypeError", message });
  const crossEntropy = refusal(
    'Cannot apply binary cross-entropy "loss": expected a target [B, 3] but received [B, 4]',
  );
  assert.throws(() => binaryCrossEntropy(graph, three, four, figures), crossEntropy);
  assert.throws(() => binaryCrossEntropyWithLogits(graph, three, four, figures), crossEntropy);
  assert.throws(
    () => gaussianKl(graph, three, four, figures),
    refusal('Cannot apply Gaussian KL "loss": expected log-variances [B, 3] but received [B, 4]'),
  );
  for (const sparsity of [0, 1, -0.1, NaN]) {
    assert.throws(() => sparsityKl(graph, three, { label: "loss", sparsity }), {
      name: "RangeError",
      message: `Cannot apply sparsity KL "loss": expected a sparsity in (0, 1) but received ${sparsity}`,
    });
  }
  assert.equal(graph.nodes.length, 2, "nothing was recorded");
});

gpuTest("loss_total adds what the rows left, and not what lies past them", async (gpu) => {
  // the sums of one step must not show in the next one with fewer rows
  const graph = new Graph(64);
  using parameters = new Parameters(1);
  const y = graph.input("y", 37), t = graph.input("t", 37);
  const losses = [
    squaredError(graph, y, t, { label: "sum", reduction: "sum", weight: 5 }),
    squaredError(graph, y, t, { label: "mean", reduction: "mean" }),
  ];
  using step = await compile(gpu, graph, parameters, { label: "totals", losses });
  const [given, target] = [randomFloats("y", 64 * 37), randomFloats("t", 64 * 37)];
  step.upload(y, given);
  step.upload(t, target);
  const counts = [64, 1, 7, 63, 33];
  for (const rows of counts) step.run({ first: 0, rows });
  const { values } = await step.readLosses();
  const expected = counts.map((rows) => {
    let sum = 0;
    for (let k = 0; k < rows * 37; k++) sum += (given[k] - target[k]) ** 2;
    return sum;
  });
  const means = expected.map((sum, k) => sum / (counts[k] * 37));
  const tolerance = TOLERANCES.lossAgainstReference;
  assertAllClose("sum", values.sum, expected, [5], tolerance * largest(expected));
  assertAllClose("mean", values.mean, means, [5], tolerance * largest(means));
});
