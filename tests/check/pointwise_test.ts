// Point-by-point checks of custom functions: gradcheck names the wrong one and the point.
import assert from "node:assert/strict";
import { checkFunctions } from "../../src/check/pointwise.ts";
import { type ActivationDeclaration, activationOf } from "../../src/elementwise/activation.ts";
import { elu } from "../../src/elementwise/elu.ts";
import { gelu, geluTanh } from "../../src/elementwise/gelu.ts";
import { huber } from "../../src/elementwise/huber.ts";
import { leakyRelu } from "../../src/elementwise/leaky_relu.ts";
import { type LossDeclaration, lossOf } from "../../src/elementwise/loss.ts";
import { silu } from "../../src/elementwise/silu.ts";
import { softplus } from "../../src/elementwise/softplus.ts";
import { Graph } from "../../src/graph/graph.ts";
import { activation } from "../../src/layers/activation.ts";
import { gpuTest } from "../helpers/gpu.ts";

gpuTest("shipped functions have no failures and no undeclared kinks", async (gpu) => {
  const graph = new Graph(1);
  const x = graph.input("x", 2), target = graph.input("target", 2);
  const shipped = [
    leakyRelu(),
    leakyRelu({ slope: 0.2 }),
    elu(),
    elu({ alpha: 2 }),
    softplus(),
    silu,
    gelu,
    geluTanh,
  ];
  for (const [k, f] of shipped.entries()) {
    activation(graph, x, { label: `y${k}`, activation: f });
    activation(graph, x, { label: `again ${k}`, activation: f });
  }
  huber(graph, x, target, { label: "huber", reduction: "mean", delta: 0.1 });
  const found = await checkFunctions(gpu, graph.nodes);
  assert.deepEqual(found.map(({ of }) => of), [
    ...shipped.map(({ name }) => `activation "${name}"`),
    'loss "Huber loss"',
  ]);
  assert.deepEqual(found.flatMap(({ failures, remarks }) => [...failures, ...remarks]), []);
});

const CUBE: ActivationDeclaration<Record<never, never>> = {
  name: "cube",
  forward: "x * x * x",
  derivative: "3.0 * x * x",
  reference: { forward: (x) => x ** 3, derivative: (x) => 3 * x ** 2 },
};
const KINKED = {
  name: "kinked",
  forward: "select(0.5, 2.0, x > 1.5) * (x - 1.5)",
  derivative: "select(0.5, 2.0, x > 1.5)",
  reference: {
    forward: (x: number) => (x > 1.5 ? 2 : 0.5) * (x - 1.5),
    derivative: (x: number) => x > 1.5 ? 2 : 0.5,
  },
};
const LOGARITHM = {
  name: "logarithm",
  forward: "log(x)",
  derivative: "1.0 / x",
  reference: { forward: Math.log, derivative: (x: number) => 1 / x },
};

/** Just beyond the first checked point, -6 + 12·(0.618034/2). */
const JUMP = Math.fround(-6 + 12 * 0.309017 + 3e-6);

/** The fault, the changed declaration, and the expected failures and remarks. */
type Cases<D> = readonly (readonly [string, Partial<D>, readonly RegExp[], readonly RegExp[]])[];

const ACTIVATIONS: Cases<typeof CUBE> = [
  ["nothing wrong", {}, [], []],
  ["a function with a partial domain", LOGARITHM, [], []],
  [
    "a function that is undefined everywhere",
    { reference: { forward: () => NaN, derivative: () => NaN } },
    [],
    [],
  ],
  [
    "forward",
    { forward: "x * x * abs(x)" },
    [/^"forward" at x = -\d\S+ is \d\S+ on the GPU but -\d\S+ in the reference$/],
    [],
  ],
  ["derivative", { derivative: "2.9 * x * x" }, [
    /^"derivative" at x = .* on the GPU but .* in the reference$/,
  ], []],
  [
    "NaN only on the GPU",
    { derivative: "select(3.0 * x * x, sqrt(x), x < -5.0)" },
    [],
    [/^"derivative" at x = -5\S+ is NaN on the GPU but finite in the reference: training diverges/],
  ],
  [
    "numbers beyond float32's range",
    {
      forward: "exp(exp(x))",
      derivative: "exp(exp(x)) * exp(x)",
      reference: {
        forward: (x) => Math.exp(Math.exp(x)),
        derivative: (x) => Math.exp(Math.exp(x)) * Math.exp(x),
      },
    },
    [],
    [],
  ],
  [
    "both derivatives",
    { derivative: "2.9 * x * x", reference: { ...CUBE.reference, derivative: (x) => 2.9 * x ** 2 } },
    [/^"derivative" at x = .* in the reference but .* by finite differences of it$/],
    [],
  ],
  [
    "a jump of the function within a finite difference",
    {
      forward: "x + select(0.0, 1.0, x > edge)",
      derivative: "1.0",
      constants: { edge: JUMP },
      reference: { forward: (x) => x > JUMP ? x + 1 : x, derivative: () => 1 },
    },
    [],
    [],
  ],
  ["a kink that is not declared", KINKED, [], [
    /^its derivative jumps at x = 1.5, which "kinks" does not list; declare/,
  ]],
  ["a kink that is declared", { ...KINKED, kinks: [1.5] }, [], []],
];

