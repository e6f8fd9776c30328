// Makes the data set that ships with the project: 10,000 training and 2,000 test images of Fashion-MNIST, the
// first 1,000 (200) of each class, in their original order. Needs Debian's package dataset-fashion-mnist.
//
// deno run --allow-read=/usr/share/datasets/fashion-mnist --allow-write=fixtures/fashion-mnist-mini scripts/tools/make_fashion_mnist_mini.ts
//
// Prints each file's size and the SHA-256 of its decompressed bytes, for src/data/catalogue.ts.
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { FILE_NAMES, FILE_ROLES, type FileRole, sha256 } from "../../src/data/catalogue.ts";
import { readIdx, writeIdx } from "../../src/data/idx.ts";
import { print } from "../../src/terminal.ts";

/** Folder where Debian's package installs the full set. */
export const SOURCE_FOLDER = "/usr/share/datasets/fashion-mnist";

const CLASSES = 10;
const TRAIN_PER_CLASS = 1000;
const TEST_PER_CLASS = 200;

/** Indices of the first `perClass` images of each class, in ascending order. */
function firstOfEachClass(labels: Uint8Array, perClass: number): number[] {
  const taken = new Array<number>(CLASSES).fill(0);
  const positions: number[] = [];
  labels.forEach((label, position) => {
    if (taken[label]++ < perClass) positions.push(position);
  });
  return positions;
}

/** Makes the four uncompressed files from the full set's folder. */
export function makeMini(sourceFolder: string): Record<FileRole, Uint8Array<ArrayBuffer>> {
  const read = (role: FileRole, dimensions: number) => {
    const path = join(sourceFolder, `${FILE_NAMES[role]}.gz`);
    return readIdx(Deno.readFileSync(path), path, dimensions);
  };
  const half = (imageRole: FileRole, labelRole: FileRole, perClass: number) => {
    const { shape: [, rows, columns], data: pixels } = read(imageRole, 3);
    const { data: classes } = read(labelRole, 1);
    const width = rows * columns;
    const positions = firstOfEachClass(classes, perClass);
    const images = new Uint8Array(positions.length * width);
    positions.forEach((from, to) =>
      images.set(pixels.subarray(from * width, (from + 1) * width), to * width)
    );
    const labels = Uint8Array.from(positions, (from) => classes[from]);
    return [
      writeIdx([positions.length, rows, columns], images),
      writeIdx([positions.length], labels),
    ] as const;
  };
  const [trainImages, trainLabels] = half("trainImages", "trainLabels", TRAIN_PER_CLASS);
  const [testImages, testLabels] = half("testImages", "testLabels", TEST_PER_CLASS);
  return { trainImages, trainLabels, testImages, testLabels };
}

/** Compresses with a fixed gzip header (no name, time or operating system), so that the bytes are reproducible. */
export function packDeterministic(bytes: Uint8Array): Uint8Array {
  const packed = gzipSync(bytes, { level: 9 });
  packed.fill(0, 4, 8); // time of modification
  packed[9] = 255; // operating system: unknown
  return packed;
}

if (import.meta.main) {
  const folder = fileURLToPath(new URL("../../fixtures/fashion-mnist-mini/", import.meta.url));
  Deno.mkdirSync(folder, { recursive: true });
  const files = makeMini(SOURCE_FOLDER);
  for (const role of FILE_ROLES) {
    const packed = packDeterministic(files[role]);
    const name = `${FILE_NAMES[role]}.gz`;
    Deno.writeFileSync(join(folder, name), packed);
    print(`${name}  ${packed.length} bytes  sha256(decompressed) ${sha256(files[role])}`);
  }
}
