/** A killed run of deep, which tests read or copy and damage. */
import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../../src/errors.ts";
import { encodeSafetensors, readSafetensors } from "../../src/files/safetensors.ts";
import { type Checkpoint, checksumOf, readLastCheckpoint } from "../../src/runs/checkpoint_file.ts";
import { makeImages, train } from "./resume_runs.ts";

/** Where a killed run lies, and how it was trained. */
export interface KilledRun {
  /** Folder of its parts, to be removed. */
  readonly home: string;
  /** Flags that name its images. */
  readonly images: readonly string[];
  /** All its flags, but for `--out`. */
  readonly flags: readonly string[];
  /** The run folder. Its last checkpoints are after epochs 1 and 2, at steps 12 and 24. */
  readonly half: string;
}

/** Chooses the folder and the flags of a run to be killed. */
export async function planKilledRun(): Promise<KilledRun> {
  const home = await Deno.makeTempDir({ prefix: "bottleneck-" });
  const images = await makeImages(home);
  const flags = [...images, "--sizes", "100,8,2", "--epochs", "5", "--log-every", "3", "--keep", "2"];
  return { home, images, flags, half: join(home, "half") };
}

/** Trains the run until it is killed; returns its last checkpoint. */
export async function trainUntilKilled({ flags, half, home }: KilledRun): Promise<Checkpoint> {
  assert.equal(await train("train", [...flags, "--out", half], home, { signal: "SIGKILL", step: 27 }), false);
  return readLastCheckpoint(half)!;
}

/** Copies the killed run into a folder. */
export async function copyOf({ half }: KilledRun, folder: string): Promise<string> {
  const run = join(folder, "run");
  await Deno.mkdir(run);
  cpSync(half, run, { recursive: true });
  return run;
}

/** Asserts that an action throws an InputError of one line. */
export function refused(action: () => unknown, line: RegExp): void {
  assert.throws(action, (error: unknown) => {
    assert.ok(error instanceof InputError, String(error));
    assert.match(error.message, line);
    return !error.message.includes("\n");
  });
}

/** Sorted names in a folder that begin in a certain way. */
export const namesIn = (folder: string, start: string) =>
  [...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) => name.startsWith(start)).sort();

/** Rewrites a checkpoint with changed metadata and a valid checksum. */
export function forge(path: string, change: (texts: Record<string, string>) => Record<string, string>): void {
  const { tensors, metadata: { checksum: _, ...texts } } = readSafetensors(path);
  const changed = change(texts);
  const bytes = encodeSafetensors(tensors, { ...changed, checksum: checksumOf(tensors, changed) });
  Deno.writeFileSync(path, bytes);
}
