// A process with a dashboard, for the tests of how such a process ends. Its argument says how.
import { startLive } from "../../src/live/live.ts";
import { runCommand } from "../../src/cli/command.ts";
import { exampleRun } from "./live.ts";

await runCommand(async () => {
  using live = await startLive();
  live.publish({ kind: "run", run: exampleRun() });
  console.log(live.url);
  if (Deno.args[0] === "fail") throw new TypeError("training broke");
  await live.close();
});
