// The three verdicts of gradcheck, all kinds of kinks, and faults that appear only in some rows or in
// padding.
import assert from "node:assert/strict";
import { againstReference, figure, fromDifference } from "../../src/check/evidence.ts";
import { formatGradcheck } from "../../src/check/format_gradcheck.ts";
import { gradcheck, type GradcheckOptions, type GradcheckReport } from "../../src/check/gradcheck.ts";
import { holdSides, holdSidesOfLoss } from "../../src/check/kinks.ts";
import { TOLERANCES } from "../../src/check/tolerances.ts";
import { activationOf, type ElementwiseActivation } from "../../src/elementwise/activation.ts";
import { huber } from "../../src/elementwise/huber.ts";
import { leakyRelu } from "../../src/elementwise/leaky_relu.ts";
import { lossOf } from "../../src/elementwise/loss.ts";
import { openGpu } from "../../src/gpu/device.ts";
import type { BuildModel } from "../../src/graph/model.ts";
import type { Initializer } from "../../src/graph/parameters.ts";
import { add } from "../../src/layers/add.ts";
import { dense } from "../../src/layers/dense.ts";
import { squaredError } from "../../src/losses/squared_error.ts";
import { adam } from "../../src/optim/adam.ts";
import { sgd } from "../../src/optim/sgd.ts";
import { faultNamed, plant, type ShaderFault } from "../gradients/faults.ts";
import { withFault } from "../helpers/faults.ts";
import { gpuTest, retile } from "../helpers/gpu.ts";
import { assertDroppedRowFails, assertPaddingFails } from "../helpers/gradcheck_faults.ts";

const ROWS = [5, 1, 6, 7];
const SMALL: GradcheckOptions = {
  widths: [18],
  rows: [4],
  seed: 7,
  steps: 0,
  optimizer: adam({ learningRate: 1e-2 }),
};

/** Rows with a given verdict, as `parameter state`. */
function rowsWith(report: GradcheckReport, verdict: string): string[] {
  return report.rows.filter((row) => row.verdict === verdict).map((row) => `${row.parameter} ${row.state}`);
}

// ---- faults that appear only in some rows or in padding ----

// of the kind of kernels that software adapters have; tests/slow/gradcheck_faults.ts has the others
Deno.test("a third remainder row dropped in dW is FAILED, with 7 rows only: register kernels", () =>
  assertDroppedRowFails("register"));

Deno.test("f(0) = 0.5 in the padding of a sigmoid layer fails and is named: register kernels", () =>
  assertPaddingFails("register"));

gpuTest("gradcheck() checks every width, and each number of rows after a larger batch", async (gpu) => {
  const widths: number[] = [];
  const report = await gradcheck(gpu, (width) => {
    widths.push(width);
    return chain({ f: leakyRelu() });
  }, { ...SMALL, widths: [16, 17], rows: ROWS, steps: 3 });
  assert.ok(report.passed, formatGradcheck(report));
  assert.deepEqual(widths, [16, 17]);
  assert.deepEqual([...new Set(report.rows.map(({ state }) => state))], [
    "initial",
    "after 3 steps",
    "initial, width 17",
  ]);
  const others = report.rows.filter(({ state }) => state === "initial, width 17");
  assert.ok(others.every(({ alongGradient }) => alongGradient === undefined), "differences use one width");
});

// ---- kinks ----

const hardTanh = (derivative = "select(0.0, 1.0, abs(x) < 0.5)"): ElementwiseActivation =>
  activationOf({
    name: "hard tanh",
    forward: "select(select(x, 0.5, x > 0.5), -0.5, x < -0.5)",
    derivative,
    reference: {
      forward: (x) => Math.max(-0.5, Math.min(0.5, x)),
      derivative: (x) => Math.abs(x) < 0.5 ? 1 : 0,
    },
    kinks: [-0.5, 0.5],
  });

const absolute = lossOf({
  name: "absolute error",
  value: "abs(y - t)",
  byPrediction: "sign(y - t)",
  byTarget: "-sign(y - t)",
  reference: {
    value: (y, t) => Math.abs(y - t),
    byPrediction: (y, t) => Math.sign(y - t),
    byTarget: (y, t) => -Math.sign(y - t),
  },
  kinks: [0],
});

const squares: typeof absolute = (graph, y, t, options) => squaredError(graph, y, t, options);

