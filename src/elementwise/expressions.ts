/**
 * Functions that users declare as WGSL expressions: what a declaration may say, and the shader that it becomes.
 * @module
 */
import { InputError, shown } from "../errors.ts";
import { assembleShader, type Shader, type ShaderPart } from "../gpu/assemble.ts";

/** Named numbers that expressions may use. */
export type Constants = Readonly<Record<string, number>>;

/** What a declaration of any kind has. */
export interface Declaration {
  /** Its name in plans and errors. */
  readonly name: string;
  /** Numbers that its expressions use by name. */
  readonly constants?: Constants;
  /** WGSL functions that its expressions call. */
  readonly functions?: string;
  /** Float64 twins. */
  readonly reference: object;
  /** Where derivatives jump. */
  readonly kinks?: readonly number[];
}

/** What kinds of declaration there are, and what makes one kind. */
export interface DeclarationKind {
  /** What errors call it, such as `activation`. */
  readonly noun: string;
  /** The kernel that calls the expressions. */
  readonly kernel: Shader;
  /** The expressions' arguments, all of them f32. */
  readonly parameters: readonly string[];
  /** The functions that the kernel knows the expressions as, by the expressions' names. */
  readonly functions: Readonly<Record<string, string>>;
  /** Expressions that may be absent; calling them is then the kernel's fault. */
  readonly optional?: readonly string[];
}

/** A declaration that has been checked. */
export interface Checked {
  /** The kernel with the expressions before it. */
  readonly shader: Shader;
  /** The constants as float32 has them, which both the shader and the reference compute with. */
  readonly constants: Constants;
  /** The kinks in ascending order. */
  readonly kinks: readonly number[];
}

/**
 * Refuses a setting of a shipped function that must be above 0.
 *
 * @throws InputError naming the function and the setting
 */
export function checkPositive(of: string, setting: string, value: number): void {
  if (value > 0) return;
  throw new InputError(
    `Cannot make ${of}: expected ${setting} above 0 but received ${shown(value)}; choose another`,
  );
}

const COMMON_FIELDS = ["name", "constants", "functions", "reference", "kinks"];

/**
 * Checks a declaration and makes its shader.
 *
 * @throws InputError naming the declaration, what is wrong with it and what to write
 */
export function checkDeclaration(kind: DeclarationKind, declaration: Declaration): Checked {
  const { noun, parameters } = kind;
  const fields = new Map<string, unknown>(Object.entries(declaration));
  const { name, constants = {}, functions = "", kinks = [] } = declaration;
  const isName = typeof name === "string" && /^[\w .+-]{1,40}$/.test(name);
  const of = isName ? `${noun} "${name}"` : noun;
  function reject(expected: string, received: unknown, advice: string): never {
    const found = typeof received === "function" ? "a function" : shown(received);
    throw new InputError(`Cannot make ${of}: expected ${expected} but received ${found}; ${advice}`);
  }

  if (!isName) {
    reject("a name of up to 40 letters, digits, spaces and any of . _ + -", name, "give it a short one");
  }
  const expressions = Object.keys(kind.functions);
  const known = [...COMMON_FIELDS, ...expressions];
  const unknown = [...fields.keys()].find((field) => !known.includes(field));
  if (unknown !== undefined) reject(`only ${known.join(", ")}`, unknown, "see how it is spelled");

  const reference = new Map<string, unknown>(Object.entries(declaration.reference ?? {}));
  const written = expressions.filter((field) =>
    fields.get(field) !== undefined || !kind.optional?.includes(field)
  );
  const arguments_ = parameters.join(" and ");
  for (const field of expressions) {
    if (written.includes(field) || reference.get(field) === undefined) continue;
    reject(`"${field}" beside "reference.${field}"`, undefined, `write a WGSL expression in ${arguments_}`);
  }
  for (const field of written) {
    const code = fields.get(field);
    if (typeof code !== "string" || withoutComments(code).trim() === "") {
      reject(`"${field}" to be a WGSL expression in ${arguments_}`, code, "write it as text");
    }
    const flaw = flawOf(code);
    if (flaw) reject(`"${field}" to be one WGSL expression`, code, flaw);
    if (typeof reference.get(field) !== "function") {
      reject(
        `"reference.${field}" to be a function of ${arguments_}`,
        reference.get(field),
        `write the float64 twin of "${field}", which gradcheck holds the GPU to`,
      );
    }
  }
  if (typeof functions !== "string") reject('"functions" to be WGSL text', functions, "write fn …");

  const taken = namesIn(kind.kernel);
  const rounded = Object.entries(constants).map(([constant, value]) => {
    checkName(constant);
    const float = Math.fround(value);
    if (typeof value !== "number" || !Number.isFinite(float) || float === 0 && value !== 0) {
      reject(`constant "${constant}" to be a number that float32 holds`, value, "use another unit");
    }
    return [constant, float] as const;
  });
  for (const [, helper] of withoutComments(functions).matchAll(/\bfn\s+(\w+)/g)) checkName(helper);
  if (!Array.isArray(kinks) || !kinks.every(Number.isFinite)) {
    reject('"kinks" to be finite numbers', kinks, "list where the derivative jumps, or nothing");
  }
  function checkName(candidate: string): void {
    const advice = "choose another name";
    if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(candidate) || candidate.includes("__")) {
      reject("names of constants and functions to be WGSL identifiers", candidate, advice);
    }
    if (parameters.includes(candidate)) {
      reject(`names of constants and functions other than the arguments'`, candidate, advice);
    }
    if (taken.has(candidate)) {
      reject("names of constants and functions that the shader does not use", candidate, advice);
    }
  }

  const part = (what: string, code: string): ShaderPart => ({ path: `${what} of ${of}`, code });
  const signature = parameters.map((parameter) => `${parameter}: f32`).join(", ");
  const before = [
    part(
      "constants",
      rounded.map(([constant, value]) => `const ${constant}: f32 = ${literal(value)};`).join("\n"),
    ),
    part("functions", functions),
    ...expressions.flatMap((field) => [
      // a type other than f32 is then said of the field's own name
      part(field, `fn ${kind.functions[field]}(${signature}) -> f32 { let ${field}: f32 =`),
      part(field, fields.get(field) as string | undefined ?? "0.0"),
      part(field, `; return ${field}; }`),
    ]),
  ];
  return {
    shader: { ...kind.kernel, before },
    constants: Object.freeze(Object.fromEntries(rounded)),
    kinks: Object.freeze(kinks.toSorted((a, b) => a - b)),
  };
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

/** A float32 as a WGSL literal: text that names it alone, and no integer. */
function literal(value: number): string {
  const text = String(value);
  return /[.e]/.test(text) ? text : `${text}.0`;
}

/** What a kernel declares at module scope and calls: a user's name among these would change what the kernel means. */
function namesIn(kernel: Shader): ReadonlySet<string> {
  const code = withoutComments(assembleShader(kernel).code);
  const declared = code.matchAll(/^(?:@.*\s)?(?:fn|struct|const|override|alias|var(?:<[^>]*>)?)\s+(\w+)/gm);
  const called = code.matchAll(/\b(\w+)\s*\(/g);
  return new Set([...declared, ...called].map(([, name]) => name));
}
