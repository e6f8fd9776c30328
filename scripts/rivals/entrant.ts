// The side of an entrant: a process that gets a task on its first line of input, answers with its name and the losses of
// the compared steps, and then, for each line with a number, trains that many steps and answers how long they took.
import { floatsOf, type Task } from "./task.ts";

/** A library that trains. */
export interface Entrant {
  /** The library, its version and its back end. */
  readonly name: string;
  /**
   * Submits one training step.
   *
   * @param batch which of the task's batches
   * @param noise the code's noise [B, code], if it is not to be drawn anew
   */
  step(batch: number, noise?: Float32Array<ArrayBuffer>): void;
  /** Waits until every step so far is done; gives the last one's loss, from before its update. */
  finish(): Promise<number>;
}

/** What an entrant says first. */
export interface Introduction {
  /** Its name. */
  readonly name: string;
  /** The losses of the compared steps. */
  readonly losses: readonly number[];
}

/** What an entrant says of a round. */
export interface RoundTime {
  /** Milliseconds of a step, the wait at the round's end included. */
  readonly milliseconds: number;
  /** The loss of the last step. */
  readonly loss: number;
}

/** How many steps are compared. */
export const COMPARED_STEPS = 20;

/** Serves until the input ends. */
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

/** The lines of a stream of text. */
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