/** A network with one hidden activation and one loss, wide enough that differences cross many kinks. */
function chain({ f, loss = squares, hidden = 100 }: {
  f: ElementwiseActivation | "relu" | "tanh";
  loss?: typeof absolute;
  hidden?: number;
}): BuildModel {
  return (graph, parameters, pixels) => {
    const layer = { initializer: "pytorch-linear" } as const;
    const h = dense(graph, parameters, pixels, { ...layer, label: "h", outputs: hidden, activation: f });
    const code = dense(graph, parameters, h, { ...layer, label: "code", outputs: hidden / 2, activation: f });
    const output = dense(graph, parameters, code, {
      ...layer,
      label: "output",
      outputs: pixels.width,
      activation: "sigmoid",
    });
    retile(graph, 3, 2); // small tiles compile fast
    return { code, output, losses: [loss(graph, output, pixels, { label: "loss", reduction: "mean" })] };
  };
}

Deno.test.each(
  [
    ["ReLU", { f: "relu" }],
    ["leaky ReLU", { f: leakyRelu() }],
    ["hard tanh", { f: hardTanh() }],
    ["absolute error", { f: "tanh", loss: absolute }],
    ["leaky ReLU and absolute error", { f: leakyRelu({ slope: 0.2 }), loss: absolute }],
    ["Huber's loss", {
      f: leakyRelu(),
      loss: (g, y, t, options) => huber(g, y, t, { ...options, delta: 0.2 }),
    }],
  ] as [string, Parameters<typeof chain>[0]][],
)("gradcheck() tells kinks from wrong gradients: %s", async (_name, options) => {
  using gpu = await openGpu();
  const report = await gradcheck(gpu, () => chain(options), { ...SMALL, steps: 30 });
  assert.ok(report.passed, formatGradcheck(report));
  assert.deepEqual(rowsWith(report, "cannot tell"), []);
  for (const { alongGradient, alongRandom, parameter } of report.rows) {
    // at most 1e-4; some 5e-3 without the treatment of kinks
    for (const { error } of [alongGradient!, alongRandom!]) assert.ok(error < 1e-3, `${parameter}: ${error}`);
  }
});

Deno.test("holdSides() continues a function linearly beyond its kinks, from each element's side", () => {
  const curve = {
    forward: (x: number) => Math.max(-1, Math.min(1, x)),
    derivative: (x: number) => Math.abs(x) < 1 ? 1 : 0,
    kinks: [-1, 1],
  };
  const frozenValues = holdSides(curve, Float64Array.of(0, 3, -3, 1));
  const at = (z: number) => [0, 1, 2, 3].map((k) => frozenValues.forward(z, k));
  assert.deepEqual(at(0.5), [0.5, 1, -1, 1]);
  assert.deepEqual(at(5), [5, 1, -1, 1]);
  assert.deepEqual(at(-5), [-5, 1, -1, 1]);
  assert.deepEqual([0, 1, 2].map((k) => frozenValues.derivative(5, 1, k)), [1, 0, 0]);
  const bent = { forward: (x: number) => x > 0 ? Math.sin(x) : -x, derivative: Math.cos, kinks: [0] };
  const smooth = holdSides(bent, Float64Array.of(0.3));
  assert.equal(smooth.forward(0.2, 0), Math.sin(0.2), "the function itself on the element's side");
  assert.ok(Math.abs(smooth.forward(-0.2, 0) + 0.2) < 1e-12, "linear beyond the kink");
});

Deno.test("holdSidesOfLoss() continues a loss linearly beyond its kinks in prediction − target", () => {
  const frozenValues = holdSidesOfLoss({
    value: (y, t) => Math.abs(y - t),
    byPrediction: (y, t) => Math.sign(y - t),
    byTarget: (y, t) => -Math.sign(y - t),
    kinks: [0],
  }, Float64Array.of(1, -1, 0));
  const close = (a: number, b: number) => assert.ok(Math.abs(a - b) < 1e-11, `${a} is not ${b}`);
  [[2, 3], [3, 2]].forEach(([y, t]) => {
    close(frozenValues.value(y, t, 0), y - t);
    close(frozenValues.value(y, t, 1), t - y);
    close(frozenValues.value(y, t, 2), 0);
    assert.deepEqual([0, 1, 2].map((k) => frozenValues.byPrediction(y, t, k)), [1, -1, 0]);
    assert.deepEqual([0, 1].map((k) => frozenValues.byTarget!(y, t, k)), [-1, 1]);
  });
});

