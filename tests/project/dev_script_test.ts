// The start script `dev`, run by the real sh against fake programs: every folder on its PATH is made here, so
// neither this machine's Deno nor its drivers matter. What it does with the real ones, CI shows.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { cpSync } from "node:fs";

const devPath = new URL("../../dev", import.meta.url);
const SEPARATOR = "|"; // between the arguments that a fake program reports

/** What a call of `dev` printed, and how it ended. */
interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder with a copy of `dev` and a PATH of fake programs, each of which notes its calls in `calls`. */
class Machine implements AsyncDisposable {
  readonly folder: string;
  readonly environment: Record<string, string> = {};

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** A Mac unless `system` says otherwise: there `dev` asks for no driver. */
  static async create(system = "Darwin arm64"): Promise<Machine> {
    // On macOS the temporary folder is behind a link, and `dev` reports where it really is.
    const machine = new Machine(await Deno.realPath(await Deno.makeTempDir({ prefix: "dev script " })));
    for (const name of ["project", "bin", "icd", "loader", "libc", "home"]) {
      await Deno.mkdir(machine.path(name));
    }
    // The folders that hold a system's drivers are named in one line each; here they are ours.
    let text = await Deno.readTextFile(devPath);
    text = replaceOnce(text, /^driver_folders=.*$/m, `driver_folders=../icd`);
    text = replaceOnce(text, /^loader_folders=.*$/m, `loader_folders=../loader`);
    text = replaceOnce(text, /^libc_folders=.*$/m, `libc_folders=../libc`);
    await Deno.writeTextFile(machine.path("project/dev"), text);
    for (const tool of ["cat", "chmod", "mkdir", "mv", "rm"]) {
      await machine.program(tool, `exec /bin/${tool} "$@"`);
    }
    await machine.program("awk", `exec /usr/bin/awk "$@"`);
    await machine.program("sha256sum", `PATH=/usr/bin:/sbin:/bin; exec ${REAL_SUM} "$@"`);
    await machine.program("ldconfig", "exit 0");
    await machine.program("uname", `echo "${system}"`);
    await machine.program("id", "echo 0");
    return machine;
  }

  path(name: string): string {
    return `${this.folder}/${name}`;
  }

  async program(name: string, script: string): Promise<void> {
    const path = this.path(`bin/${name}`);
    await Deno.writeTextFile(path, `#!/bin/sh\n${script}\n`);
    await Deno.chmod(path, 0o755);
  }

  /** A script that answers `--version` as Deno does, and otherwise reports its arguments and environment. */
  fakeDeno(version: string, name = "fake"): string {
    return `[ "$*" = --version ] && echo "deno ${version} (stable, release)" && exit
printf '${name} in %s:' "$PWD"; for a in "$@"; do printf '%s${SEPARATOR}' "$a"; done
echo; echo "backend=\${DENO_WEBGPU_BACKEND-unset} runtime=\${XDG_RUNTIME_DIR-unset}"
echo "update check=\${DENO_NO_UPDATE_CHECK+off}"`;
  }

  /** An npm that notes its call and brings the given version of Deno, whose checksum `dev` then pins. */
  async fakeNpm(version: string, build = "darwin-arm64"): Promise<void> {
    const program = `#!/bin/sh\n${this.fakeDeno(version, "installed")}\n`;
    const sum = createHash("sha256").update(program).digest("hex");
    const dev = await this.read("project/dev");
    const pinned = replaceOnce(dev, new RegExp(`(?<=\\b${build}=)[0-9a-f]{64}\\b`), sum);
    await Deno.writeTextFile(this.path("project/dev"), pinned);
    await this.program(
      "npm",
      `echo "npm $*" >>"${this.path("calls")}"
mkdir -p node_modules/@deno/${build} node_modules/@deno/another-system
echo 'exit 1' >node_modules/@deno/another-system/deno
cat >node_modules/@deno/${build}/deno <<'DENO'
${program}DENO`,
    );
  }

