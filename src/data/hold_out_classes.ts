/**
 * Classes that are not learned from, for anomaly detection: their test images are the anomalies.
 * @module
 */
import { InputError, quote, toOneLine } from "../errors.ts";
import type { Dataset } from "./dataset.ts";
import type { TableValues } from "./table.ts";

/**
 * Removes the training images of some classes; the test images stay.
 *
 * @param names names of classes, as in `classNames`
 * @returns the data set, and a line that says how many training images are left
 * @throws InputError if the data has no classes or no class of such a name, or no training image is left
 */
export function holdOutClasses<D extends Dataset>(
  data: D,
  names: readonly string[],
): { readonly data: D; readonly line: string } {
  const { classNames, train, test } = data, action = `Cannot hold out ${quote(names.join(","))}`;
  if (!train.labels || !test.labels) {
    throw new InputError(
      `${action}: expected data with classes but found none; name the column of the classes`,
      {
        settings: ["label", "labels"],
      },
    );
  }
  const unknown = names.find((name) => !classNames.includes(name));
  if (unknown !== undefined) {
    throw new InputError(
      `${action}: expected names of classes but received ${quote(unknown)}; choose from ` +
        toOneLine(classNames.filter((name) => name !== "").slice(0, 40).join(", ")),
    );
  }
  const held = new Set(names.map((name) => classNames.indexOf(name)));
  const { images, labels, count: kept } = rowsWithout(train.images, train.labels, data.width, held);
  if (kept === 0) {
    throw new InputError(`${action}: expected another class to learn from but no training image is left`);
  }
  const anomalies = test.labels.reduce((sum, label) => sum + Number(held.has(label)), 0);
  return {
    data: { ...data, train: { ...train, images, labels, count: kept } },
    line:
      `held out  ${toOneLine(names.join(", "))}: ${count(kept)} of ${
        count(train.count)
      } training images are left; ` +
      `${count(anomalies)} of ${count(test.count)} test images are of held-out classes`,
  };
}

/**
 * Copies the rows whose class is not held out.
 *
 * @param images [rows, width], row-major
 * @param labels [rows]
 * @param held indices of the held-out classes
 */
export function rowsWithout<Values extends TableValues>(
  images: Values,
  labels: Uint8Array,
  width: number,
  held: ReadonlySet<number>,
): { readonly images: Values; readonly labels: Uint8Array<ArrayBuffer>; readonly count: number } {
  const count = labels.reduce((sum, label) => sum + Number(!held.has(label)), 0);
  const kept = images.slice(0, count * width) as Values, classes = new Uint8Array(count);
  let at = 0;
  labels.forEach((label, row) => {
    if (held.has(label)) return;
    kept.set(images.subarray(row * width, (row + 1) * width), at * width);
    classes[at++] = label;
  });
  return { images: kept, labels: classes, count };
}

const count = (number: number) => number.toLocaleString("en-US");
