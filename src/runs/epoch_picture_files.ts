/**
 * The files of a run folder with pictures after epochs: `reconstructions-<epoch>.png` and `samples-<epoch>.png`.
 * @module
 */
import { join } from "node:path";
import { removeFile, writeFileAtomic } from "../files/write_file.ts";
import type { EpochPicture } from "../report/run_data.ts";

/** What the name of a picture says. */
export type EpochPictureName = Pick<EpochPicture, "kind" | "epoch">;

/** Number of digits of an epoch, so that names sort in the order of epochs. Older runs have no leading zeros. */
const DIGITS = 4;

/** Parses the name of a file; undefined if it is not a picture after an epoch. */
export function parseEpochPicture(name: string): EpochPictureName | undefined {
  const [, kind, epoch] = /^(samples|reconstructions)-(\d+)\.png$/.exec(name) ?? [];
  return kind === undefined ? undefined : { kind: kind as EpochPicture["kind"], epoch: Number(epoch) };
}

/**
 * Saves a picture in a run folder.
 *
 * @throws InputError if it cannot be written
 */
export function saveEpochPicture(folder: string, { kind, epoch, png }: EpochPicture): void {
  writeFileAtomic(join(folder, `${kind}-${`${epoch}`.padStart(DIGITS, "0")}.png`), png);
}

/**
 * Removes the pictures of some epochs.
 *
 * @param folder the run folder
 * @param isKept returns true for epochs whose pictures are kept
 * @throws InputError if a picture cannot be removed
 */
export function removeEpochPictures(folder: string, isKept: (epoch: number) => boolean): void {
  for (const { name } of [...Deno.readDirSync(folder)]) {
    const picture = parseEpochPicture(name);
    if (picture && !isKept(picture.epoch)) removeFile(join(folder, name));
  }
}

/**
 * Selects at most `most` epochs, spread evenly: the first, then those at a distance of 1, 2, 4, … measurements, and the
 * newest. What is kept later is among what is kept now, so that a resumed run keeps the same.
 *
 * @param newest the newest epoch
 * @param every number of epochs between two measurements
 * @param most number of epochs to keep, at least 1
 * @returns a function that is true for the epochs that are kept
 */
export function spreadEpochs(newest: number, every: number, most: number): (epoch: number) => boolean {
  let distance = every;
  while (Math.ceil((newest - every) / distance) + 1 > most && distance < newest) distance *= 2;
  return (epoch) => epoch === newest || most > 1 && (epoch - every) % distance === 0;
}
