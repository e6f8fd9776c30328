// A small command for the tests of src/recipe/flags.ts and src/cli/command.ts; its first argument says how it ends.
import { InputError } from "../../src/errors.ts";
import { runCommand, watchInterrupt } from "../../src/cli/command.ts";
import { listenForPresses } from "../../src/cli/signals.ts";
import { choice, integer, parseFlags, positional } from "../../src/recipe/flags.ts";
import { Graph } from "../../src/graph/graph.ts";
import { escapeXml } from "../../src/report/svg.ts";
import { createRunFolder } from "../../src/runs/run_folder.ts";
import { MetricsLog } from "../../src/runs/metrics_log.ts";
import { whenWorkerSpeaks } from "./worker_speaks.ts";
import { writeFileAtomic } from "../../src/files/write_file.ts";

const flags = {
  ending: positional("ENDING", "how to end"),
  epochs: integer(3, "passes over the training set", { min: 1 }),
  color: choice(["red", "green"], "red", "a choice"),
};
const config = parseFlags({ name: "fixture", description: "Ends in a certain way." }, flags, Deno.args);

await runCommand(async () => {
  const endings: Readonly<Record<string, () => number | void | Promise<number | void>>> = {
    well: () => console.log(JSON.stringify(config)),
    code: () => 7,
    input: () => {
      throw new InputError("Cannot read the moon:\n  expected cheese but found dust");
    },
    bug: () => void escapeXml(undefined as unknown as string),
    mistake: () => (undefined as unknown as () => void)(),
    misuse: () => void new Graph(0),
    read: () => console.log(Deno.readTextFileSync("/etc/no such file")),
    write: () => writeFileAtomic("/somewhere/a.txt", "a"),
    folder: () => void createRunFolder({ recipe: "deep", seed: 0, out: "/somewhere/run" }),
    metrics: () => void new MetricsLog("/somewhere"),
    worker: () => {
      // Keeps the process alive unless the command ends it.
      new Worker(`data:text/javascript,${encodeURIComponent("setInterval(() => {}, 1000)")}`, {
        type: "module",
      });
      throw new InputError("the worker must not keep this process alive");
    },
    wait: async () => {
      using interrupt = watchInterrupt();
      console.log("ready");
      for (let i = 0; i < 400 && !interrupt.requested; i++) {
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
      console.log("saved");
      return interrupt.exitCode;
    },
    saved: async () => {
      using interrupt = watchInterrupt();
      interrupt.exitWith("all is saved");
      console.log("ready");
      await new Promise((resolve) => setTimeout(resolve, 10_000));
    },
    presses: async () => {
      let now = 0;
      using _listening = listenForPresses((code) => console.log(code), () => now);
      const signal = async (at: number) => {
        now = at;
        const heard = new Promise<void>((resolve) => Deno.addSignalListener("SIGINT", () => resolve()));
        Deno.kill(Deno.pid, "SIGINT");
        await heard;
      };
      await signal(0);
      await signal(3); // by `deno task`
      console.log("one press");
      await signal(43);
      Deno.exit(); // despite the listeners
    },
    busy: async () => { // as training is, whose step cannot be interrupted
      const listening = whenWorkerSpeaks();
      using interrupt = watchInterrupt();
      await listening;
      console.log("ready");
      for (const end = performance.now() + 1000; performance.now() < end;);
      await new Promise((resolve) => setTimeout(resolve, 200));
      console.log("saved");
      return interrupt.exitCode;
    },
    stubborn: async () => {
      using _interrupt = watchInterrupt();
      console.log("ready");
      await new Promise((resolve) => setTimeout(resolve, 10_000));
    },
  };
  return await endings[config.ending]();
});
