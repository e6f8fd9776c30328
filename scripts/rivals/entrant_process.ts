// The side of the comparison: an entrant's process, spoken to as entrant.ts says.
import { fileURLToPath } from "node:url";
import { type Introduction, lines, type RoundTime } from "./entrant.ts";
import type { Task } from "./task.ts";

/** How an entrant is started. */
export interface Launch {
  /** The program. */
  readonly program: string;
  /** Its arguments; those that begin with "./" are files beside this one. */
  readonly args: readonly string[];
  /** More environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** How it is set up, if there is a choice; the fastest set-up counts. */
  readonly setting?: string;
}

const ANSWER_WITHIN = 180_000; // ms; shaders may compile first

/** An entrant that runs in a process of its own and waits while others are measured. */
export class EntrantProcess {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #output: AsyncGenerator<string>;
  readonly #complaints: Promise<string>;

  /** Starts it. */
  constructor({ program, args, env = {} }: Launch) {
    this.#child = new Deno.Command(program, {
      args: args.map((word) => word.startsWith("./") ? fileURLToPath(new URL(word, import.meta.url)) : word),
      env: { ...env },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#output = lines(this.#child.stdout);
    this.#complaints = new Response(this.#child.stderr).text();
  }

  /** Hands it the task; resolves after the compared steps. */
  start(task: Task): Promise<Introduction> {
    return this.#ask(JSON.stringify(task));
  }

  /** Lets it train that many steps. */
  train(steps: number): Promise<RoundTime> {
    return this.#ask(String(steps));
  }

  /** Ends it. */
  async end(): Promise<void> {
    try {
      await this.#input.close();
    } catch {
      // it has ended by itself
    }
    await this.#child.status;
  }

  async #ask<T>(line: string): Promise<T> {
    const tooLong = setTimeout(() => this.#child.kill("SIGKILL"), ANSWER_WITHIN);
    try {
      await this.#input.write(new TextEncoder().encode(line + "\n")).catch(() => {}); // the lack of an answer tells
      for (;;) {
        const { value, done } = await this.#output.next();
        if (done) throw new Error(reasonIn(await this.#complaints, (await this.#child.status).code));
        if (value.startsWith("{")) return JSON.parse(value); // libraries greet on the same stream
      }
    } finally {
      clearTimeout(tooLong);
    }
  }
}

/** Why a process ended: the line of its complaints that names an error, else its exit code. */
export function reasonIn(complaints: string, code: number): string {
  // deno-lint-ignore no-control-regex
  const found = complaints.replace(/\x1b\[[0-9;]*m/g, "").split("\n").filter((line) => /error/i.test(line));
  return found.at(complaints.includes("Traceback") ? -1 : 0)?.trim() ?? `it ended with exit code ${code}`;
}
