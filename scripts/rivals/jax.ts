// jax-js as an entrant of the comparison: the whole step, Adam included, is one jit-compiled function. The package has
// no optimizers, so Adam is written with its operations. Argument: the device, webgpu or wasm.
//
// The package is pinned here and not in deno.json, so that training never downloads it.
// deno-lint-ignore-file no-import-prefix
import {
  defaultDevice,
  init,
  jit,
  nn,
  numpy as np,
  random,
  tree,
  valueAndGrad,
} from "npm:@jax-js/jax@0.1.25";
import { serve } from "./entrant.ts";
import { floatsOf, pixelsOf, type TaskLayer, WIDTH } from "./task.ts";

type Arrays = Record<string, np.Array>;
type State = { parameters: Arrays; first: Arrays; second: Arrays; time: np.Array };

const device = Deno.args[0] as "webgpu" | "wasm";
const ACTIVATE = { identity: (z: np.Array) => z, sigmoid: nn.sigmoid, tanh: np.tanh, relu: nn.relu };

await serve(async (task) => {
  if (!(await init(device)).includes(device)) throw new Error(`jax-js cannot start its device "${device}"`);
  defaultDevice(device);
  const { layers, isVariational, isSum, shift, batchSize, learningRate } = task;

  // jax-js functions consume their arguments: an array that is used again is passed as `.ref`.
  function apply(parameters: Arrays, x: np.Array, { weight, bias, tied, activation }: TaskLayer): np.Array {
    const w = parameters[weight].ref;
    const z = np.matmul(x, tied ? w.transpose() : w);
    return ACTIVATE[activation](bias === null ? z : z.add(parameters[bias].ref));
  }
  function squaredError(parameters: Arrays, x: np.Array): np.Array {
    const target = shift === 0 ? x : x.sub(shift);
    const output = layers.reduce((input, layer) => apply(parameters, input, layer), target.ref);
    tree.dispose(parameters);
    const errors = np.square(output.sub(target));
    return isSum ? errors.sum() : errors.mean();
  }
  function evidenceBound(parameters: Arrays, x: np.Array, noise: np.Array): np.Array {
    const hidden = apply(parameters, x.ref, layers[0]);
    const mean = apply(parameters, hidden.ref, layers[1]), logVariance = apply(parameters, hidden, layers[2]);
    const z = mean.ref.add(np.exp(logVariance.ref.mul(0.5)).mul(noise));
    const logits = layers.slice(3).reduce((input, layer) => apply(parameters, input, layer), z);
    tree.dispose(parameters);
    const softplus = np.log1p(np.exp(np.abs(logits.ref).mul(-1)));
    const entropy = nn.relu(logits.ref).sub(logits.mul(x)).add(softplus).sum();
    const spread = logVariance.ref.add(1).sub(np.square(mean)).sub(np.exp(logVariance));
    return entropy.add(spread.sum().mul(-0.5));
  }

  /** One Adam step; `noise` is undefined for squared errors. */
  function update(state: State, x: np.Array, noise?: np.Array): [State, np.Array] {
    const [loss, gradients] = noise
      ? valueAndGrad(evidenceBound)(tree.ref(state.parameters), x, noise)
      : valueAndGrad(squaredError)(tree.ref(state.parameters), x);
    const time = state.time.add(1);
    const correction = (beta: number) => np.exp(time.ref.mul(Math.log(beta))).mul(-1).add(1);
    const [one, two] = [correction(0.9), correction(0.999)];
    const next: State = { parameters: {}, first: {}, second: {}, time };
    for (const name of Object.keys(task.parameters)) {
      const gradient = (gradients as Arrays)[name];
      const first = state.first[name].mul(0.9).add(gradient.ref.mul(0.1));
      const second = state.second[name].mul(0.999).add(np.square(gradient).mul(0.001));
      const root = np.sqrt(second.ref.div(two.ref)).add(1e-8);
      next.parameters[name] = state.parameters[name].sub(first.ref.div(one.ref).mul(learningRate).div(root));
      next.first[name] = first;
      next.second[name] = second;
    }
    tree.dispose([one, two]);
    return [next, loss];
  }

  const plain = jit((state: State, x: np.Array) => update(state, x));
  const given = jit((state: State, x: np.Array, noise: np.Array) => update(state, x, noise));
  const code = task.parameters[layers[1]?.weight].shape[0];
  const drawn = jit((state: State, x: np.Array, key: np.Array): [State, np.Array, np.Array] => {
    const [mine, next] = random.split(key, 2);
    return [...update(state, x, random.normal(mine, [batchSize, code])), next];
  });

  const array = (data: Float32Array<ArrayBuffer>, shape: readonly number[]) =>
    np.array(data).reshape([...shape]);
  const initial = Object.entries(task.parameters).map(([name, { shape, data }]) =>
    // stored as [I, O], so that the matrix product reads weights along O
    [name, np.array(transposed(floatsOf(data), shape)).reshape(shape.toReversed())] as const
  );
  const zeros = () => Object.fromEntries(initial.map(([name, { shape }]) => [name, np.zeros(shape)]));
  const batches = task.batches.map((_, k) => array(pixelsOf(task, k), [batchSize, WIDTH]));
  let state: State = {
    parameters: Object.fromEntries(initial),
    first: zeros(),
    second: zeros(),
    time: np.array(0),
  };
  let key = random.key(0);
  let loss = np.array(0);
  return {
    name: `jax-js 0.1.25, ${device}`,
    step(batch, noise) {
      const x = batches[batch].ref;
      loss.dispose();
      if (!isVariational) [state, loss] = plain(state, x);
      else if (noise) [state, loss] = given(state, x, array(noise, [batchSize, code]));
      else [state, loss, key] = drawn(state, x, key);
    },
    async finish() {
      await Promise.all(Object.values(state.parameters).map((parameter) => parameter.blockUntilReady()));
      return (await loss.ref.data())[0];
    },
  };
});

function transposed(values: Float32Array<ArrayBuffer>, shape: readonly number[]): Float32Array<ArrayBuffer> {
  const [outputs, inputs = 1] = shape;
  return values.map((_, at) => values[at % outputs * inputs + Math.floor(at / outputs)]);
}
