// Parent-process side of the comparison; entrant.ts describes the protocol.
import { fileURLToPath } from "node:url";
import { type Introduction, lines, type RoundTime } from "./entrant.ts";
import type { Task } from "./task.ts";

/** Command that starts an entrant. */
export interface Launch {
  readonly program: string;
  /** Arguments; those that begin with "./" are files in this folder. */
  readonly args: readonly string[];
  /** Additional environment variables. */
  readonly env?: Readonly<Record<string, string>>;
  /** Name of the configuration, if the entrant has several; the fastest one counts. */
  readonly setting?: string;
}

const ANSWER_WITHIN = 180_000; // ms, as shaders may compile first

/** An entrant that runs in its own process and waits while others are timed. */
export class EntrantProcess {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #output: AsyncGenerator<string>;
  readonly #complaints: Promise<string>;

  /** Starts the process. */
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

  /** Sends the task; resolves after the compared steps. */
  start(task: Task): Promise<Introduction> {
    return this.#ask(JSON.stringify(task));
  }

  /** Trains `steps` steps and returns their time. */
  train(steps: number): Promise<RoundTime> {
    return this.#ask(String(steps));
  }

  /** Closes stdin and waits for the process to exit. */
  async end(): Promise<void> {
    try {
      await this.#input.close();
    } catch {
      // already exited
    }
    await this.#child.status;
  }

  async #ask<T>(line: string): Promise<T> {
    const tooLong = setTimeout(() => this.#child.kill("SIGKILL"), ANSWER_WITHIN);
    try {
      await this.#input.write(new TextEncoder().encode(line + "\n")).catch(() => {}); // reported by the read below
      for (;;) {
        const { value, done } = await this.#output.next();
        if (done) throw new Error(reasonIn(await this.#complaints, (await this.#child.status).code));
        if (value.startsWith("{")) return JSON.parse(value); // libraries print banners to stdout too
      }
    } finally {
      clearTimeout(tooLong);
    }
  }
}

/** Reason that a process ended: the line of its stderr that names an error, else its exit code. */
export function reasonIn(complaints: string, code: number): string {
  // deno-lint-ignore no-control-regex
  const found = complaints.replace(/\x1b\[[0-9;]*m/g, "").split("\n").filter((line) => /error/i.test(line));
  return found.at(complaints.includes("Traceback") ? -1 : 0)?.trim() ?? `exited with code ${code}`;
}