/** Leaky ReLU whose reference has the derivative 1 at x = 0 where the GPU has `atZero`. */
const otherSide = (below = "0.01", atZero = "0.01") =>
  activationOf({
    name: "leaky",
    forward: "select(0.01 * x, x, x > 0.0)",
    derivative: `select(select(${below}, ${atZero}, x == 0.0), 1.0, x > 0.0)`,
    reference: { forward: (x) => x > 0 ? x : 0.01 * x, derivative: (x) => x >= 0 ? 1 : 0.01 },
    kinks: [0],
  });

/** `still` has initial weights of 0, so its activation is exactly at 0; `moving` is an ordinary layer. */
const atKink =
  (f: ElementwiseActivation, g: ElementwiseActivation = leakyRelu()): BuildModel =>
  (graph, parameters, pixels) => {
    const layer = (label: string, of: ElementwiseActivation, initializer: Initializer) =>
      dense(graph, parameters, pixels, { label, outputs: 6, activation: of, initializer, bias: false });
    const both = add(graph, layer("still", f, { uniform: 0 }), layer("moving", g, "pytorch-linear"), {
      label: "both",
    });
    const output = dense(graph, parameters, both, {
      label: "output",
      outputs: pixels.width,
      activation: "sigmoid",
      initializer: "pytorch-linear",
    });
    retile(graph, 3, 2);
    return {
      code: both,
      output,
      losses: [squaredError(graph, output, pixels, { label: "loss", reduction: "mean" })],
    };
  };

gpuTest("a mismatch exactly on a kink is not a failure, and the reason names the kink", async (gpu) => {
  const report = await gradcheck(gpu, () => atKink(otherSide()), SMALL);
  assert.deepEqual(rowsWith(report, "FAILED"), [], formatGradcheck(report));
  assert.deepEqual(rowsWith(report, "cannot tell"), ["still.weight initial"]);
  const row = report.rows.find(({ parameter }) => parameter === "still.weight")!;
  assert.equal(row.reference.cause, "kink");
  assert.match(
    row.reason,
    /^24 elements lie on a kink within rounding \("still" at 0\), and the gradient is .* on the GPU's side/,
  );
  assert.deepEqual([report.untold, report.passed], [["still.weight"], false], "undecided in every state");
  assert.match(formatGradcheck(report), /\nwhat to try \(kink\): try another seed/);
  // training moves the layer off its kink, so the trained state decides
  const trained = await gradcheck(gpu, () => atKink(otherSide()), { ...SMALL, steps: 20 });
  assert.ok(trained.passed, formatGradcheck(trained));
});

gpuTest("a kink excuses neither a gradient that matches no side, nor one of another layer", async (gpu) => {
  const wrongHere = await gradcheck(gpu, () => atKink(otherSide("0.01", "7.0")), SMALL);
  assert.deepEqual(rowsWith(wrongHere, "FAILED"), ["still.weight initial"], formatGradcheck(wrongHere));
  const wrongThere = await gradcheck(gpu, () => atKink(otherSide(), otherSide("0.02")), SMALL);
  assert.deepEqual(rowsWith(wrongThere, "FAILED"), ["moving.weight initial"], formatGradcheck(wrongThere));
  assert.deepEqual(rowsWith(wrongThere, "cannot tell"), ["still.weight initial"]);
});

