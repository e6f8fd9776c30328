// Every test that a change needs. Chromium's pages wait much, so they and the documentation's examples run beside the
// modules; their output is shown at the end. Exit code 1 if any fails.
// Run: deno task test
import { fileURLToPath } from "node:url";

/** A task of deno.json, its output shown at once or returned. */
function task(name: string, output: "inherit" | "piped"): Deno.ChildProcess {
  return new Deno.Command("deno", {
    args: ["task", name],
    cwd: fileURLToPath(new URL("..", import.meta.url)),
    stdout: output,
    stderr: output,
  }).spawn();
}

/** Runs tasks one after another. */
async function outputsOf(names: readonly string[]): Promise<Deno.CommandOutput[]> {
  const outputs = [];
  for (const name of names) outputs.push(await task(name, "piped").output());
  return outputs;
}

if (import.meta.main) {
  const others = outputsOf(["test:examples", "test:browser"]);
  const modules = await task("test:modules", "inherit").status;
  const outputs = await others;
  const texts = outputs.flatMap(({ stderr, stdout }) => [stderr, stdout]);
  await new Blob(texts).stream().pipeTo(Deno.stdout.writable);
  Deno.exit([modules, ...outputs].every(({ success }) => success) ? 0 : 1);
}
