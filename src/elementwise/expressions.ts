/**
 * Functions that users declare as WGSL expressions: what a declaration may say, and the shader that it becomes.
 * @module
 */
import { InputError, quote } from "../errors.ts";
import { assembleShader, shaderParts } from "../gpu/assemble.ts";
import type { Shader, ShaderPart } from "../gpu/shader.ts";

/** Named numbers that expressions may use. */
export type Constants = Readonly<Record<string, number>>;

/** What a declaration of any kind has, besides its expressions. */
export interface Declaration {
  /** Its name in plans and errors. */
  readonly name: string;
  /** Numbers that its expressions use by name. */
  readonly constants?: Constants;
  /** WGSL functions that its expressions call. */
  readonly functions?: string;
  /** The float64 twins of its expressions, by the same names. */
  readonly reference: object;
  /** Where derivatives jump. */
  readonly kinks?: readonly number[];
}

/** A kind of declaration. */
export interface DeclarationKind {
  /** What errors call it, such as `activation`. */
  readonly noun: string;
  /** The kernel that calls the expressions. */
  readonly kernel: Shader;
  /** The expressions' arguments, all of them f32. */
  readonly parameters: readonly string[];
  /** The functions that the kernel calls the expressions by, by the expressions' names. */
  readonly functions: Readonly<Record<string, string>>;
  /** Expressions that may be absent; then they are 0, and nothing may ask for them. */
  readonly optional?: readonly string[];
}

/** What a declaration becomes. */
export interface Declared {
  /** The kernel with the expressions before it. */
  readonly shader: Shader;
  /** The constants as float32 has them, which shader and reference both compute with. */
  readonly constants: Constants;
  /** The kinks in ascending order. */
  readonly kinks: readonly number[];
}

/** Throws an InputError about a declaration. */
type Reject = (expected: string, received: unknown, advice: string) => never;

/**
 * Checks a declaration and makes its shader.
 *
 * @throws InputError naming the declaration, what is wrong with it and what to write
 */