Deno.test("an element within rounding of a kink may be on either side", async () => {
  // h − h·(1 + 2^-23) is as small as one rounding error; the device rounds it to the other side of the kink
  const nearKink: BuildModel = (graph, parameters, pixels) => {
    const h = dense(graph, parameters, pixels, {
      label: "h",
      outputs: 6,
      activation: "sigmoid",
      initializer: "pytorch-linear",
    });
    const scaled = activationOf({
      name: "scaled",
      forward: "-1.00000012 * x",
      derivative: "-1.00000012",
      reference: { forward: (x) => -(1 + 2 ** -23) * x, derivative: () => -(1 + 2 ** -23) },
    });
    const minus = dense(graph, parameters, h, {
      label: "minus",
      outputs: 6,
      activation: scaled,
      initializer: "pytorch-linear",
      name: "square",
      bias: false,
    });
    const plus = dense(graph, parameters, h, {
      label: "plus",
      outputs: 6,
      activation: "identity",
      initializer: "pytorch-linear",
      name: "square",
      bias: false,
    });
    const bent = dense(graph, parameters, add(graph, plus, minus, { label: "left" }), {
      label: "bent",
      outputs: pixels.width,
      activation: "relu",
      initializer: "pytorch-linear",
      bias: false,
    });
    retile(graph, 3, 2);
    return {
      code: h,
      output: bent,
      losses: [squaredError(graph, bent, pixels, { label: "loss", reduction: "sum" })],
    };
  };
  const fault = { shader: "layers/add.wgsl", place: "add", fault: "rounds otherwise" };
  const report = await withFault(
    { ...fault, text: "+ y[", becomes: "+ 0.9999997 * y[" },
    (gpu) => gradcheck(gpu, () => nearKink, SMALL),
  );
  assert.deepEqual(rowsWith(report, "FAILED"), [], formatGradcheck(report));
  assert.ok(rowsWith(report, "cannot tell").length > 0, formatGradcheck(report));
});

// ---- beyond float32's range ----

/** Fault that stores something else than the weight gradient. */
const stored = (fault: string) => faultNamed(`layers/dense_backward_weight.wgsl, store_gradients: ${fault}`);

/** A chain of layers with weights so small that its gradients underflow float32. */
const collapsed = (uniform: number): BuildModel => (graph, parameters, pixels) => {
  let h = pixels;
  for (let k = 0; k < 6; k++) {
    const initializer = { uniform };
    h = dense(graph, parameters, h, {
      label: `h${k}`,
      outputs: 6,
      activation: leakyRelu(),
      initializer,
      bias: false,
    });
  }
  const output = dense(graph, parameters, h, {
    label: "output",
    outputs: pixels.width,
    activation: "identity",
    initializer: { uniform },
  });
  retile(graph, 3, 2);
  return { code: h, output, losses: [huber(graph, output, pixels, { label: "loss", reduction: "mean" })] };
};

gpuTest(
  "the gradients of a collapsed network are undecided, and the reason gives their size",
  async (gpu) => {
    const report = await gradcheck(gpu, () => collapsed(1e-12), SMALL);
    assert.deepEqual(rowsWith(report, "FAILED"), [], formatGradcheck(report));
    const row = report.rows.find(({ parameter }) => parameter === "h0.weight")!;
    assert.equal(row.verdict, "cannot tell");
    assert.match(
      row.reason,
      /the network has collapsed here: its gradient \(at most \d\.\de-\d+\) is below float32's range/,
    );
    assert.ok(report.untold.includes("h0.weight"));
    assert.equal(report.rows.find(({ parameter }) => parameter === "output.bias")!.verdict, "ok");
    const text = formatGradcheck(report);
    assert.match(
      text,
      /\ncannot tell initial: h0\.weight: the network has collapsed here: .*; likewise h1\.weight, .*output\.weight\n/,
    );
    assert.match(text, /\nundecided in every state: h0\.weight/);
    assert.match(text, /\ngradients not proven: none failed, but some are undecided$/);
    assert.deepEqual([report.verdict, report.passed], ["cannot tell", false]);
    assert.match(text, /what to try \(collapsed\): check after fewer training steps/);
    assert.doesNotMatch(text, /NaN/);
  },
);

gpuTest("a network that collapses in training passes on its earlier states", async (gpu) => {
  const optimizer = sgd({ learningRate: 1, weightDecay: 0.9, momentum: 0, nesterov: false });
  const report = await gradcheck(gpu, () => collapsed(0.8), { ...SMALL, steps: 14, optimizer });
  assert.ok(report.passed, formatGradcheck(report));
  assert.ok(rowsWith(report, "cannot tell").includes("h0.weight after 14 steps"), formatGradcheck(report));
});

Deno.test("a wrong gradient of ordinary size is FAILED even in a collapsed network", async () => {
  const report = await withFault(
    stored("a half too much"),
    (gpu) => gradcheck(gpu, () => collapsed(1e-12), SMALL),
  );
  assert.ok(rowsWith(report, "FAILED").includes("h0.weight initial"), formatGradcheck(report));
});

