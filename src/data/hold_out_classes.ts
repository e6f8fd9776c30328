/**
 * Classes that are not learned from, for anomaly detection: their test images are the anomalies.
 * @module
 */
import { InputError, quote, toOneLine } from "../errors.ts";
import type { Dataset } from "./dataset.ts";

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
  const { images, labels } = train, { width } = data;
  const kept = labels.reduce((sum, label) => sum + Number(!held.has(label)), 0);
  if (kept === 0) {
    throw new InputError(`${action}: expected another class to learn from but no training image is left`);
  }
  const [pixels, classes] = [images.slice(0, kept * width), labels.slice(0, kept)];
  let at = 0;
  labels.forEach((label, row) => {
    if (held.has(label)) return;
    pixels.set(images.subarray(row * width, (row + 1) * width), at * width);
    classes[at++] = label;
  });
  const anomalies = test.labels.reduce((sum, label) => sum + Number(held.has(label)), 0);
  return {
    data: { ...data, train: { ...train, images: pixels, labels: classes, count: kept } },
    line:
      `held out  ${toOneLine(names.join(", "))}: ${count(kept)} of ${
        count(train.count)
      } training images are left; ` +
      `${count(anomalies)} of ${count(test.count)} test images are of held-out classes`,
  };
}

const count = (number: number) => number.toLocaleString("en-US");
