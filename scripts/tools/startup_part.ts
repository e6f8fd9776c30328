// Child process of `deno task bench:startup`: prints wall-clock and CPU time in milliseconds, as JSON.
// compile RECIPE…      compiles the recipes' training steps and runs each once
// load DATASET [DIR]   loads a data set
import process from "node:process";
import { loadDataset } from "../../src/data/dataset.ts";
import { openGpu } from "../../src/gpu/device.ts";
import { Parameters } from "../../src/graph/parameters.ts";
import { DATASET_CACHE } from "../../src/cli/open_dataset.ts";
import { createBench } from "../../src/bench/bench_step.ts";
import { checkedNetworks } from "../../src/recipe/checked_networks.ts";
import { findRecipe } from "./find_recipe.ts";
import { printJson } from "../../src/terminal.ts";

const PARTS: Readonly<Record<string, (names: readonly string[]) => Promise<void>>> = {
  async compile(recipes) {
    using gpu = await openGpu();
    for (const name of recipes) {
      const [{ network, optimizer, batchSize }] = checkedNetworks((await findRecipe(name)).recipe);
      using parameters = new Parameters(0);
      using bench = await createBench(gpu, parameters, { build: network(784), optimizer, batchSize });
      bench.step.run({ first: 0, rows: batchSize }, 0); // drivers compile at the first use
      await bench.step.readLosses();
    }
  },
  async load([name, dataDir]) {
    await loadDataset(name, { cacheDir: DATASET_CACHE, dataDir });
  },
};

const [part, ...names] = Deno.args;
const start = performance.now(), before = process.cpuUsage();
await PARTS[part](names);
const { user, system } = process.cpuUsage(before);
printJson({ wall: performance.now() - start, cpu: (user + system) / 1000 }, 0);
