/**
 * Formats that are not read, and how to convert them.
 * @module
 */
import { cannotUse } from "./cannot_use.ts";

/** Formats that are read. */
export const FORMATS = "CSV, NPY, NPZ, IDX, safetensors, Parquet or a folder of PNG files";

/** Other formats: name, first bytes or ending, and how to convert them. */
const OTHER_FORMATS: readonly (readonly [string, string, RegExp | undefined, string])[] = [
  ["UTF-16 text", "ff fe", undefined, "save it as UTF-8, such as with iconv -f utf-16 -t utf-8"],
  ["UTF-16 text", "fe ff", undefined, "save it as UTF-8, such as with iconv -f utf-16 -t utf-8"],
  [
    "an AnnData file (HDF5)",
    "",
    /\.h5ad$/,
    'save numpy.save("data.npy", adata.X), after adata.X.toarray() if it is sparse',
  ],
  ["HDF5", "89 48 44 46 0d 0a 1a 0a", undefined, 'save numpy.save("data.npy", h5py.File(name)[key][:])'],
  ["a PyTorch file", "", /\.pth?$/, 'save numpy.save("data.npy", tensor.numpy())'],
  [
    "a MATLAB file",
    "4d 41 54 4c 41 42",
    /\.mat$/,
    'save numpy.save("data.npy", scipy.io.loadmat(name)[key])',
  ],
  [
    "a Python pickle, which can run code",
    "80",
    /\.(pkl|pickle)$/,
    'save numpy.save("data.npy", array) or frame.to_csv(name, index=False)',
  ],
  ["an Excel file", "", /\.xlsx?$/, "save it as CSV"],
  ["JSON", "", /\.jsonl?$/, "save pandas.read_json(name).to_csv(other, index=False)"],
  [
    "one PNG image",
    "89 50 4e 47 0d 0a 1a 0a",
    undefined,
    "give a folder of PNG images of one size",
  ],
  ["one JPEG image", "ff d8 ff", undefined, "give a folder of PNG images of one size"],
  [
    "Arrow or Feather",
    "41 52 52 4f 57 31",
    undefined,
    "save pandas.read_feather(name).to_csv(other, index=False)",
  ],
  ["a zip archive", "50 4b 03 04", undefined, "unpack it"],
  ["bzip2", "42 5a 68", undefined, "decompress it with bunzip2"],
  ["xz", "fd 37 7a 58 5a", undefined, "decompress it with unxz"],
  ["zstd", "28 b5 2f fd", undefined, "decompress it with unzstd"],
];

/**
 * Refuses a format that is not read.
 *
 * @param head first bytes of the file
 * @throws {InputError} if its first bytes or its ending are those of another format
 */
export function refuseOtherFormats(path: string, head: Uint8Array): void {
  const start = Array.from(head.subarray(0, 8), (byte) => byte.toString(16).padStart(2, "0")).join(" ");
  const ending = path.toLowerCase().replace(/\.gz$/, "");
  for (const [format, magic, endings, remedy] of OTHER_FORMATS) {
    if (magic !== "" && start.startsWith(magic) || endings?.test(ending)) {
      cannotUse(path, `expected ${FORMATS} but found ${format}; ${remedy}`);
    }
  }
}
