/** Damage for files: to bytes as a bad disk or a foe does it, and to JSON values as a careless program does it. */
import type { RandomStream } from "../../src/random.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);

/** What breaks parsers: other formats' beginnings, text that is none, and things that end lines. */
const SNIPPETS: readonly Uint8Array[] = [
  Uint8Array.of(0),
  Uint8Array.of(0x1f, 0x8b),
  Uint8Array.of(0xef, 0xbb, 0xbf),
  Uint8Array.of(0xff, 0xfe, 0xc3, 0x28),
  ...[
    "\n",
    "\r\n",
    "\r",
    "\u2028",
    '"',
    '""',
    ",",
    ",,",
    "{",
    "[[[[",
    "}",
    "\\",
    "null",
    "NaN",
    "-1",
    "1e999",
    "∞",
  ]
    .map(utf8),
];

/** Sizes that headers should not claim. */
const SIZES: readonly bigint[] = [
  0n,
  1n,
  0x7fn,
  0xffn,
  0xffffn,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 60n,
  2n ** 64n - 1n,
];

/** Stands for what is nested so deeply that JSON.stringify gives up on it. */
const DEEP = "@deep@", DEEP_TEXT = "[".repeat(50_000) + "]".repeat(50_000);

/** Values that do not belong where they are put. */
const VALUES: readonly (() => unknown)[] = [
  () => null,
  () => true,
  () => 0,
  () => -1,
  () => 0.5,
  () => 1e308,
  () => 2 ** 53,
  () => 1e9,
  () => "",
  () => "two\nlines",
  () => "\u2028\u0007",
  () => "constructor",
  () => "x".repeat(5000),
  () => [],
  () => [null],
  () => [1e9, 1e9],
  () => ({}),
  () => ({ toString: 1, valueOf: 1, toFixed: 1, join: 1, length: 1e9 }),
  () => DEEP,
  () => JSON.parse('{"__proto__":{"a":1}}'),
];

/** One of a list. */
export function pick<T>(random: RandomStream, list: readonly T[]): T {
  return list[random.nextBelow(list.length)];
}

/** The bytes with one to four faults: cut off, flipped, put in, taken out, repeated, or overwritten with a size. */
export function damaged(random: RandomStream, original: Uint8Array): Uint8Array<ArrayBuffer> {
  let bytes = Uint8Array.from(original);
  const near = () => { // faults in headers matter most
    const end = random.nextBelow(2) === 0 ? Math.min(bytes.length, 64) : bytes.length;
    return random.nextBelow(end + 1);
  };
  const spliced = (from: number, to: number, part: Uint8Array) =>
    Uint8Array.from([...bytes.subarray(0, from), ...part, ...bytes.subarray(to)]);
  for (let faults = 1 + random.nextBelow(4); faults > 0; faults--) {
    const at = near(), to = Math.min(bytes.length, at + random.nextBelow(16));
    const kind = random.nextBelow(7);
    if (kind === 0) bytes = bytes.slice(0, at);
    else if (kind === 1) bytes[at] ^= 1 << random.nextBelow(8);
    else if (kind === 2) bytes[at] = random.nextBelow(256);
    else if (kind === 3) bytes = spliced(at, at, pick(random, SNIPPETS));
    else if (kind === 4) bytes = spliced(at, to, new Uint8Array());
    else if (kind === 5) bytes = spliced(at, at, bytes.subarray(at, to));
    else {
      const view = new DataView(new ArrayBuffer(8)), isLittle = random.nextBelow(2) === 0;
      view.setBigUint64(0, pick(random, SIZES), isLittle);
      const width = pick(random, [2, 4, 8]);
      const part = new Uint8Array(view.buffer, isLittle ? 0 : 8 - width, width);
      bytes.set(part.subarray(0, Math.max(0, bytes.length - at)), at);
    }
  }
  return bytes;
}

/** The places in a JSON value where something else could stand. */
function placesIn(value: unknown): { readonly parent: Record<string, unknown>; readonly key: string }[] {
  if (typeof value !== "object" || value === null) return [];
  const parent = value as Record<string, unknown>;
  return Object.keys(parent).flatMap((key) => [{ parent, key }, ...placesIn(parent[key])]);
}

/** A JSON text with one to three faults in its values: others, missing, or more of them; or a key twice. */
export function damagedJson(random: RandomStream, original: string): string {
  const root = { value: JSON.parse(original) };
  for (let faults = 1 + random.nextBelow(3); faults > 0; faults--) {
    const { parent, key } = pick(random, placesIn(root).slice(0, 400));
    const kind = random.nextBelow(6);
    if (kind === 0 && Array.isArray(parent)) parent.splice(Number(key), 1);
    else if (kind === 0 && parent !== root) delete parent[key];
    else if (kind === 1 && typeof parent[key] === "object" && parent[key] !== null) {
      Object.assign(parent[key], {
        [pick(random, ["9", "extra", "two\nlines", "toString"])]: pick(random, VALUES)(),
      });
    } else parent[key] = pick(random, VALUES)();
  }
  const text = (JSON.stringify(root.value) ?? "null").replaceAll(JSON.stringify(DEEP), DEEP_TEXT);
  if (random.nextBelow(12) > 0 || !text.startsWith('{"')) return text;
  return `${text.slice(0, text.indexOf(":"))}:1,${text.slice(1)}`; // the first key twice
}
