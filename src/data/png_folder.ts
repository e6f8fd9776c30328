/**
 * Folders of PNG images: a subfolder is a class.
 * @module
 */
import { join } from "node:path";
import { createHash } from "node:crypto";
import { decode, type DecodedPng } from "../dependencies/fast_png.ts";
import { quote, toOneLine } from "../errors.ts";
import { cannotUse } from "./cannot_use.ts";
import { classesOf, type Table } from "./table.ts";

/** Limit on the number of images. */
const MAX_IMAGES = 2 ** 22;
/** Limits on an image, so that a damaged one cannot fill the memory: bytes of the file, and pixels. */
const MAX_IMAGE_BYTES = 2 ** 26, MAX_PIXELS = 2 ** 24;

/** Names of a folder's entries. */
interface Entries {
  /** PNG files. */
  readonly images: string[];
  /** Files of images in other formats. */
  readonly others: string[];
  readonly folders: string[];
}

/** Names of the images of a folder, and of its folders, in order: 2.png before 10.png. */
function entriesOf(folder: string): Entries {
  const images: string[] = [], others: string[] = [], folders: string[] = [];
  for (const { name, isFile, isDirectory } of Deno.readDirSync(folder)) {
    if (name.startsWith(".")) continue;
    if (isDirectory) folders.push(name);
    else if (isFile && /\.png$/i.test(name)) images.push(name);
    else if (isFile && /\.(jpe?g|webp|gif|bmp|tiff?)$/i.test(name)) others.push(name);
  }
  const byNumber = (a: string, b: string) => a.localeCompare(b, "en", { numeric: true }) || (a < b ? -1 : 1);
  return { images: images.sort(byNumber), others: others.sort(byNumber), folders: folders.sort(byNumber) };
}

/** Reads one image as planes: gray, or red, green and blue; alpha is dropped. */
function readPng(path: string): { shape: readonly number[]; planes: Float32Array; hasAlpha: boolean } {
  const { isFile, size } = Deno.statSync(path);
  if (!isFile || size > MAX_IMAGE_BYTES) {
    cannotUse(path, `expected an image of at most ${MAX_IMAGE_BYTES} bytes`);
  }
  const bytes = Deno.readFileSync(path);
  const view = new DataView(bytes.buffer);
  if (bytes.length >= 24 && view.getUint32(16) * view.getUint32(20) > MAX_PIXELS) {
    cannotUse(path, `expected at most ${MAX_PIXELS} pixels; scale the image down`);
  }
  let png: DecodedPng;
  try {
    png = decode(bytes);
  } catch (error) {
    const reason = toOneLine(error instanceof Error ? error.message : String(error));
    cannotUse(path, `expected a PNG image but found damage: ${reason}; save it again`);
  }
  const { width, height, data, channels, palette, depth } = png, pixels = width * height;
  const colors = palette ? 3 : channels >= 3 ? 3 : 1;
  const planes = new Float32Array(colors * pixels);
  const levels = depth < 8 && !palette ? 2 ** depth - 1 : undefined;
  for (let k = 0; k < pixels; k++) {
    for (let c = 0; c < colors; c++) {
      planes[c * pixels + k] = palette
        ? palette[indexAt(png, k)][c]
        : levels !== undefined
        ? 255 * indexAt(png, k) / levels
        : data[k * channels + c];
    }
  }
  return {
    shape: colors === 3 ? [3, height, width] : [height, width],
    planes,
    hasAlpha: channels === 2 || channels === 4 || (palette?.some(({ length }) => length > 3) ?? false),
  };
}

/** Gray level or palette index of a pixel; several share a byte below 8 bits. */
function indexAt({ data, depth, width }: DecodedPng, pixel: number): number {
  if (depth >= 8) return data[pixel];
  const perByte = 8 / depth, row = Math.floor(pixel / width), column = pixel % width;
  const byte = data[row * Math.ceil(width / perByte) + Math.floor(column / perByte)];
  return byte >> (8 - depth * (1 + column % perByte)) & (2 ** depth - 1);
}

/**
 * Reads the PNG images of a folder and of its subfolders, whose names are classes, in the order of their names.
 *
 * @throws {InputError} if there are none, one is damaged, or their sizes differ
 */
export function readPngFolder(folder: string): { readonly table: Table; readonly checksum: string } {
  const { images, others, folders } = entriesOf(folder);
  const inner = folders.map((name) => ({ name, entries: entriesOf(join(folder, name)) }));
  const inside = inner.flatMap(({ name, entries }) =>
    entries.images.map((image) => ({ path: join(name, image), name }))
  );
  const [other] = [
    ...others,
    ...inner.flatMap(({ name, entries }) => entries.others.map((one) => join(name, one))),
  ];
  if (other !== undefined) {
    cannotUse(
      folder,
      `expected images in PNG but found ${quote(other)}; convert all to PNG, as Pillow's Image.save() does`,
    );
  }
  if (images.length > 0 && inside.length > 0) {
    cannotUse(
      folder,
      "expected images in the folder or in its subfolders, which are classes, but found both; move some",
    );
  }
  const all = images.length > 0 ? images.map((path) => ({ path, name: "" })) : inside;
  if (all.length === 0) {
    cannotUse(folder, "found a folder without PNG images; name a file, or a folder of them");
  }
  if (all.length > MAX_IMAGES) {
    cannotUse(folder, `expected at most ${MAX_IMAGES} images but found ${all.length}`);
  }
  const hash = createHash("sha256"), notes: string[] = [];
  let first: ReturnType<typeof readPng> | undefined, values = new Float32Array(), hasAlpha = false;
  all.forEach(({ path }, n) => {
    const image = readPng(join(folder, path));
    if (!first) {
      first = image;
      values = new Float32Array(all.length * image.planes.length);
    }
    if (image.shape.join() !== first.shape.join()) {
      const size = (shape: readonly number[]) =>
        `${shape.slice(-2).join("×")}${shape.length > 2 ? " in color" : " in gray"}`;
      cannotUse(
        join(folder, path),
        `expected an image of ${size(first.shape)}, as ${quote(all[0].path)} is, but found ${
          size(image.shape)
        }; ` +
          "make all images alike",
      );
    }
    hasAlpha ||= image.hasAlpha;
    hash.update(`${path}\0`).update(new Uint8Array(image.planes.buffer));
    values.set(image.planes, n * image.planes.length);
  });
  if (hasAlpha) notes.push("the images' transparency is dropped");
  const isBytes = values.every((value) => value >= 0 && value <= 255 && Number.isInteger(value));
  return {
    table: {
      format: "PNG",
      count: all.length,
      shape: first!.shape,
      values: isBytes ? Uint8Array.from(values) : values,
      ...(images.length > 0
        ? { classNames: [] }
        : classesOf(all.map(({ name }) => name), folder, "its subfolders", ["move the images into fewer"])),
      notes,
      warnings: [],
    },
    checksum: hash.digest("hex"),
  };
}
