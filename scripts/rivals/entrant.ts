// Child-process side of the comparison. The first line of stdin is a task as JSON; the answer is the entrant's name and
// the losses of the compared steps. Each further line is a number of steps to train; the answer is their time.
import { floatsOf, type Task } from "./task.ts";

/** A library that trains. */
export interface Entrant {
  /** Library, version and backend. */
  readonly name: string;
  /**
   * Submits one training step.
   *
   * @param batch index of the task's batch
   * @param noise noise for the code, [B, code]; drawn anew if absent
   */
  step(batch: number, noise?: Float32Array<ArrayBuffer>): void;
  /** Waits until all submitted steps are done; returns the last one's loss, from before its update. */
  finish(): Promise<number>;
}

/** First answer of an entrant. */
export interface Introduction {
  readonly name: string;
  /** Losses of the compared steps. */
  readonly losses: readonly number[];
}

/** Answer of an entrant to a round. */
export interface RoundTime {
  /** Milliseconds per step, including the wait at the end of the round. */
  readonly milliseconds: number;
  /** Loss of the last step. */
  readonly loss: number;
}

/** Number of steps with compared losses. */
export const COMPARED_STEPS = 20;

/** Answers requests until stdin closes. */
export async function serve(create: (task: Task) => Promise<Entrant>): Promise<void> {
  let entrant: Entrant | undefined, batch = 0, batches = 1;
  for await (const line of lines(Deno.stdin.readable)) {
    if (!entrant) {
      const task: Task = JSON.parse(line);
      batches = task.batches.length;
      entrant = await create(task);
      const losses: number[] = [];
      for (let k = 0; k < COMPARED_STEPS; k++) {
        entrant.step(batch++ % batches, task.isVariational ? floatsOf(task.noise[k]) : undefined);
        losses.push(await entrant.finish());
      }
      say({ name: entrant.name, losses } satisfies Introduction);
      continue;
    }
    const steps = Number(line);
    const start = performance.now();
    for (let k = 0; k < steps; k++) entrant.step(batch++ % batches);
    const loss = await entrant.finish();
    say({ milliseconds: (performance.now() - start) / steps, loss } satisfies RoundTime);
  }
  Deno.exit(0); // a library's workers would keep the process alive
}

/** Splits a byte stream into lines of text. */
export async function* lines(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const parts = (rest + text).split("\n");
    rest = parts.pop()!;
    yield* parts;
  }
}

function say(answer: Introduction | RoundTime): void {
  console.log(JSON.stringify(answer));
}
