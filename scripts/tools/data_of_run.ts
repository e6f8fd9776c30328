// The flags of the tools that open the data of a run: where the files are now, and how to read them, where that is not as
// in training.
import { commonFlags } from "../../src/recipe/flags.ts";

const { dataDir, data, testData, testLabels, label, labels, ignore, header, missing } = commonFlags({
  epochs: 1,
  batchSize: 1,
  learningRate: 1,
});

/** How a file is read; as in training where absent. */
export const READING = { label, labels, ignore, header, missing };

/** Where a run's data is, and how it is read; as in training where absent. */
export const RUN_DATA = { dataDir, data, testData, testLabels, ...READING };
