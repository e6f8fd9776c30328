import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { permissionAdvice } from "../../src/files/io_error.ts";

const fixture = fileURLToPath(new URL("../helpers/command_fixture.ts", import.meta.url));

interface Ending {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** The command under test: no permission at all unless some are named, and never a prompt. */
function spawn(args: readonly string[], permissions: readonly string[] = []): Deno.ChildProcess {
  return new Deno.Command("deno", {
    args: ["run", "--quiet", "--no-prompt", ...permissions, fixture, ...args],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "", FORCE_COLOR: "" }, // so that commander has no answer about colors from here
  }).spawn();
}

async function end(child: Deno.ChildProcess): Promise<Ending> {
  const { code, stdout, stderr } = await child.output();
  return {
    code,
    out: new TextDecoder().decode(stdout),
    err: stripVTControlCharacters(new TextDecoder().decode(stderr)),
  };
}

Deno.test("a command without any permission reads its flags and ends with 0", async () => {
  assert.deepEqual(await end(spawn(["well", "--epochs", "5"])), {
    code: 0,
    out: '{"ending":"well","epochs":5,"color":"red"}\n',
    err: "",
  });
});

Deno.test("parseFlags() prints help to stdout and ends with 0", async () => {
  const { code, out, err } = await end(spawn(["--help"]));
  assert.deepEqual([code, err], [0, ""]);
  assert.ok(out.startsWith("Usage: deno task fixture [flags] ENDING\n"), out);
});

Deno.test.each([
  [["well", "--epoch", "5"], 'error: Unknown flag "--epoch": did you mean --epochs? (see --help)\n'],
  [
    ["well", "--epochs", "0"],
    'error: Cannot set --epochs: expected an integer, at least 1 but received "0" (see --help)\n',
  ],
  [[], "error: Missing argument ENDING (see --help)\n"],
])("parseFlags() answers %j with one line on stderr and exit code 2", async (args, err) => {
  assert.deepEqual(await end(spawn(args)), { code: 2, out: "", err });
});

Deno.test("runCommand() passes the exit code of main on", async () => {
  assert.deepEqual(await end(spawn(["code"])), { code: 7, out: "", err: "" });
});

Deno.test("runCommand() prints bad input as one line and ends with 1", async () => {
  assert.deepEqual(await end(spawn(["input"])), {
    code: 1,
    out: "",
    err: "error: Cannot read the moon: expected cheese but found dust\n",
  });
});

Deno.test("runCommand() prints a bug with its stack and ends with 1", async () => {
  const { code, err } = await end(spawn(["bug"]));
  assert.equal(code, 1);
  assert.match(err, /^TypeError: Cannot read properties .*\n +at .*svg\.ts/);
  assert.match(
    err,
    /\nerror: This is a bug in Bottleneck, unless deno check tests\/helpers\/command_fixture\.ts finds a mistake; please/,
  );
});

Deno.test.each([
  ["mistake", /^error: TypeError: .*; at tests\/helpers\/command_fixture\.ts:\d+:\d+\n$/],
  [
    "misuse",
    /^error: Cannot record a graph: expected a positive integer batch size but received 0; at tests\/helpers\/command_fixture\.ts:\d+:\d+\n$/,
  ],
])("runCommand() prints a %s in a script as one line with its place", async (ending, expected) => {
  const { code, err } = await end(spawn([ending]));
  assert.equal(code, 1);
  assert.match(err, expected);
});

Deno.test("an InputError before a command could catch it is printed without a stack", async () => {
  const errors = new URL("../../src/errors.ts", import.meta.url).href;
  const source =
    `import { InputError } from "${errors}"; throw new InputError("Cannot see: expected light");`;
  const { code, err } = await end(
    new Deno.Command("deno", {
      args: ["eval", source],
      stdout: "piped",
      stderr: "piped",
      env: { NO_COLOR: "1" },
    }).spawn(),
  );
  assert.deepEqual([code, err], [1, "error: Uncaught (in promise) InputError: Cannot see: expected light\n"]);
});

Deno.test("runCommand() ends the process although a worker still runs", async () => {
  const { code } = await end(spawn(["worker"]));
  assert.equal(code, 1);
});

Deno.test.each([
  [
    "read",
    `Deno refused read access to "/etc/no such file": add --allow-read='/etc/no such file' to the deno run line`,
  ],
  [
    "write",
    'Cannot write "/somewhere/a.txt": Deno refused write access to "/somewhere": add --allow-write=/somewhere to',
  ],
  [
    "folder",
    'Cannot use "/somewhere/run" as the run folder: Deno refused write access to "/somewhere/run": add --',
  ],
  [
    "metrics",
    'Cannot open "/somewhere/metrics.jsonl": Deno refused read access to "/somewhere/metrics.jsonl": add',
  ],
])("a refused permission (%s) is one line that names the flag", async (ending, start) => {
  const { code, err } = await end(spawn([ending]));
  assert.equal(code, 1);
  assert.ok(err.startsWith(`error: ${start}`), err);
  assert.match(err, /^.*: add --allow-(read|write)=\S.* to the deno run line\n$/);
});