Deno.test.each([["NaN"], ["Infinity"]])("%s in a gradient on the GPU is FAILED", async (what) => {
  const report = await withFault(
    stored(what.replace("I", "i")),
    (gpu) => gradcheck(gpu, () => chain({ f: "tanh", hidden: 6 }), SMALL),
  );
  const row = report.rows.find(({ parameter }) => parameter === "code.weight")!;
  assert.equal(row.verdict, "FAILED", formatGradcheck(report));
  assert.match(row.reason, new RegExp(`^its gradient is ${what} on the GPU at \\[0, 0\\]$`));
  assert.equal(report.passed, false);
  assert.doesNotMatch(
    formatGradcheck(report).split("\n").find((line) => line.includes("code.weight"))!,
    /NaN/,
  );
});

gpuTest(
  "gradients beyond float32's range are undecided, and the reason names the range",
  async (gpu) => {
    const steep = activationOf({
      name: "steep",
      forward: "1e30 * x",
      derivative: "1e30",
      reference: { forward: (x) => 1e30 * x, derivative: () => 1e30 },
    });
    const report = await gradcheck(gpu, () => chain({ f: steep, hidden: 6 }), SMALL);
    assert.deepEqual(rowsWith(report, "FAILED"), [], formatGradcheck(report));
    const row = report.rows.find(({ parameter }) => parameter === "h.weight")!;
    assert.match(row.reason, /exceed float32's range/);
  },
);

gpuTest("diverging training is reported, and earlier results count", async (gpu) => {
  const optimizer = sgd({ learningRate: 1e30, weightDecay: 0, momentum: 0, nesterov: false });
  const report = await gradcheck(gpu, () => chain({ f: "relu", hidden: 6 }), {
    ...SMALL,
    steps: 30,
    optimizer,
  });
  assert.match(
    report.remarks[0],
    /^training diverges between steps 0 and 25: nothing is checked after training; try/,
  );
  assert.deepEqual([...new Set(report.rows.map(({ state }) => state))], ["initial"]);
  assert.ok(report.passed, formatGradcheck(report));
});

gpuTest("a gradient of exactly zero has no direction, and the reason says so", async (gpu) => {
  const dead = activationOf({
    name: "dead",
    forward: "0.0 * x",
    derivative: "0.0",
    reference: { forward: (x) => 0 * x, derivative: () => 0 },
  });
  const report = await gradcheck(gpu, () => chain({ f: dead, hidden: 6 }), SMALL);
  const row = report.rows.find(({ parameter }) => parameter === "h.weight")!;
  assert.equal(row.verdict, "cannot tell");
  assert.equal(
    row.reason,
    "its gradient is exactly zero on the GPU: finite differences have no direction",
  );
  assert.deepEqual([row.reference.verdict, row.referenceDifference!.verdict], ["ok", "ok"]);
  assert.equal(report.passed, false);
  assert.doesNotMatch(formatGradcheck(report), /NaN/);
});

gpuTest("finite differences detect a derivative that is wrong on GPU and reference alike", async (gpu) => {
  const wrong = activationOf({
    name: "wrong",
    forward: "sin(x)",
    derivative: "1.1 * cos(x)",
    reference: { forward: Math.sin, derivative: (x) => 1.1 * Math.cos(x) },
  });
  const report = await gradcheck(gpu, () => chain({ f: wrong, hidden: 6 }), SMALL);
  const row = report.rows.find(({ parameter }) => parameter === "h.weight")!;
  assert.deepEqual([row.reference.verdict, row.referenceDifference!.verdict, row.alongGradient!.verdict], [
    "ok",
    "FAILED",
    "FAILED",
  ]);
  assert.match(row.reason, /^finite differences are \d\.\de-\d off the gradient, bound 1\.0e-6; finite/);
  assert.deepEqual([report.untold, report.verdict], [[], "FAILED"], "a failure is not undecided");
  assert.match(
    formatGradcheck(report),
    /^FAILED activation "wrong": "derivative" at x = .* by finite differences of it$/m,
  );
});

Deno.test("againstReference() and fromDifference() give reasons", () => {
  const exact = Float64Array.of(1, 2);
  const compared = (actual: number[], expected = exact, noisy = [exact]) => {
    const { verdict, reason } = againstReference("its gradient", actual, expected, () => noisy, [2], 1e-5);
    return `${verdict} ${reason}`.trim();
  };
  assert.equal(compared([1, 2]), "ok");
  assert.equal(compared([1, 2.1]), "FAILED its gradient is 4.5e-2 off the reference at [1], bound 1.0e-5");
  assert.equal(compared([NaN, 2]), "FAILED its gradient is NaN on the GPU at [0]");
  const rounded = [Float64Array.of(1, 2.01)];
  assert.equal(
    compared([1, 2.1], exact, rounded),
    "cannot tell rounding hides it: float32 computes its gradient only to within 1.4e-1",
  );
  assert.equal(
    compared([1, 2.1], exact, [Float64Array.of(1, 2.0001)]),
    "FAILED its gradient is 4.5e-2 off the reference at [1], bound 1.4e-3",
  );
  assert.equal(
    compared([NaN, 2], Float64Array.of(Infinity, 2)),
    "cannot tell its gradient is not finite in the float64 reference either",
  );
  const { verdict, reason, cause } = fromDifference({ error: 0.5, doubt: 0.4 }, 0.01, 1);
  assert.deepEqual([verdict, cause], ["cannot tell", "rounding"]);
  assert.equal(reason, "rounding hides the difference: its uncertainty (4.0e-1) exceeds the bound");
  assert.equal(fromDifference({ error: NaN, doubt: Infinity }, 0.01, 1).verdict, "FAILED");
  assert.deepEqual([figure(NaN), figure(1e-79), TOLERANCES.telling], ["NaN", "1.0e-79", 1e-2]);
});

/** Runs the gradcheck script in a copy of the project with a faulty shader. */
async function runWith(fault: ShaderFault | undefined, args: readonly string[]) {
  const root = new URL("../../", import.meta.url), copy = await Deno.makeTempDir();
  const copyInto = async (path: string): Promise<void> => {
    await Deno.mkdir(`${copy}/${path}`);
    for await (const { name, isDirectory, isFile } of Deno.readDir(new URL(path, root))) {
      if (isDirectory) await copyInto(`${path}/${name}`);
      else if (isFile) await Deno.copyFile(new URL(`${path}/${name}`, root), `${copy}/${path}/${name}`);
    }
  };
  try {
    for (const folder of ["src", "scripts", "shaders"]) await copyInto(folder);
    for (const file of ["deno.json", "deno.lock", "mod.ts"]) {
      await Deno.copyFile(new URL(file, root), `${copy}/${file}`);
    }
    if (fault) {
      const shader = `${copy}/shaders/${fault.shader}`, code = await Deno.readTextFile(shader);
      await Deno.writeTextFile(shader, plant(code, fault));
    }
    const command = [
      "run",
      "--no-prompt",
      "--no-check",
      "--allow-read",
      "scripts/tools/gradcheck.ts",
      ...args,
    ];
    const { code: exit, ...output } = await new Deno.Command("deno", { args: command, cwd: copy }).output();
    const [stdout, stderr] = [output.stdout, output.stderr].map((bytes) => new TextDecoder().decode(bytes));
    return { code: exit, stdout, stderr };
  } finally {
    await Deno.remove(copy, { recursive: true });
  }
}

Deno.test("the gradcheck script exits with 0 for right and with 1 for wrong gradients, and names them", async () => {
  const fault = faultNamed("losses/squared_error.wgsl, squared_error: missing factor 2");
  const args = ["basic", "--steps", "0", "--rows", "1"];
  const right = await runWith(undefined, args);
  assert.match(
    right.stdout,
    /\nbuilt-in network of every op: \d+ gradients passed, at most \d\.\de-\d off\n/,
  );
  assert.match(right.stdout, /\ninitial, width 785 +encoder\.weight .* ok\n/);
  assert.match(right.stdout, /\n3 networks checked, 0 did not pass\n$/);
  assert.equal(right.code, 0);
  const wrong = await runWith(fault, [...args, "--json"]);
  assert.equal(wrong.code, 1);
  const reports = JSON.parse(wrong.stdout);
  assert.deepEqual(reports.map(({ passed }: { passed: boolean }) => passed), [false, false, false]);
  const [{ verdict, reason }] = reports[1].rows;
  assert.equal(verdict, "FAILED");
  assert.match(
    reason,
    /^its gradient is 5\.0e-1 off the reference .*; finite differences are 1\.0e\+0 off the gradient/,
  );
});
