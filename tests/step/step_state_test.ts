import assert from "node:assert/strict";
import { deep } from "../../scripts/deep.ts";
import type { Gpu } from "../../src/gpu/device.ts";
import { compile } from "../../src/step/compile.ts";
import { Graph } from "../../src/graph/graph.ts";
import { Parameters } from "../../src/graph/parameters.ts";
import type { Step } from "../../src/step/step.ts";
import { DeviceImages, gatherBatch } from "../../src/layers/gather_batch.ts";
import { adam } from "../../src/optim/adam.ts";
import { clipByGlobalNorm } from "../../src/optim/clip.ts";
import { bitsOf, gpuTest } from "../helpers/gpu.ts";
import { recipeNetwork } from "../helpers/recipe_network.ts";

const build = recipeNetwork(deep, { sizes: [25, 7, 3] });

/** A small network with its step. */
async function network(gpu: Gpu, seed: number, clip: boolean, owned: DisposableStack) {
  const pixels = Uint8Array.from({ length: 40 * 25 }, (_, k) => k * 97 % 256);
  const images = owned.use(new DeviceImages(gpu, "train", pixels, 25));
  const graph = new Graph(8), parameters = owned.use(new Parameters(seed));
  const { losses } = build(graph, parameters, gatherBatch(graph, "pixels", images));
  const step: Step = owned.use(
    await compile(gpu, graph, parameters, {
      label: "small",
      losses,
      trainable: parameters.all,
      optimizer: adam({ learningRate: 0.01 }),
      clip: clip ? clipByGlobalNorm(0.1) : undefined,
    }),
  );
  const train = (steps: number) => {
    for (let k = 0; k < steps; k++) step.run({ first: step.count % 4 * 8, rows: 8 });
  };
  return { parameters, step, train };
}

gpuTest("a restored step is bit-exact with one that never stopped, losses included", async (gpu) => {
  for (const clip of [false, true]) {
    using owned = new DisposableStack();
    const one = await network(gpu, 1, clip, owned), other = await network(gpu, 2, clip, owned);
    one.train(5);
    await one.step.readLosses();
    one.train(3);
    const [values, state] = await Promise.all([one.parameters.read(), one.step.readState()]);
    assert.deepEqual([state.count, state.unread, state.unreadRows, state.moments.length], [8, 3, 24, 2]);
    one.train(4);

    other.train(2);
    for (const [name, data] of values) other.parameters.write(name, data);
    other.step.restoreState(state);
    other.train(4);
    const [expected, actual] = [await one.step.readLosses(), await other.step.readLosses()];
    assert.deepEqual(actual, expected);
    assert.deepEqual([actual.steps, actual.rows, actual.gradientNorms?.length], [
      7,
      56,
      clip ? 7 : undefined,
    ]);
    const [wanted, found] = [await one.parameters.read(), await other.parameters.read()];
    for (const [name, data] of wanted) assert.deepEqual(bitsOf(found.get(name)!), bitsOf(data), name);
  }
});

gpuTest("a step that is reset is as it was compiled, or as one that has done its part", async (gpu) => {
  using owned = new DisposableStack();
  const { parameters, step, train } = await network(gpu, 1, false, owned);
  const initial = await parameters.read();
  const learned = async () => {
    for (const [name, data] of initial) parameters.write(name, data);
    train(6);
    return (await parameters.read()).get("encoder.0.weight")!;
  };
  const first = await learned();
  step.reset();
  assert.deepEqual(bitsOf(await learned()), bitsOf(first));
  assert.equal((await step.readLosses()).steps, 6);
  step.reset(100);
  assert.equal(step.count, 100);
  assert.equal((await step.readLosses()).steps, 0);
  assert.notDeepEqual(await learned(), first, "Adam's corrections are those of later steps");
});

gpuTest("a step refuses the state of another one", async (gpu) => {
  using owned = new DisposableStack();
  const { step } = await network(gpu, 1, false, owned), clipped = await network(gpu, 1, true, owned);
  const state = await step.readState(), withNorms = await clipped.step.readState();
  assert.throws(() => step.restoreState(withNorms), /gradient norms do not match this step/);
  assert.throws(() => clipped.step.restoreState(state), /gradient norms/);
  assert.throws(
    () => step.restoreState({ ...state, losses: new Float32Array(3) }),
    /the losses do not match/,
  );
  assert.throws(() => step.restoreState({ ...state, moments: [] }), /the moments do not match/);
  const short = state.moments.map((values) => new Map(values).set("encoder.0.bias", new Float32Array(2)));
  assert.throws(
    () => step.restoreState({ ...state, moments: short }),
    /moments of "encoder.0.bias" do not match/,
  );
});
