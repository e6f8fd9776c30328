/**
 * How networks that are trained layer by layer are measured, and the rows that they have in common.
 * @module
 */
import type { BuildModel } from "../graph/model.ts";
import type { TableRow } from "../report/closing_table.ts";
import { codeRanges } from "../report/code_ranges.ts";
import { measureLosses } from "./evaluate.ts";
import type { Network } from "./held_out.ts";
import type { Closing, Measured } from "./measured.ts";
import type { BesidePytorch } from "./pytorch_figures.ts";
import { stageEnds } from "./stages.ts";

/** What PyTorch reaches on MNIST. */
export interface LayerwiseFigures {
  /** The mean loss of each stage's last epoch. */
  readonly stages: readonly string[];
  /** The test error, on clean images. */
  readonly error: string;
  /** The test error on noisy images. */
  readonly noisy?: string;
  /** The accuracy of the nearest neighbours of the codes. */
  readonly accuracy?: string;
}

/** What {@link measureLayerwise} is told. */
export interface LayerwiseMeasure {
  /** The network of a stage, or of all; on images with the noise of a stream, or, without one, on clean ones. */
  readonly network: (stage?: number, stream?: string) => BuildModel;
  /** The noise as its flag has it, if there is some. */
  readonly noise?: string;
  /** The weight of the term `sparsity`, if there is one. */
  readonly penalty?: number;
  /** PyTorch's figures, if there are any. */
  readonly pytorch: LayerwiseFigures | undefined;
  /** How they are worded. */
  readonly beside: BesidePytorch;
  /** The recipe's own rows. */
  readonly rows?: (closing: Closing) => Promise<readonly TableRow[]>;
}

/** How a network is measured that is trained layer by layer: as a whole, and each stage after its epochs. */
export function measureLayerwise(measure: LayerwiseMeasure): Measured {
  const { network, noise, pytorch, beside, rows } = measure;
  const ofStage = (stage?: number): Network => ({
    build: network(stage),
    noisy: noise === undefined ? undefined : network(stage, "noise of the test"),
  });
  return {
    ...ofStage(),
    ofStage,
    pytorch: { error: beside(pytorch?.error), accuracy: beside(pytorch?.accuracy) },
    rows: async (closing) => [
      ...noise === undefined ? [] : await cleanAndNoisy(measure, noise, closing),
      ...stageRows(measure, closing),
      ...await rows?.(closing) ?? [],
      ...codeRanges(closing.result.codes, closing.result.codeSize),
    ],
  };
}

/** The errors on clean and on noisy test images, which differ where noise shifts the mean. */
async function cleanAndNoisy(
  { network, pytorch, beside }: LayerwiseMeasure,
  noise: string,
  { gpu, parameters, data, result }: Closing,
): Promise<TableRow[]> {
  const noisy = network(undefined, "noise of the test");
  const { reconstruction } = await measureLosses(gpu, noisy, parameters, data.test.images, data.width);
  const unit = "squared error per pixel, test images";
  return [
    { label: "from clean images", value: result.error, digits: 5, unit: unit + beside(pytorch?.error) },
    {
      label: "from noisy images",
      value: reconstruction,
      digits: 5,
      unit: `the same, with ${noise}${beside(pytorch?.noisy)}`,
    },
  ];
}

/** What each stage ended at. */
function stageRows({ pytorch, beside, penalty }: LayerwiseMeasure, { metrics }: Closing): TableRow[] {
  return stageEnds(metrics).flatMap(({ label, stage, losses: { reconstruction, sparsity } }) => {
    const unit = penalty === undefined ? "squared error per pixel" : "squared error and penalty";
    const value = penalty === undefined ? reconstruction : reconstruction + penalty * sparsity;
    const figure = beside(pytorch?.stages[stage ?? NaN]);
    const row = { label: `${label}, last epoch`, value, digits: 5, unit: unit + figure };
    if (penalty === undefined) return [row];
    const error = { label: "  squared error", value: reconstruction, digits: 5 };
    return [row, { ...error, unit: "per pixel, without the penalty" }];
  });
}
