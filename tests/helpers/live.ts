/** A made-up run for the dashboard's tests, and ways to ask its server. */
import type { RunData, Snapshot } from "../../src/report/run_data.ts";

const SIDE = 8, PIXELS = SIDE * SIDE;

/** What a network with a three-number code might do with so many test images; `shift` makes another of it. */
export function exampleSnapshot(epoch = 1, count = 40, shift = 0): Snapshot {
  const images = Uint8Array.from({ length: count * PIXELS }, (_, k) => (k * 7) % 256);
  const few = images.slice(0, 10 * PIXELS);
  return {
    epoch,
    step: 100 * epoch,
    imageShape: [SIDE, SIDE],
    images: few,
    reconstructions: few.map((gray) => (gray + 20 + shift) % 256),
    errors: new Float32Array(10).fill(0.05),
    codes: {
      size: 3,
      values: Float32Array.from({ length: 3 * count }, (_, k) => Math.sin(k + shift)),
      labels: Uint8Array.from({ length: count }, (_, k) => k % 10),
      images,
    },
    activations: [{ label: "encoder.0", range: [-1, 1], counts: [1, 5, 9, 5, 1] }],
  };
}

/** A run at its start. */
export function exampleRun(): RunData {
  return {
    name: "deep-20261121-000000-0",
    recipe: "deep",
    startedAt: "2026-11-21T00:00:00.000Z",
    status: "running",
    command: "deno task train --epochs 3",
    config: { epochs: 3, seed: 0 },
    facts: { adapter: "an adapter", imageShape: [SIDE, SIDE], width: PIXELS },
    classNames: Array.from({ length: 10 }, (_, k) => `class ${k}`),
    metrics: [],
    baselines: [{ label: "mean image", value: 0.09, metric: "testError" }],
    rows: [],
    pictures: [],
    weights: [],
  };
}

/** Does something so many times, eight at once: a busy server cuts requests that wait for five seconds. */
export async function eightAtOnce<T>(count: number, make: () => Promise<T>): Promise<T[]> {
  const made: T[] = [];
  while (made.length < count) {
    made.push(...await Promise.all(Array.from({ length: Math.min(8, count - made.length) }, make)));
  }
  return made;
}

/** What a raw request got. */
export interface RawAnswer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/** Sends bytes as they are, and reads until the other side closes. */
export async function rawRequest(port: number, text: string): Promise<RawAnswer> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(new TextEncoder().encode(text));
  let answer = "";
  const decoder = new TextDecoder(), buffer = new Uint8Array(65_536);
  for (let n = await connection.read(buffer); n !== null; n = await connection.read(buffer)) {
    answer += decoder.decode(buffer.subarray(0, n), { stream: true });
  }
  const [head, body = ""] = answer.split("\r\n\r\n", 2);
  return { status: Number(head.split(" ")[1]), head, body };
}