for (const [what, change, failures, remarks] of ACTIVATIONS) {
  gpuTest(`checkFunctions() on an activation: ${what}`, async (gpu) => {
    const graph = new Graph(3);
    activation(graph, graph.input("x", 2), { label: "y", activation: activationOf({ ...CUBE, ...change }) });
    const [found] = await checkFunctions(gpu, graph.nodes);
    assertMatches(found.failures, failures);
    assertMatches(found.remarks, remarks);
  });
}

const RATIO: LossDeclaration<Record<never, never>> = {
  name: "ratio",
  value: "log(y / t) * log(y / t)",
  byPrediction: "2.0 * log(y / t) / y",
  byTarget: "-2.0 * log(y / t) / t",
  reference: {
    value: (y, t) => Math.log(y / t) ** 2,
    byPrediction: (y, t) => 2 * Math.log(y / t) / y,
    byTarget: (y, t) => -2 * Math.log(y / t) / t,
  },
};
const ABSOLUTE = {
  name: "absolute",
  value: "abs(y - t - 0.25)",
  byPrediction: "sign(y - t - 0.25)",
  byTarget: "-sign(y - t - 0.25)",
  reference: {
    value: (y: number, t: number) => Math.abs(y - t - 0.25),
    byPrediction: (y: number, t: number) => Math.sign(y - t - 0.25),
    byTarget: (y: number, t: number) => -Math.sign(y - t - 0.25),
  },
};

const LOSSES: Cases<typeof RATIO> = [
  ["nothing wrong", {}, [], []],
  ["value", { value: "abs(log(y / t))" }, [/^"value" summed over \d+ pairs is .* on the GPU but/], []],
  [
    "a pole near the checked points",
    {
      value: "1.0 / (y * y) - t",
      byPrediction: "-2.0 / (y * y * y)",
      byTarget: "-1.0",
      reference: { value: (y, t) => y ** -2 - t, byPrediction: (y) => -2 * y ** -3, byTarget: () => -1 },
    },
    [],
    [],
  ],
  ["byPrediction", { byPrediction: "log(y / t) / y" }, [/^"byPrediction" at y = \S+, t = .* on the GPU/], []],
  ["byTarget", { byTarget: "2.0 * log(y / t) / t" }, [/^"byTarget" at y = \S+, t = .* on the GPU/], []],
  [
    "both derivatives",
    {
      byTarget: "log(y / t) / t",
      reference: { ...RATIO.reference, byTarget: (y, t) => Math.log(y / t) / t },
    },
    [/^"byTarget" at .* in the reference but .* by finite differences of it$/],
    [],
  ],
  ["a kink that is not declared", ABSOLUTE, [], [
    /^its derivative jumps at y − t = 0.25, which "kinks" does not list/,
  ]],
  ["a kink that is declared", { ...ABSOLUTE, kinks: [0.25] }, [], []],
];

for (const [what, change, failures, remarks] of LOSSES) {
  gpuTest(`checkFunctions() on a loss: ${what}`, async (gpu) => {
    const graph = new Graph(3);
    const [y, t] = [graph.input("y", 2), graph.input("t", 2)];
    lossOf({ ...RATIO, ...change })(graph, y, t, { label: "loss", reduction: "mean", weight: 3 });
    const [found] = await checkFunctions(gpu, graph.nodes);
    assertMatches(found.failures, failures);
    assertMatches(found.remarks, remarks);
  });
}

function assertMatches(lines: readonly string[], patterns: readonly RegExp[]): void {
  assert.equal(lines.length, patterns.length, lines.join("\n"));
  lines.forEach((line, k) => assert.match(line, patterns[k]));
}
