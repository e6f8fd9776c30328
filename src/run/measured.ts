/**
 * What a recipe says about how its network is measured: while it trains, when it ends, and when it is loaded back.
 * @module
 */
import type { Dataset } from "../data/dataset.ts";
import type { Gpu } from "../gpu/device.ts";
import type { Parameters } from "../graph/parameters.ts";
import { entropyFloor } from "../report/baselines.ts";
import type { TableRow } from "../report/closing_table.ts";
import type { Baseline } from "../report/run_data.ts";
import { type Evaluation, evaluationRows } from "./evaluate.ts";
import type { Network } from "./held_out.ts";
import type { MetricsRecord } from "../report/run_data.ts";
import type { BuildDecoder } from "./variational.ts";

/** What a recipe's own rows are made from. */
export interface Closing {
  /** The device. */
  readonly gpu: Gpu;
  /** What was learned. */
  readonly parameters: Parameters;
  /** The data set. */
  readonly data: Dataset;
  /** What was measured of every recipe's network. */
  readonly result: Evaluation;
  /** The lines that training filed. */
  readonly metrics: readonly MetricsRecord[];
}

/** A recipe's network, and what is to be said about it. */
export interface Measured extends Network {
  /** The network of a stage, if it is trained in stages. */
  readonly ofStage?: (stage: number) => Network;
  /** PyTorch's figures for the rows of all recipes, as they follow the unit. */
  readonly pytorch?: { readonly error?: string; readonly accuracy?: string };
  /** The terms, without weights, whose sum means something: that of a bound. */
  readonly total?: readonly string[];
  /** The term that is a cross-entropy with the pixels, and whether it is measured per image or per pixel. */
  readonly crossEntropy?: { readonly label: string; readonly per: "image" | "pixel" } | undefined;
  /** What draws images from codes of the prior. */
  readonly generator?: { readonly decoder: BuildDecoder; readonly codeSize: number };
  /** The mean activation that each unit of a code should have. */
  readonly sparsityTarget?: number;
  /** The recipe's own rows of the closing table. */
  readonly rows?: (closing: Closing) => readonly TableRow[] | Promise<readonly TableRow[]>;
}

/** The closing table: the rows of all recipes, and the recipe's own. */
export async function closingRows({ pytorch, rows }: Measured, closing: Closing): Promise<TableRow[]> {
  return [...evaluationRows(closing.result, pytorch), ...await rows?.(closing) ?? []];
}

/**
 * What the metrics of the test images are to be compared with: PCA and the mean image, and, for a cross-entropy, the
 * entropy that the pixels themselves have.
 */
export function baselinesOf(
  { crossEntropy }: Measured,
  { codeSize, pcaError, meanImageError }: Evaluation,
  { test, width }: Dataset,
): Baseline[] {
  return [
    { label: "mean image", value: meanImageError, metric: "testError" },
    { label: `PCA, ${codeSize} components`, value: pcaError, metric: "testError" },
    ...(crossEntropy
      ? [{
        label: "entropy floor",
        value: entropyFloor(test.images) * (crossEntropy.per === "image" ? width : 1),
        metric: `test.${crossEntropy.label}`,
      }]
      : []),
  ];
}
