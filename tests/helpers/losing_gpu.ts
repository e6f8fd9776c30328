/** The deep recipe with a GPU that is lost where a test says so. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { recipeText } from "./commands.ts";

const CHANGES: Readonly<Record<string, string>> = {
  "const step = await training.compile();":
    `const { device } = training.gpu, submit = device.queue.submit.bind(device.queue);
  device.queue.submit = (buffers) => {
    submit(buffers);
    if (LOSSES.delete(++submissions)) device.destroy();
  };
  if (LOSSES.delete(--calls)) device.destroy();
  $&`,
  "return await run.finish();": `const code = await run.finish();
  console.log("submissions", submissions);
  return code;`,
  "if (import.meta.main)":
    `const LOSSES = new Set<number>(JSON.parse(Deno.readTextFileSync(new URL("losses.json", import.meta.url))));
let submissions = 0, calls = 0;
$&`,
};

/**
 * Writes the script of deep with a device that is destroyed right after some of the process's submissions to its queue: a
 * loss such as a driver's reset, anywhere in training, in a measurement or in the closing. At its end it prints their number.
 *
 * @param folder a folder in the project
 * @returns the script's path, and a function that sets where its next process loses its GPU: the numbers of submissions;
 *   a loss at -2 is one in the second call of the main function, before anything is compiled
 */
export function losingScript(folder: string): { script: string; lose: (at: readonly number[]) => void } {
  let text = recipeText("deep");
  for (const [line, change] of Object.entries(CHANGES)) {
    assert.ok(text.includes(line), line);
    text = text.replace(line, change);
  }
  const script = join(folder, "losing.ts");
  Deno.writeTextFileSync(script, text);
  return { script, lose: (at) => Deno.writeTextFileSync(join(folder, "losses.json"), JSON.stringify(at)) };
}