export function declare(kind: DeclarationKind, declaration: Declaration): Declared {
  const { name, constants = {}, functions = "", kinks = [] } = declaration;
  const isName = typeof name === "string" && /^[^"\p{C}\p{Zl}\p{Zp}]{1,40}$/u.test(name);
  const of = isName ? `${kind.noun} "${name}"` : kind.noun;
  const reject: Reject = (expected, received, advice) => {
    throw new InputError(
      `Cannot make ${of}: expected ${expected} but received ${quote(received)}; ${advice}`,
    );
  };
  if (!isName) reject("a name of up to 40 characters without quotes", name, "give it a short one");
  const expressions = checkExpressions(kind, declaration, reject);
  const rounded = checkConstants(constants, reject);
  if (typeof functions !== "string") reject('"functions" to be WGSL text', functions, "write fn …");
  const helpers = [...withoutComments(functions).matchAll(/\bfn\s+(\w+)/g)].map(([, helper]) => helper);
  checkNames([...rounded.keys(), ...helpers], kind, reject);
  for (const [field, code] of [...expressions, ["functions", functions]]) {
    const own = outerNameIn(code, kind);
    if (own === undefined) continue;
    reject(
      `"${field}" without the kernel's own "${own}"`,
      code,
      "use the arguments, constants and functions",
    );
  }
  if (!Array.isArray(kinks) || !kinks.every(Number.isFinite)) {
    reject('"kinks" to be finite numbers', kinks, "list where the derivative jumps, or leave it out");
  }

  const part = (what: string, code: string): ShaderPart => ({ path: `${what} of ${of}`, code });
  const signature = kind.parameters.map((parameter) => `${parameter}: f32`).join(", ");
  const before = [
    part("constants", [...rounded].map(([constant, value]) => definition(constant, value)).join("\n")),
    part("functions", functions),
    ...[...expressions].flatMap(([field, code]) => {
      const expression = part(field, code); // on lines of its own, so that errors point into it
      const frame = (at: "start" | "end", code: string) => ({
        ...part(field, code),
        frames: { part: expression, at },
      });
      return [
        // named as the field, because that is the name that a compiler complains of where the type is not f32
        frame("start", `fn ${kind.functions[field]}(${signature}) -> f32 { let ${field}: f32 =`),
        expression,
        frame("end", `; return ${field}; }`),
      ];
    }),
  ];
  return {
    shader: { ...kind.kernel, before },
    constants: Object.freeze(Object.fromEntries(rounded)),
    kinks: Object.freeze(kinks.toSorted((a, b) => a - b)),
  };
}

/**
 * Refuses a setting of a shipped function that must be above 0.
 *
 * @throws InputError naming the function and the setting
 */
export function checkPositive(of: string, setting: string, value: number): void {
  if (value > 0) return;
  throw new InputError(
    `Cannot make ${of}: expected ${setting} above 0 but received ${value}; choose another`,
  );
}

/** The expressions by name, each with a twin; 0 for those that may be absent and are. */
function checkExpressions(
  kind: DeclarationKind,
  declaration: Declaration,
  reject: Reject,
): ReadonlyMap<string, string> {
  const fields = new Map<string, unknown>(Object.entries(declaration));
  const twins = new Map<string, unknown>(Object.entries(declaration.reference ?? {}));
  const names = Object.keys(kind.functions), given = kind.parameters.join(" and ");
  const known = ["name", ...names, "constants", "functions", "reference", "kinks"];
  const unknown = [...fields.keys()].find((field) => !known.includes(field));
  if (unknown !== undefined) reject(`only ${known.join(", ")}`, unknown, "see how it is spelled");

  return new Map(names.map((name) => {
    const code = fields.get(name), twin = twins.get(name);
    if (code === undefined && twin === undefined && kind.optional?.includes(name)) return [name, "0.0"];
    if (typeof code !== "string" || withoutComments(code).trim() === "") {
      return reject(`"${name}" to be a WGSL expression in ${given}`, code, "write it as text");
    }
    const flaw = flawOf(code);
    if (flaw) reject(`"${name}" to be one WGSL expression`, code, flaw);
    if (typeof twin !== "function") {
      const advice = `write the float64 twin of "${name}", which gradcheck holds the GPU to`;
      reject(`"reference.${name}" to be a function of ${given}`, twin, advice);
    }
    return [name, code];
  }));
}

/** The constants as float32 has them. */
function checkConstants(constants: Constants, reject: Reject): ReadonlyMap<string, number> {
  return new Map(
    Object.entries(constants).map(([name, value]) => {
      const float = Math.fround(value);
      if (typeof value !== "number" || !Number.isFinite(float) || float === 0 && value !== 0) {
        reject(`constant "${name}" to be a number that float32 holds`, value, "use another unit");
      }
      return [name, float];
    }),
  );
}

/** Refuses names that WGSL cannot have, or that would change what the kernel or the expressions mean. */
function checkNames(names: readonly string[], { kernel, parameters }: DeclarationKind, reject: Reject): void {
  const taken = namesIn(kernel), advice = "choose another name";
  for (const name of names) {
    if (!/^[A-Za-z]\w*$/.test(name) || name.includes("__")) {
      reject("names of constants and functions to be WGSL identifiers", name, advice);
    }
    if (parameters.includes(name)) {
      reject("names of constants and functions other than the arguments'", name, advice);
    }
    if (taken.has(name)) {
      reject("names of constants and functions that the shader does not use", name, advice);
    }
  }
}

/** What keeps a text from being one expression, as advice; undefined if nothing is seen. */
function flawOf(code: string): string | undefined {
  const text = withoutComments(code);
  if (/[;{}]/.test(text)) return 'leave out ; { and }, and put statements into "functions"';
  let depth = 0;
  for (const character of text) {
    if (character === "(") depth++;
    if (character === ")" && --depth < 0) return "it has a ) too many";
  }
  return depth > 0 ? "it lacks a )" : undefined;
}

function withoutComments(code: string): string {
  return code.replace(/\/\/.*|\/\*[^]*?\*\//g, "");
}

/** A constant in WGSL; JavaScript's text of a whole number would be an integer there. */
function definition(name: string, value: number): string {
  const text = String(value);
  return `const ${name}: f32 = ${/[.e]/.test(text) ? text : `${text}.0`};`;
}

/** What a kernel declares at module scope, and what it calls. */
function namesIn(kernel: Shader): ReadonlySet<string> {
  const code = withoutComments(assembleShader(shaderParts(kernel)).code);
  const declared = code.matchAll(/^(?:@.*\s)?(?:fn|struct|const|override|alias|var(?:<[^>]*>)?)\s+(\w+)/gm);
  const called = code.matchAll(/\b(\w+)\s*\(/g);
  return new Set([...declared, ...called].map(([, name]) => name));
}

/** The first name in an expression or in functions that means a variable of the kernel, such as a bound buffer. */
function outerNameIn(code: string, { kernel, parameters }: DeclarationKind): string | undefined {
  const text = withoutComments(code);
  const outer = withoutComments(assembleShader(shaderParts(kernel)).code)
    .matchAll(/^(?:@.*\s)?(?:override|var(?:<[^>]*>)?)\s+(\w+)/gm);
  // what the text declares itself hides the kernel's
  const inner = [...text.matchAll(/\b(?:let|var|const)\s+(\w+)|\b(\w+)\s*:/g)].flat();
  const hidden = new Set([...parameters, ...inner]);
  return [...outer].map(([, name]) => name)
    .find((name) => !hidden.has(name) && new RegExp(`(?<![.\\w])${name}\\b`).test(text));
}
