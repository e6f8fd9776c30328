import assert from "node:assert/strict";
import { formatDuration, formatLoss, Progress } from "../../src/cli/progress.ts";
import { WorkProgress } from "../../src/cli/work_progress.ts";

/** A progress line with a clock set by hand. */
function recorded(
  options: { readonly terminal: boolean; readonly columns?: number; readonly firstStep?: number },
) {
  const written: string[] = [];
  const clock = { milliseconds: 1000 };
  const progress = new Progress({
    epochs: 10,
    steps: 1570,
    ...options,
    write: (text) => written.push(text),
    now: () => clock.milliseconds,
  });
  return { progress, clock, written };
}
const report = { epoch: 3, step: 471, losses: { loss: 0.041234 }, images: 30_144 };
const line = "epoch  3/10  step  471/1570  loss 0.04123   12,345 images/s  0:06 left";

Deno.test("Progress prints plain lines where there is no terminal", () => {
  const { progress, clock, written } = recorded({ terminal: false });
  clock.milliseconds += 30_144 / 12_345 * 1000;
  progress.update(report);
  clock.milliseconds += 1000;
  const losses = { loss: NaN, kl: 12.3456789 };
  progress.update({ step: 1570, epoch: 10, losses, images: report.images + 12_345 });
  progress.finish();
  assert.deepEqual(written, [
    `${line}\n`,
    "epoch 10/10  step 1570/1570  loss     NaN  kl 12.3457   12,345 images/s  0:00 left\n",
  ]);
});

Deno.test("Progress rewrites its line on a terminal, and ends it once", () => {
  const { progress, clock, written } = recorded({ terminal: true, columns: 200 });
  clock.milliseconds += 30_144 / 12_345 * 1000;
  progress.update(report);
  progress.note("saved");
  clock.milliseconds += 30_144 / 12_345 * 1000;
  progress.update({ ...report, step: 2 * report.step, images: 2 * report.images });
  progress.finish();
  progress.finish();
  assert.deepEqual(written, [
    `\r${line}`,
    "\n",
    "saved\n",
    `\r${line.replace(" 471", " 942").replace("0:06", "0:03")}`,
    "\n",
  ]);
});

Deno.test("Progress shows control characters of names in escaped form", () => {
  const { progress, written } = recorded({ terminal: true, columns: 200 });
  progress.update({ ...report, losses: { "a\x1b[2J": 1 } });
  progress.note("b\x1b[2J");
  assert.match(written[0], /a\\x1b\[2J 1\.00000/);
  assert.equal(written[2], "b\\x1b[2J\n");
});

Deno.test("Progress covers a longer line with spaces, for want of an escape code that every terminal knows", () => {
  const { progress, clock, written } = recorded({ terminal: true, columns: 200 });
  clock.milliseconds += 1000;
  progress.update({ ...report, losses: { loss: 0.5, kl: 2 } });
  progress.update({ ...report, losses: { loss: 0.5 } });
  assert.equal(written[1].length, written[0].length);
  assert.match(written[1], /images\/s +$/);
  assert.ok(!written.join("").includes("\x1b"));
});

Deno.test("Progress cuts nothing off: in a narrow terminal it prints line after line", () => {
  const { progress, clock, written } = recorded({ terminal: true, columns: 30 });
  for (const part of [1, 2]) {
    clock.milliseconds += 30_144 / 12_345 * 1000;
    progress.update({ ...report, step: part * report.step, images: part * report.images });
  }
  assert.deepEqual(written.map((text) => text.length), [line.length + 1, line.length + 1]);
  assert.equal(written[0], `${line}\n`);
});

Deno.test("Progress shows the rate since the report before, and the time left at that rate", () => {
  const { progress, clock, written } = recorded({ terminal: false });
  clock.milliseconds += 10_000; // slow at first
  const first = progress.update({ ...report, step: 70, images: 4480 });
  clock.milliseconds += 500;
  progress.update({ ...report, step: 170, images: 10_880 });
  clock.milliseconds += 500;
  progress.update({ ...report, step: 120, images: 14_080 }); // after a rollback
  assert.deepEqual(written.map((text) => text.slice(text.indexOf("0.04123") + 7).trim()), [
    "448 images/s  3:34 left",
    "12,800 images/s  0:07 left",
    "6,400 images/s",
  ]);
  assert.deepEqual(first, { imagesPerSecond: 448, secondsLeft: 10 / 70 * 1500 });
});

Deno.test("Progress counts the time left from the steps of this process only", () => {
  const { progress, clock, written } = recorded({ terminal: false, firstStep: 1370 });
  progress.update({ ...report, step: 1370, images: 0 });
  clock.milliseconds += 60_000;
  progress.update({ ...report, step: 1470 }); // 100 steps a minute, 100 steps to go
  assert.ok(!written[0].includes("left"), written[0]);
  assert.ok(written[1].endsWith("1:00 left\n"), written[1]);
});

Deno.test("WorkProgress reports long work several times a second on a terminal, every ten seconds elsewhere", () => {
  const written = (terminal: boolean, seconds: number) => {
    const clock = { milliseconds: 0 }, lines: string[] = [], now = () => clock.milliseconds;
    const options = { terminal, columns: 80, now, write: (text: string) => void lines.push(text) };
    const progress = new WorkProgress("rows", options);
    for (let done = 1000; done <= 20_000; done += 1000) {
      clock.milliseconds = seconds * done / 20;
      progress.update(done, 20_000);
    }
    progress.finish();
    return lines;
  };
  assert.deepEqual(written(true, 2.2), [
    "\r5,000 of 20,000 rows  0:02 left",
    "\r10,000 of 20,000 rows  0:01 left",
    "\r15,000 of 20,000 rows  0:01 left",
    "\n",
  ]);
  assert.deepEqual(written(false, 30), [
    "7,000 of 20,000 rows  0:20 left\n",
    "14,000 of 20,000 rows  0:09 left\n",
  ]);
  assert.deepEqual([...written(false, 9), ...written(true, 0.4)], [], "short work is not worth a line");
});

Deno.test.each([
  [0, "0.00000"],
  [0.041234, "0.04123"],
  [-0.5, "-0.50000"],
  [12.345678, "12.3457"],
  [999_999, "999999"],
  [123_456_789, "1.23e+8"],
  [0.0000123, "1.23e-5"],
  [NaN, "NaN"],
  [-Infinity, "-Infinity"],
])("formatLoss(%d) is %s", (value, text) => assert.equal(formatLoss(value), text));

Deno.test.each([[0, "0:00"], [42.4, "0:42"], [59.6, "1:00"], [754, "12:34"], [3723, "1:02:03"], [
  -1,
  "0:00",
]])(
  "formatDuration(%d) is %s",
  (seconds, text) => assert.equal(formatDuration(seconds), text),
);
