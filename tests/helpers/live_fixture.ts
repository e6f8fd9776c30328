// A process with a dashboard, for the tests of how such a process ends. Its argument says how.
import { startLive } from "../../src/live/live.ts";
import { runCommand } from "../../src/cli/command.ts";
import type { RunData } from "../../src/report/run_data.ts";
import { exampleRun } from "./live.ts";

await runCommand(async () => {
  using live = await startLive();
  live.publish({ kind: "run", run: exampleRun() });
  console.log(live.url);
  if (Deno.args[0] === "fail") throw new TypeError("training broke");
  if (Deno.args[0] === "break") {
    live.publish({ kind: "run", run: {} as unknown as RunData }); // the worker's mistake
    while (await fetch(live.url).then((page) => page.text()).catch(() => undefined) !== undefined);
    live.publish({ kind: "run", run: exampleRun() });
    await live.whilePaused();
    console.log("training has ended");
  }
  await live.close();
});