  /** Runs `sh dev` with the arguments, from `project` unless told otherwise. */
  async dev(args: readonly string[], cwd = "project", dev = "project/dev"): Promise<Outcome> {
    const variables = Object.entries({
      HOME: this.path("home"),
      PATH: this.path("bin"),
      ...this.environment,
    });
    // Through a shell, so that Deno itself looks for sh on the real PATH.
    const settings = variables.map(([name, value]) => `${name}='${value}'`).join(" ");
    const output = await new Deno.Command("sh", {
      args: [
        "-c",
        `unset XDG_RUNTIME_DIR DENO_WEBGPU_BACKEND VK_DRIVER_FILES VK_ICD_FILENAMES
export ${settings}; exec /bin/sh "${this.path(dev)}" "$@"`,
        "sh",
        ...args,
      ],
      cwd: this.path(cwd),
      stdin: "null",
    }).output();
    const decoder = new TextDecoder();
    return {
      code: output.code,
      stdout: decoder.decode(output.stdout),
      stderr: decoder.decode(output.stderr),
    };
  }

  /** The calls noted so far, one a line. */
  async calls(): Promise<string[]> {
    return (await this.read("calls")).split("\n").filter((line) => line !== "");
  }

  async read(name: string): Promise<string> {
    try {
      return await Deno.readTextFile(this.path(name));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return "";
      throw error;
    }
  }