Deno.test.each([
  [
    'Requires net access to "127.0.0.1:80", run again with the --allow-net flag',
    "add --allow-net=127.0.0.1:80 to",
  ],
  ['Requires all access to "/dev/full", run again with the --allow-all flag', "add --allow-all to"],
  ["Requires run access, run again with the --allow-run flag", "Deno refused run access: add --allow-run to"],
  ["Something else", "Deno refused a permission: Something else"],
])("permissionAdvice() understands %j", (message, part) => {
  const advice = permissionAdvice(new Deno.errors.NotCapable(message));
  assert.ok(advice.includes(part), advice);
});

/** Sends signals to a command, each once it has said something new on stdout or stderr, and not within one press. */
async function interrupt(ending: string, signals: readonly Deno.Signal[]): Promise<Ending> {
  const child = spawn([ending]);
  let out = "", err = "";
  const outputs = [child.stdout.getReader(), child.stderr.getReader()];
  const decoder = new TextDecoder();
  for (let i = 0; i < signals.length; i++) {
    const { value } = await outputs[i].read(); // "ready" on stdout, then the answer to the first signal
    if (i === 0) out += decoder.decode(value);
    else err += decoder.decode(value);
    if (i > 0) await new Promise((resolve) => setTimeout(resolve, 60));
    child.kill(signals[i]);
  }
  const rest = async (reader: ReadableStreamDefaultReader<Uint8Array>) => {
    let text = "";
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      text += decoder.decode(part.value);
    }
    return text;
  };
  out += await rest(outputs[0]);
  err += await rest(outputs[1]);
  return { code: (await child.status).code, out, err };
}

const windows = Deno.build.os === "windows"; // which has no signals to send

Deno.test({
  name: "watchInterrupt() lets a command save after Ctrl-C and end with 130",
  ignore: windows,
  async fn() {
    assert.deepEqual(await interrupt("wait", ["SIGINT"]), {
      code: 130,
      out: "ready\nsaved\n",
      err: "\nStopping; interrupt again to stop at once\n",
    });
  },
});

Deno.test({
  name: "watchInterrupt() answers SIGTERM with 143, and a second signal ends at once",
  ignore: windows,
  async fn() {
    assert.equal((await interrupt("wait", ["SIGTERM"])).code, 143);
    const { code, out } = await interrupt("stubborn", ["SIGINT", "SIGINT"]);
    assert.deepEqual([code, out], [130, "ready\n"]);
  },
});

Deno.test({
  name:
    "listenForPresses() takes what deno task passes on for the same press, and a later signal for another",
  ignore: windows,
  async fn() {
    assert.deepEqual(await end(spawn(["presses"], ["--allow-run"])), {
      code: 0,
      out: "130\none press\n130\n",
      err: "",
    });
  },
});

Deno.test.each([
  ["two presses as two", 100, "ready\n", ""],
  ["one press, sent twice, as one", 0, "ready\nsaved\n", "\nStopping; interrupt again to stop at once\n"],
])(
  "watchInterrupt() counts %s while the main thread computes",
  { ignore: windows },
  async (_, gap, out, err) => {
    for (let tries = 1;; tries++) {
      const child = spawn(["busy"], ["--allow-read"]), [forReady, rest] = child.stdout.tee();
      const reader = forReady.getReader();
      await reader.read();
      await new Promise((resolve) => setTimeout(resolve, 100)); // into the computation
      child.kill("SIGINT");
      const sent = performance.now();
      await new Promise((resolve) => setTimeout(resolve, gap));
      child.kill("SIGINT");
      const apart = performance.now() - sent;
      const ending = { code: (await child.status).code, out: await new Response(rest).text() };
      const said = stripVTControlCharacters(await new Response(child.stderr).text());
      if (gap === 0 && apart > 10 && tries < 20) continue; // this machine was busy between the two
      assert.deepEqual({ ...ending, err: said }, { code: 130, out, err });
      return;
    }
  },
);

Deno.test({
  name: "watchInterrupt() ends at once, with a line, after what must be kept is saved",
  ignore: windows,
  async fn() {
    assert.deepEqual(await interrupt("saved", ["SIGTERM"]), {
      code: 143,
      out: "ready\n",
      err: "\nall is saved\n",
    });
  },
});
