/**
 * Checks user-defined functions, declared as WGSL expressions, and builds their shaders.
 * @module
 */
import { InputError, quote } from "../errors.ts";
import { assembleShader, shaderParts } from "../gpu/assemble.ts";
import type { Shader, ShaderPart } from "../gpu/shader.ts";

/** Named constants for expressions. */
export type Constants = Readonly<Record<string, number>>;

/** Fields common to all declarations, besides the expressions. */
export interface Declaration {
  /** Name in plans and errors. */
  readonly name: string;
  /** Named constants for the expressions. */
  readonly constants?: Constants;
  /** WGSL functions that the expressions call. */
  readonly functions?: string;
  /** Float64 references of the expressions, under the same names. */
  readonly reference: object;
  /** Arguments at which derivatives jump. */
  readonly kinks?: readonly number[];
}

export interface DeclarationKind {
  /** Noun for errors, such as `activation`. */
  readonly noun: string;
  /** Kernel that calls the expressions. */
  readonly kernel: Shader;
  /** Arguments of the expressions, all f32. */
  readonly parameters: readonly string[];
  /** WGSL function of each expression in the kernel, keyed by the expression's field. */
  readonly functions: Readonly<Record<string, string>>;
  /** Optional expressions; absent ones are 0, and must not be used. */
  readonly optional?: readonly string[];
}

export interface Declared {
  /** The kernel, preceded by the expressions. */
  readonly shader: Shader;
  /** The constants rounded to float32, for both shader and reference. */
  readonly constants: Constants;
  /** The kinks in ascending order. */
  readonly kinks: readonly number[];
}

type Reject = (expected: string, received: unknown, advice: string) => never;

/**
 * Checks a declaration and builds its shader.
 *
 * @throws InputError with the name of the declaration, the mistake and its remedy
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
      const expression = part(field, code); // on separate lines, so that errors point into it
      const frame = (at: "start" | "end", code: string) => ({
        ...part(field, code),
        frames: { part: expression, at },
      });
      return [
        // named like the field, because the compiler's type errors contain this name
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
 * Checks that a setting of a built-in function is above 0.
 *
 * @throws InputError if it is not
 */
export function checkPositive(of: string, setting: string, value: number): void {
  if (value > 0) return;
  throw new InputError(
    `Cannot make ${of}: expected ${setting} above 0 but received ${value}; choose another`,
  );
}

/** Checks expressions and references; returns the expressions by field, with 0 for absent optional ones. */
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
      const advice = `write the float64 reference of "${name}", which gradcheck compares with the GPU`;
      reject(`"reference.${name}" to be a function of ${given}`, twin, advice);
    }
    return [name, code];
  }));
}

/** Checks the constants and rounds them to float32. */
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

/** Rejects names that WGSL does not allow, or that would shadow names of the kernel or the expressions. */
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

/** Returns advice if a text is not a single expression; undefined if no mistake is found. */
function flawOf(code: string): string | undefined {
  const text = withoutComments(code);
  if (/[;{}]/.test(text)) return 'leave out ; { and }, and put statements into "functions"';
  let depth = 0;
  for (const character of text) {
    if (character === "(") depth++;
    if (character === ")" && --depth < 0) return "remove the extra )";
  }
  return depth > 0 ? "add the missing )" : undefined;
}

function withoutComments(code: string): string {
  return code.replace(/\/\/.*|\/\*[^]*?\*\//g, "");
}

/** Defines a constant in WGSL; JavaScript formats whole numbers without the decimal point that f32 needs. */
function definition(name: string, value: number): string {
  const text = String(value);
  return `const ${name}: f32 = ${/[.e]/.test(text) ? text : `${text}.0`};`;
}

/** Names that a kernel declares at module scope or calls. */
function namesIn(kernel: Shader): ReadonlySet<string> {
  const code = withoutComments(assembleShader(shaderParts(kernel)).code);
  const declared = code.matchAll(/^(?:@.*\s)?(?:fn|struct|const|override|alias|var(?:<[^>]*>)?)\s+(\w+)/gm);
  const called = code.matchAll(/\b(\w+)\s*\(/g);
  return new Set([...declared, ...called].map(([, name]) => name));
}

/** First name in an expression or function that refers to a variable of the kernel, such as a buffer. */
function outerNameIn(code: string, { kernel, parameters }: DeclarationKind): string | undefined {
  const text = withoutComments(code);
  const outer = withoutComments(assembleShader(shaderParts(kernel)).code)
    .matchAll(/^(?:@.*\s)?(?:override|var(?:<[^>]*>)?)\s+(\w+)/gm);
  // names that the text declares shadow those of the kernel
  const inner = [...text.matchAll(/\b(?:let|var|const)\s+(\w+)|\b(\w+)\s*:/g)].flat();
  const hidden = new Set([...parameters, ...inner]);
  return [...outer].map(([, name]) => name)
    .find((name) => !hidden.has(name) && new RegExp(`(?<![.\\w])${name}\\b`).test(text));
}