  async names(name: string): Promise<string[]> {
    const names = [];
    for await (const entry of Deno.readDir(this.path(name))) names.push(entry.name);
    return names.sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

function replaceOnce(text: string, pattern: RegExp, replacement: string): string {
  if (!pattern.test(text)) throw new Error(`Cannot prepare the copy of dev: it has no line ${pattern}`);
  return text.replace(pattern, replacement);
}

function expectPart(what: string, text: string, part: string): void {
  assert.ok(text.includes(part), `Cannot find "${part}" in ${what}: received "${text}"`);
}

/** This machine's program for SHA-256: `sha256sum`, or on an older macOS `shasum`. */
const REAL_SUM = isFile("/usr/bin/sha256sum") || isFile("/sbin/sha256sum") ? "sha256sum" : "shasum -a 256";

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

const windows = Deno.build.os === "windows";
function test(name: string, body: () => Promise<void>): void {
  Deno.test({ name: `dev ${name}`, ignore: windows, fn: body });
}

test("runs a Deno of the right version from PATH and passes arguments through verbatim", async () => {
  await using machine = await Machine.create();
  await machine.program("deno", machine.fakeDeno("2.9.6"));
  const { code, stdout, stderr } = await machine.dev([
    "run",
    "two words",
    `"quoted"`,
    "it's",
    "*",
    "",
    "$HOME",
  ]);
  assert.deepEqual(stderr, "");
  assert.deepEqual(code, 0);
  expectPart("stdout", stdout, `:run|two words|"quoted"|it's|*||$HOME|\n`);
});

test("passes Deno's exit code on", async () => {
  await using machine = await Machine.create();
  await machine.program("deno", `${machine.fakeDeno("2.9.6")}; exit 37`);
  assert.deepEqual((await machine.dev(["test"])).code, 37);
});

for (
  const [version, accepted] of [
    ["2.9.6", true],
    ["2.9.7", true],
    ["2.10.0", true],
    ["2.9.7+1a2b3c4", true],
    ["2.9.5", false],
    ["2.8.12", false],
    ["1.46.3", false],
    ["3.0.0", false],
  ] as const
) {
  test(`${accepted ? "accepts" : "replaces"} a Deno ${version} on PATH`, async () => {
    await using machine = await Machine.create();
    await machine.program("deno", machine.fakeDeno(version));
    await machine.fakeNpm("2.9.6");
    const { stdout } = await machine.dev(["x"]);
    assert.deepEqual(stdout.split(" ")[0], accepted ? "fake" : "installed");
  });
}

test("installs Deno once, into .deno, and asks neither npm nor PATH again", async () => {
  await using machine = await Machine.create();
  await machine.program("deno", `echo "deno asked" >>"${machine.path("calls")}"; exit 1`);
  await machine.fakeNpm("2.9.6");
  const first = await machine.dev(["task", "train"]);
  expectPart("stdout", first.stdout, "installed in");
  expectPart("stderr", first.stderr, "installing Deno 2.9.6");
  const calls = await machine.calls();
  assert.deepEqual(calls.length, 2);
  expectPart("npm's arguments", calls[1] ?? "", "deno@2.9.6");
  assert.deepEqual(await machine.names("project/.deno"), ["bin", "choice"]);

  const second = await machine.dev(["task", "train"]);
  assert.deepEqual(second, { code: 0, stdout: first.stdout, stderr: "" });
  assert.deepEqual((await machine.calls()).length, 2);
});

test("runs the Deno of its own folder where the project was copied with it", async () => {
  await using machine = await Machine.create();
  await Deno.mkdir(machine.path("project/.deno/bin"), { recursive: true });
  const program = machine.path("project/.deno/bin/deno");
  await Deno.writeTextFile(
    program,
    `#!/bin/sh\n[ "$*" = --version ] && echo "deno 2.9.6" && exit\necho "ran $0"\n`,
  );
  await Deno.chmod(program, 0o755);
  expectPart("stdout", (await machine.dev(["x"])).stdout, `ran ${program}`);
  cpSync(machine.path("project"), machine.path("copy"), { recursive: true, preserveTimestamps: true });
  const { stdout, stderr, code } = await machine.dev(["x"], "copy", "copy/dev");
  assert.deepEqual([stdout, stderr, code], [`ran ${machine.path("copy/.deno/bin/deno")}\n`, "", 0]);
});

test("asks a Deno on PATH for its version once, and again when it was replaced", async () => {
  await using machine = await Machine.create();
  const counted = (version: string) =>
    `[ "$*" = --version ] && echo asked >>"${machine.path("calls")}"\n${machine.fakeDeno(version)}`;
  await machine.program("deno", counted("2.9.6"));
  await machine.dev(["x"]);
  await machine.dev(["x"]);
  assert.deepEqual((await machine.calls()).length, 1);

  await machine.program("deno", counted("2.9.0"));
  const later = new Date(Date.now() + 60_000);
  await Deno.utime(machine.path("bin/deno"), later, later);
  await machine.fakeNpm("2.9.6");
  expectPart("stdout", (await machine.dev(["x"])).stdout, "installed in");
});

test("says what to type where npm is missing", async () => {
  await using machine = await Machine.create();
  const { code, stderr } = await machine.dev(["x"]);
  assert.deepEqual(code, 1);
  expectPart("stderr", stderr, "apt-get install -y --no-install-recommends npm");
});

test("shows what npm said where it fails, and trusts nothing of it later", async () => {
  await using machine = await Machine.create();
  await machine.fakeNpm("2.9.6");
  const working = await machine.read("bin/npm");
  await machine.program("npm", `${working.replace("#!/bin/sh\n", "")}\necho "npm error E404" >&2; exit 1`);
  const { code, stderr } = await machine.dev(["x"]);
  assert.deepEqual(code, 1);
  expectPart("stderr", stderr, "npm error E404");
  assert.deepEqual(await machine.names("project/.deno/bin"), []);
  assert.deepEqual(await machine.names("project/.deno"), ["bin"]);

  await machine.program("npm", working);
  expectPart("stdout", (await machine.dev(["x"])).stdout, "installed in");
});

test("leaves nothing trusted where npm is killed half-way", async () => {
  await using machine = await Machine.create();
  await machine.fakeNpm("2.9.6");
  const working = (await machine.read("bin/npm")).replace("#!/bin/sh\n", "");
  await machine.program(
    "npm",
    `mkdir -p node_modules/@deno/darwin-arm64
echo '#!/bin/sh' >node_modules/@deno/darwin-arm64/deno; kill -9 $$`,
  );
  assert.deepEqual((await machine.dev(["x"])).code, 1);
  // Even a call that was killed itself, with its folder left behind, does no harm.
  await Deno.mkdir(machine.path("project/.deno/installing.1/node_modules"), { recursive: true });
  await machine.program("npm", working);
  expectPart("stdout", (await machine.dev(["x"])).stdout, "installed in");
});

test("refuses what npm brought if it does not run or is another version", async () => {
  await using machine = await Machine.create();
  await machine.fakeNpm("2.9.5");
  const { code, stderr } = await machine.dev(["x"]);
  assert.deepEqual(code, 1);
  expectPart("stderr", stderr, "does not run on this machine (Darwin arm64)");
});

test("installs nothing that has not the pinned checksum, and does not run it either", async () => {
  await using machine = await Machine.create();
  await machine.fakeNpm("2.9.6");
  const good = (await machine.read("bin/npm")).replace("#!/bin/sh\n", "");
  const ran = machine.path("ran");
  await machine.program("npm", `${good}\necho 'echo >"${ran}"' >>node_modules/@deno/darwin-arm64/deno`);
  const { code, stdout, stderr } = await machine.dev(["x"]);
  assert.deepEqual([code, stdout], [1, ""]);
  const [line, ...more] = stderr.trimEnd().split("\n").slice(1); // after "installing …"
  assert.deepEqual(more, []);
  assert.match(
    line,
    /^dev: Cannot install Deno 2\.9\.6: expected SHA-256 [0-9a-f]{64} of .*@deno\/darwin-arm64 but received [0-9a-f]{64}; nothing was installed/,
  );
  assert.deepEqual(await machine.names("project/.deno/bin"), []);
  assert.deepEqual(await machine.names("project/.deno"), ["bin"]);
  assert.deepEqual(await machine.read("ran"), "");

  await machine.program("sha256sum", "exit 1");
  await machine.program("npm", good);
  expectPart("stderr", (await machine.dev(["x"])).stderr, "Cannot check what npm brought");
  assert.deepEqual(await machine.names("project/.deno/bin"), []);

  await machine.program("shasum", `shift 2; PATH=/usr/bin:/sbin:/bin; exec ${REAL_SUM}`);
  expectPart("stdout", (await machine.dev(["x"])).stdout, "installed in");
});

Deno.test("dev pins a checksum for each of the four systems that it installs Deno on", async () => {
  const text = await Deno.readTextFile(devPath);
  const sums = [...text.matchAll(/^(?:deno_sums=")?((?:linux|darwin)-[\w-]+)=([0-9a-f]{64})"?$/gm)];
  assert.deepEqual(
    sums.map(([, build]) => build),
    ["linux-x64-glibc", "linux-arm64-glibc", "darwin-x64", "darwin-arm64"],
  );
  assert.deepEqual(new Set(sums.map(([, , sum]) => sum)).size, 4);
});

test("has Deno look for no later version of itself", async () => {
  await using machine = await Machine.create();
  await machine.program("deno", machine.fakeDeno("2.9.6"));
  expectPart("stdout", (await machine.dev(["x"])).stdout, "update check=off");
});

test("installs Deno on a Linux with glibc, and names Alpine as not supported", async () => {
  await using machine = await Machine.create("Linux x86_64");
  machine.environment["DENO_WEBGPU_BACKEND"] = "gl";
  await machine.fakeNpm("2.9.6", "linux-x64-glibc");
  const { code, stderr } = await machine.dev(["x"]);
  assert.deepEqual(code, 1);
  assert.match(
    stderr,
    /^dev: Cannot install Deno: expected a Linux with glibc, .* Alpine .* not supported\n$/,
  );
  assert.deepEqual(await machine.calls(), []);

  await Deno.writeTextFile(machine.path("libc/ld-linux-x86-64.so.2"), "");
  expectPart("stdout", (await machine.dev(["x"])).stdout, "installed in");
});

test("stays in a folder of the project and goes to the project from elsewhere", async () => {
  await using machine = await Machine.create();
  await machine.program("deno", machine.fakeDeno("2.9.6"));
  await Deno.mkdir(machine.path("project/scripts"));
  expectPart("stdout", (await machine.dev(["x"], "project/scripts")).stdout, "/project/scripts:x|");
  expectPart("stdout", (await machine.dev(["x"], "home")).stdout, "/project:x|");
});

/** A Linux machine with a right Deno; `has` lists what of Vulkan it has. */
async function linux(has: readonly ("driver" | "loader")[]): Promise<Machine> {
  const machine = await Machine.create("Linux x86_64");
  await machine.program("deno", machine.fakeDeno("2.9.6"));
  if (has.includes("driver")) await Deno.writeTextFile(machine.path("icd/some.json"), "{}");
  if (has.includes("loader")) await Deno.writeTextFile(machine.path("loader/libvulkan.so.1"), "");
  return machine;
}

/** An apt-get that succeeds at its nth call, and then has installed both packages if `brings`. */
async function fakeApt(machine: Machine, succeedsAt: number, brings = true): Promise<void> {
  const note = `echo "apt-get $*" >>"${machine.path("calls")}"`;
  const install = `echo >"${machine.path("icd/lvp.json")}"; echo >"${machine.path("loader/libvulkan.so.1")}"`;
  await machine.program(
    "apt-get",
    `${note}
[ "$1" = update ] && exit
n=0; while read -r line; do case $line in *install*) n=$((n + 1)) ;; esac; done <"${machine.path("calls")}"
[ "$n" -ge ${succeedsAt} ] || { echo "E: Unable to locate package" >&2; exit 100; }
${brings ? install : ":"}`,
  );
}

test("chooses Vulkan on Linux and a private runtime folder", async () => {
  await using machine = await linux(["driver", "loader"]);
  const { stdout, stderr } = await machine.dev(["x"]);
  assert.deepEqual(stderr, "");
  expectPart("stdout", stdout, `backend=vulkan runtime=${machine.path("project/.deno/runtime")}\n`);
  assert.deepEqual(((await Deno.stat(machine.path("project/.deno/runtime"))).mode ?? 0) & 0o777, 0o700);
});

test("leaves the user's own back end and runtime folder alone, and asks for no driver then", async () => {
  await using machine = await linux([]);
  machine.environment["DENO_WEBGPU_BACKEND"] = "gl";
  machine.environment["XDG_RUNTIME_DIR"] = machine.path("home");
  const { stdout, stderr } = await machine.dev(["x"]);
  assert.deepEqual(stderr, "");
  expectPart("stdout", stdout, `backend=gl runtime=${machine.path("home")}\n`);
});

test("chooses no back end on macOS", async () => {
  await using machine = await Machine.create();
  await machine.program("deno", machine.fakeDeno("2.9.6"));
  expectPart("stdout", (await machine.dev(["x"])).stdout, "backend=unset runtime=unset\n");
});

for (const has of [[], ["driver"], ["loader"]] as const) {
  test(`installs the driver as root where only [${has}] is there`, async () => {
    await using machine = await linux(has);
    await fakeApt(machine, 1);
    const { code, stderr } = await machine.dev(["x"]);
    assert.deepEqual(code, 0);
    expectPart("stderr", stderr, "installing mesa-vulkan-drivers libvulkan1");
    const install = "apt-get install -y --no-install-recommends mesa-vulkan-drivers libvulkan1";
    assert.deepEqual(await machine.calls(), [install]);
    assert.deepEqual((await machine.dev(["x"])).stderr, "");
  });
}

test("updates the package lists where apt-get does not know the driver", async () => {
  await using machine = await linux([]);
  await fakeApt(machine, 2);
  assert.deepEqual((await machine.dev(["x"])).code, 0);
  assert.deepEqual((await machine.calls()).map((call) => call.split(" ")[1]), [
    "install",
    "update",
    "install",
  ]);
});

test("shows what apt-get said where it fails", async () => {
  await using machine = await linux([]);
  await fakeApt(machine, 99);
  const { code, stdout, stderr } = await machine.dev(["x"]);
  assert.deepEqual(code, 1);
  assert.deepEqual(stdout, "");
  expectPart("stderr", stderr, "E: Unable to locate package");
});

test("gives up where no driver is found although apt-get succeeded", async () => {
  await using machine = await linux([]);
  await fakeApt(machine, 1, false);
  const { code, stderr } = await machine.dev(["x"]);
  assert.deepEqual(code, 1);
  expectPart("stderr", stderr, "although mesa-vulkan-drivers libvulkan1 are installed");
  assert.deepEqual((await machine.calls()).length, 1);
});

test("tells a user who is not root what to type", async () => {
  await using machine = await linux([]);
  await fakeApt(machine, 1);
  await machine.program("id", "echo 1000");
  const { code, stderr } = await machine.dev(["x"]);
  assert.deepEqual(code, 1);
  expectPart(
    "stderr",
    stderr,
    "type: sudo apt-get install -y --no-install-recommends mesa-vulkan-drivers libvulkan1\n",
  );
  assert.deepEqual(await machine.calls(), []);
});

for (
  const args of [
    "task train --help",
    "task gradcheck -h",
    "task runs",
    "task report runs/a",
    "task data mnist",
    "task check",
    "task gate",
    "task",
    "fmt --check",
    "lint",
  ]
) {
  test(`asks for no driver for ${args}`, async () => {
    await using machine = await linux([]);
    await fakeApt(machine, 1);
    const { code, stdout, stderr } = await machine.dev(args.split(" "));
    assert.deepEqual([code, stderr, await machine.calls()], [0, "", []]);
    expectPart("stdout", stdout, `:${args.replaceAll(" ", "|")}|\nbackend=vulkan`);
  });
}

test("asks for a driver for a task whose name only begins so, and for a file with such a name", async () => {
  for (const args of [["task", "data-of-mine"], ["run", "fmt"], ["task", "train", "--out", "help"]]) {
    await using machine = await linux([]);
    await fakeApt(machine, 1);
    await machine.dev(args);
    assert.deepEqual((await machine.calls()).length, 1, args.join(" "));
  }
});

test("warns and continues where there is no driver and no apt-get", async () => {
  await using machine = await linux(["driver"]);
  const { code, stdout, stderr } = await machine.dev(["test"]);
  assert.deepEqual(code, 0);
  expectPart("stdout", stdout, ":test|");
  expectPart("stderr", stderr, "no Vulkan loader found");
});

test("finds a loader by ldconfig and a driver by VK_DRIVER_FILES, and installs nothing over the latter", async () => {
  await using machine = await linux([]);
  await fakeApt(machine, 1);
  await machine.program("ldconfig", `echo "libvulkan.so.1 (libc6) => /somewhere/libvulkan.so.1"`);
  machine.environment["VK_DRIVER_FILES"] = `/nowhere.json:${machine.path("project/dev")}`;
  assert.deepEqual((await machine.dev(["x"])).stderr, "");
  machine.environment["VK_DRIVER_FILES"] = "/nowhere.json";
  const { code, stderr } = await machine.dev(["x"]);
  assert.deepEqual(code, 1);
  expectPart("stderr", stderr, "/nowhere.json");
  assert.deepEqual(await machine.calls(), []);
});
