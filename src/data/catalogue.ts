/**
 * Catalogue of the built-in data sets: files, classes, checksums and sources. Checksums are SHA-256 over the
 * decompressed IDX bytes, because the gzip containers differ between mirrors (Debian's package strips the
 * file name from the gzip header).
 * @module
 */
import { createHash } from "node:crypto";
import { InputError } from "../errors.ts";

/** Role of one of a data set's four files. */
export type FileRole = "trainImages" | "trainLabels" | "testImages" | "testLabels";

/** The four roles, in the order of `Dataset.checksum`. */
export const FILE_ROLES: readonly FileRole[] = ["trainImages", "trainLabels", "testImages", "testLabels"];

/** File name of each role, without the optional `.gz`; equal for all data sets. */
export const FILE_NAMES: Readonly<Record<FileRole, string>> = {
  trainImages: "train-images-idx3-ubyte",
  trainLabels: "train-labels-idx1-ubyte",
  testImages: "t10k-images-idx3-ubyte",
  testLabels: "t10k-labels-idx1-ubyte",
};

/** Catalogue entry of a data set. */
export interface CatalogueEntry {
  /** Name of the data set, and of its subfolder in the cache. */
  readonly name: string;
  /** Class names, indexed by label. */
  readonly classNames: readonly string[];
  /** Rows and columns of an image. */
  readonly imageShape: readonly [number, number];
  /** SHA-256 of each decompressed file, in hex. */
  readonly sums: Readonly<Record<FileRole, string>>;
  /** Folders, besides the cache, that may contain the files: paths or `file:` URLs. */
  readonly folders: readonly (string | URL)[];
  /** URL prefixes ending in `/` for downloading `<file>.gz`, in order; empty if it cannot be downloaded. */
  readonly mirrors: readonly string[];
  /** Remedy if the files are missing, which ends the error message. */
  readonly hint: string;
}

const FASHION_CLASSES = [
  "T-shirt/top",
  "Trouser",
  "Pullover",
  "Dress",
  "Coat",
  "Sandal",
  "Shirt",
  "Sneaker",
  "Bag",
  "Ankle boot",
];

/** Default data set, included with the project. */
export const DEFAULT_DATASET = "fashion-mnist-mini";

/** All built-in data sets. */
export const CATALOGUE: readonly CatalogueEntry[] = [
  {
    name: DEFAULT_DATASET,
    classNames: FASHION_CLASSES,
    imageShape: [28, 28],
    sums: {
      trainImages: "d33512cfdc636a0d8972818e6659995be209a88891df7fa2109d7895922c8985",
      trainLabels: "620cb8e3b9348037c5ff9a07b02d773ab165330e072dfd19e0d21c59f8042dcf",
      testImages: "15a92dd1e9b16ea361928086e77df4dfa890c255c00b5a8c8162c1040ce8eef1",
      testLabels: "234596aeb6eb48133ec99a62541f90bc0728c9559a681f1e0638037462458f2c",
    },
    folders: [new URL("../../fixtures/fashion-mnist-mini/", import.meta.url)],
    mirrors: [],
    hint: "it ships with the project: restore it with `git checkout fixtures/fashion-mnist-mini`",
  },
  {
    name: "mnist",
    classNames: ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
    imageShape: [28, 28],
    sums: {
      trainImages: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
      trainLabels: "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
      testImages: "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
      testLabels: "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    },
    folders: [],
    mirrors: [
      "https://storage.googleapis.com/cvdf-datasets/mnist/",
      "https://ossci-datasets.s3.amazonaws.com/mnist/",
    ],
    hint: "use fashion-mnist-mini, which ships with the project, or give their folder",
  },
  {
    name: "fashion-mnist",
    classNames: FASHION_CLASSES,
    imageShape: [28, 28],
    sums: {
      trainImages: "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
      trainLabels: "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
      testImages: "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
      testLabels: "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    },
    folders: ["/usr/share/datasets/fashion-mnist"],
    mirrors: [
      "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
      "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    ],
    hint:
      "on Debian run `apt-get install dataset-fashion-mnist`, or use fashion-mnist-mini, which ships with the project, or give their folder",
  },
];

/**
 * Looks up a data set by name.
 *
 * @throws {InputError} if the name is unknown
 */
export function findDataset(name: string): CatalogueEntry {
  const entry = CATALOGUE.find((candidate) => candidate.name === name);
  if (entry !== undefined) return entry;
  const known = CATALOGUE.map((candidate) => candidate.name).join(", ");
  throw new InputError(`Cannot load the data set "${name}": expected one of ${known}; choose one of these`);
}

/** SHA-256 of the concatenated parts, in hex. */
export function sha256(...parts: readonly Uint8Array[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
}
