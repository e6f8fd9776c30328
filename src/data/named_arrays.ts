/**
 * Files of several named arrays: NPZ (a zip of NPY files) and safetensors.
 * @module
 */
import { unzipSync } from "../dependencies/fflate.ts";
import { InputError, quote, toOneLine } from "../errors.ts";
import { findTensors } from "../files/safetensors.ts";
import { bytesOf, decodeNumbers, type NumberType } from "./numbers.ts";
import { type Npy, readNpy } from "./npy.ts";
import { listed } from "./table.ts";

/** Arrays of a file, by name. */
export interface NamedArrays {
  /** Name of the format. */
  readonly format: string;
  /** Names of the arrays, in the order of the file. */
  readonly names: readonly string[];
  /** Decodes an array. */
  read(name: string): Npy;
}

/** Number types by their name in safetensors; BF16 is the upper half of a 32-bit float. */
const DTYPES: Readonly<Record<string, NumberType | "bf16">> = {
  F64: "f8",
  F32: "f4",
  F16: "f2",
  BF16: "bf16",
  I64: "i8",
  I32: "i4",
  I16: "i2",
  I8: "i1",
  U64: "u8",
  U32: "u4",
  U16: "u2",
  U8: "u1",
  BOOL: "b1",
};
/** Largest ratio of compression that deflate reaches. */
const MAX_RATIO = 1040;
/** Limit on the size of an array in bytes. */
const MAX_ARRAY_BYTES = 2 ** 31;

function fail(path: string, problem: string): never {
  throw new InputError(`Cannot read "${path}": ${problem}`);
}

/**
 * Opens an NPZ file.
 *
 * @throws {InputError} if it is no zip file, or has no arrays
 */
export function openNpz(bytes: Uint8Array<ArrayBuffer>, path: string): NamedArrays {
  const unzip = (wanted: string | undefined) => {
    const names: string[] = [];
    try {
      const files = unzipSync(bytes, {
        filter: ({ name, size, originalSize }) => {
          if (name.endsWith(".npy")) names.push(name.slice(0, -4));
          if (wanted === undefined || name !== `${wanted}.npy`) return false;
          if (originalSize > MAX_ARRAY_BYTES || originalSize > MAX_RATIO * (size + 64)) {
            fail(
              path,
              `expected a whole zip archive but array ${quote(wanted)} claims ${originalSize} bytes`,
            );
          }
          return true;
        },
      });
      return { names, file: wanted === undefined ? undefined : files[`${wanted}.npy`] };
    } catch (error) {
      if (error instanceof InputError) throw error;
      const reason = toOneLine(error instanceof Error ? error.message : String(error));
      fail(
        path,
        `expected an NPZ file, a zip archive of NPY files, but found damage: ${reason}; save it again`,
      );
    }
  };
  const { names } = unzip(undefined);
  if (names.length === 0) {
    fail(path, "expected an NPZ file, a zip archive of NPY files, but found no NPY file in it");
  }
  return {
    format: "NPZ",
    names,
    read(name) {
      const { file } = unzip(name);
      if (!file) fail(path, `expected an array ${quote(name)} but did not find it`);
      return readNpy(file, `${path}:${toOneLine(name)}`);
    },
  };
}

/**
 * Opens a safetensors file.
 *
 * @throws {InputError} if it is damaged, or has other types
 */
export function openSafetensors(bytes: Uint8Array<ArrayBuffer>, path: string): NamedArrays {
  const sizeOf = (type: NumberType | "bf16") => type === "bf16" ? 2 : bytesOf(type);
  const sizes = Object.fromEntries(Object.entries(DTYPES).map(([dtype, type]) => [dtype, sizeOf(type)]));
  const { places } = findTensors(bytes, `"${path}"`, sizes);
  return {
    format: "safetensors",
    names: places.map(({ name }) => name),
    read(name) {
      const { dtype, shape, begin, end } = places.find((place) => place.name === name)!;
      const type = DTYPES[dtype], data = bytes.subarray(begin, end);
      if (type !== "bf16") return { shape, data: decodeNumbers(data, type, true) };
      const halves = decodeNumbers(data, "u2", true);
      const words = Uint32Array.from(halves, (half) => half * 2 ** 16);
      return { shape, data: new Float32Array(words.buffer) };
    },
  };
}

/** Names of arrays that belong together. */
export interface ChosenArrays {
  /** Array of the data. */
  readonly data: string;
  /** Array of the classes. */
  readonly labels?: string | undefined;
  /** Array of the test data. */
  readonly test?: string | undefined;
  /** Array of their classes. */
  readonly testLabels?: string | undefined;
}

/** Names that files of well-known libraries have. */
const KNOWN: readonly ChosenArrays[] = [
  { data: "x_train", labels: "y_train", test: "x_test", testLabels: "y_test" }, // Keras
  { data: "X_train", labels: "y_train", test: "X_test", testLabels: "y_test" }, // scikit-learn's examples
  { data: "train_images", labels: "train_labels", test: "test_images", testLabels: "test_labels" }, // MedMNIST
  { data: "data", labels: "labels" }, // Pythae
  { data: "X", labels: "y" },
];

/**
 * Chooses the arrays to read: the one that is named, those with names of Keras (`x_train`, …), scikit-learn (`X_train`,
 * `X`), MedMNIST (`train_images`) or Pythae (`data`), or the only one.
 *
 * @throws {InputError} if the name is unknown, or one is needed
 */
export function chooseArrays(
  { names }: Pick<NamedArrays, "names">,
  path: string,
  wanted: string | undefined,
): ChosenArrays {
  if (wanted !== undefined) {
    if (names.includes(wanted)) return { data: wanted };
    fail(path, `expected an array ${quote(wanted)} but found ${listed(names)}; name one of these`);
  }
  const present = (name: string | undefined) => name !== undefined && names.includes(name) ? name : undefined;
  for (const { data, labels, test, testLabels } of KNOWN) {
    if (!present(data)) continue;
    const found = { data, labels: present(labels), test: present(test) };
    return { ...found, testLabels: found.test && present(testLabels) };
  }
  if (names.length === 1) return { data: names[0] };
  fail(
    path,
    `expected the name of an array but found several, ${listed(names)}; name one, as in ${
      quote(`FILE:${names[0]}`)
    }`,
  );
}
