/**
 * What the shader compiler says, as errors that point into the files that people edit. Deno's compiler (naga) draws its
 * messages: a headline, the line of the shader with labels under it, and notes.
 * @module
 */
import { ShaderError } from "../errors.ts";
import type { Shader, SourceLine } from "./assemble.ts";
import type { KernelSpec, KernelText } from "./kernel.ts";

/** The text of a line that a part was assembled from. */
export function lineOf({ part, line }: SourceLine): string {
  return part.code.split("\n")[line - 1] ?? "";
}

/** An error at a column of a part's line. */
export function errorAt(
  source: SourceLine,
  column: number,
  reason: string,
  notes: readonly string[] = [],
): ShaderError {
  return new ShaderError(
    source.part.path,
    reason,
    { line: source.line, column, source: lineOf(source) },
    notes,
  );
}

/** The error for what the compiler says of a line of the assembled text. */
export function compilationError(
  shader: Shader,
  { code, sources }: KernelText,
  { lineNum, linePos, message }: Pick<GPUCompilationMessage, "lineNum" | "linePos" | "message">,
): ShaderError {
  const { reason, notes } = explain(message);
  const source = sources[lineNum - 1];
  if (!source) return new ShaderError(shader.path, reason, undefined, notes);
  const column = columnInSource(code.split("\n")[lineNum - 1], lineOf(source), linePos);
  return errorAt(source, column, reason, notes);
}

/** The error for an entry point that compiles, but is not there, or does not suit its constants or bindings. */
export function entryPointError(
  { shader, entryPoint, access }: KernelSpec,
  { code, sources }: KernelText,
  message: string,
): ShaderError {
  const known = [...code.matchAll(/@compute[^{;]*?\bfn\s+(\w+)/g)].map(([, name]) => `"${name}"`);
  if (!known.includes(`"${entryPoint}"`)) {
    const found = known.length > 0 ? `found ${known.join(", ")}` : "found none";
    return new ShaderError(shader.path, `expected an entry point "${entryPoint}" but ${found}`);
  }
  const { reason } = explain(message);
  const in_ = `in entry point "${entryPoint}"`;
  const binding = /\bbinding: (\d+)/.exec(reason)?.[1];
  if (binding === undefined) return new ShaderError(shader.path, `${in_}: ${reason}`);
  const bound = `the dispatch binds ${access.map((use, at) => `${at} ${use}`).join(", ")}`;
  const declared = sources.filter((source) => lineOf(source).includes(`@binding(${binding})`));
  // which of several declarations the entry point uses is not known
  return declared.length === 1
    ? errorAt(declared[0], 1 + lineOf(declared[0]).indexOf("@binding"), `${in_}: ${reason}`, [bound])
    : new ShaderError(shader.path, `${in_}: ${reason}`, undefined, [bound]);
}

/** What a drawn message says, without the drawing. */
export function explain(message: string): { readonly reason: string; readonly notes: readonly string[] } {
  const [headline = "unknown reason", ...drawing] = message.split("\n").map((line) => line.trim()).filter(
    Boolean,
  );
  const reason = headline.replace(
    /^(Shader '.*?' parsing error|Shader validation error|Error matching shader requirements against the pipeline|Pipeline constant error): /,
    "",
  );
  const notes = drawing.flatMap((line) => {
    const [, note] = /^= (?:note: )?(.*)$/.exec(line) ?? [];
    const [, label] = /^[│·](.*)$/.exec(line) ?? []; // the shader's own line begins with its number
    const text = (note ?? label?.replace(/[│^]/g, " ").replace(/\s+/g, " ") ?? "").trim();
    return text === "" || text === "see msg" || COMPILERS_OWN.test(text) || reason.includes(text)
      ? []
      : [text];
  });
  return { reason, notes };
}

/** What only says which object of the compiler's own is meant. */
const COMPILERS_OWN = /naga::|^\w+( to)? \[\d+\] is invalid$/;

/**
 * The column in a file's line for one in the line that is compiled. They differ where a loop was written out: then a
 * word, the loop's counter, has become another word, a number.
 */
function columnInSource(compiled: string, source: string, column: number): number {
  const words = (line: string) => line.match(/\w+|\W/g) ?? [];
  const inSource = words(source);
  let start = 1, startInSource = 1;
  for (const [k, word] of words(compiled).entries()) {
    if (column < start + word.length) return startInSource + Math.min(column - start, inSource[k].length - 1);
    start += word.length;
    startInSource += inSource[k]?.length ?? 0;
  }
  return startInSource;
}
