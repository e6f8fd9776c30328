// Draws images from a trained variational autoencoder.
// Run: deno task sample runs/vae-… --count 64 --seed 7    samples the prior
//      deno task sample runs/vae-… --interpolate 3,17     interpolates spherically between the codes of two test images
//      deno task sample runs/vae-… --grid 20              decodes a grid over a 2-D code, at quantiles of the normal
//                                                         distribution
import { join } from "node:path";
import { InputError } from "../../src/errors.ts";
import { print } from "../../src/terminal.ts";
import { openGpu } from "../../src/gpu/device.ts";
import { interpolateCodes, quantileGrid } from "../../src/evaluate/code_space.ts";
import { valuesIn } from "../../src/report/image_shape.ts";
import { imageGrid } from "../../src/report/picture.ts";
import { runCommand } from "../../src/cli/command.ts";
import { integer, optionalInteger, optionalText, parseFlags, positional } from "../../src/recipe/flags.ts";
import { Forward } from "../../src/evaluate/forward.ts";
import { loadParameters, readTrainedRun, storedShape } from "../../src/runs/load_run.ts";
import { compileGenerator, imagesAt, priorCodes } from "../../src/evaluate/variational.ts";
import { anyData } from "../../src/recipe/recipe.ts";
import { RUN_DATA } from "./data_of_run.ts";
import { recipeFlag, recipeOfRun } from "./recipe_of_run.ts";
import { writeFileAtomic } from "../../src/files/write_file.ts";
import { openRunDataset } from "../../src/cli/open_dataset.ts";
import { fitToRecipe } from "../../src/recipe/data_range.ts";
import { evaluatedNetwork } from "../../src/recipe/evaluated_network.ts";

/** Number of interpolated codes, both ends included. */
const STEPS = 10;

const flags = {
  run: positional("RUN", "run folder of the vae recipe, or of another recipe with a generator"),
  recipe: recipeFlag(),
  count: integer(64, "number of images to sample from the prior", { min: 1, max: 10000 }),
  seed: integer(0, "random seed for sampling", { min: 0, max: 4294967295 }),
  interpolate: {
    ...optionalText(
      `interpolate between two test images, given by their index in codes.csv, in ${STEPS} steps`,
    ),
    placeholder: "A,B",
    expected: "two indices of test images, such as 3,17",
    parse: (text: string) => /^\d{1,9},\d{1,9}$/.test(text) ? text : undefined,
  },
  grid: optionalInteger("decode an N×N grid of codes; needs a 2-D code", { min: 1, max: 100 }),
  out: optionalText("PNG file to write", "a file in the run folder"),
  ...RUN_DATA,
};

/** Images to save, [count, pixels] in [0, 1], with the name of the file and the columns of the grid. */
interface Drawing {
  readonly name: string;
  readonly images: Float32Array;
  readonly columns: number;
}

async function main(): Promise<void> {
  const config = parseFlags(
    {
      name: "sample",
      examples: ["runs/vae-20260102-030405-0", "runs/vae-20260102-030405-0 --interpolate 3,7"],
      description: "Samples images from a trained variational autoencoder.",
    },
    flags,
    Deno.args,
  );
  const { run: folder, count, seed, grid, interpolate } = config;
  const source = `"${folder}"`;
  if (grid !== undefined && interpolate !== undefined) {
    throw new InputError("Cannot use --interpolate and --grid together: choose one");
  }
  const run = readTrainedRun(folder);
  const { recipe, config: trained } = await recipeOfRun(run, config.recipe);
  const shape = storedShape(run);
  const width = valuesIn(shape);
  const evaluated = evaluatedNetwork(recipe, trained, anyData(width)), { build, generator } = evaluated;
  if (!generator) {
    throw new InputError(
      `Cannot sample from ${source}: expected a run of a recipe with a generator, such as vae, but found one of ` +
        recipe.name,
    );
  }
  const { decoder, codeSize: code } = generator;
  if (grid !== undefined && code !== 2) {
    throw new InputError(
      `Cannot use --grid with ${source}: expected a 2-D code but it has ${code} numbers; train with --code 2`,
    );
  }

  using gpu = await openGpu();
  using parameters = loadParameters(run, build, width);
  using generate = await compileGenerator(gpu, parameters, code, decoder);

  /** Interpolates between two test images; the originals stand at the ends of the row. */
  async function walk(indices: readonly number[]): Promise<Drawing> {
    const { test, testRows, width: found } = fitToRecipe(await openRunDataset(run, config), evaluated);
    if (found !== width) {
      throw new InputError(`Cannot use ${source}: expected images of ${width} pixels but found ${found}`);
    }
    const places = indices.map((index) =>
      testRows ? testRows.indexOf(index) : index < test.count ? index : -1
    );
    if (places.includes(-1)) {
      const expected = testRows
        ? "the index of a test row, as in codes.csv,"
        : `indices from 0 to ${test.count - 1}`;
      throw new InputError(
        `Cannot interpolate between test images: expected ${expected} but received ${
          indices[places.indexOf(-1)]
        }`,
        { settings: ["interpolate"] },
      );
    }
    using encode = await Forward.compile(
      gpu,
      parameters,
      { label: "encoder", width, batchSize: 2 },
      (graph, pixels) => build(graph, parameters, pixels).code,
    );
    const ends = imagesAt(test, width, places);
    const codes = await encode.run(ends);
    const between = await generate.run(
      interpolateCodes(codes.subarray(0, code), codes.subarray(code), STEPS),
    );
    const images = new Float32Array((STEPS + 2) * width);
    images.set(ends.subarray(0, width));
    images.set(between, width);
    images.set(ends.subarray(width), (STEPS + 1) * width);
    return { name: `interpolation-${indices.join("-")}`, images, columns: STEPS + 2 };
  }

  async function draw(): Promise<Drawing> {
    if (interpolate !== undefined) return await walk(interpolate.split(",").map(Number));
    if (grid !== undefined) {
      return { name: `grid-${grid}`, images: await generate.run(quantileGrid(grid)), columns: grid };
    }
    const images = await generate.run(priorCodes(count, code, seed));
    return { name: `samples-${count}-seed-${seed}`, images, columns: Math.ceil(Math.sqrt(count)) };
  }

  const { name, images, columns } = await draw();
  const out = config.out ?? join(folder, `${name}.png`);
  writeFileAtomic(out, imageGrid(images, images.length / width, shape, { columns }));
  print(`${images.length / width} images saved in ${out}`);
}

if (import.meta.main) await runCommand(main);
