// Every test that a change needs. The pages in Chromium wait much, so they run beside the modules; their output is shown at
// the end. Exit code 1 if any fails.
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

if (import.meta.main) {
  const shown = task("test:browser", "piped").output();
  const modules = await task("test:modules", "inherit").status;
  const pages = await shown;
  await new Blob([pages.stderr, pages.stdout]).stream().pipeTo(Deno.stdout.writable);
  Deno.exit(modules.success && pages.success ? 0 : 1);
}
