/**
 * Turns messages of the shader compiler into errors with positions in the source files. Deno's compiler
 * (naga) draws its messages: a headline, the line of the shader with labels under it, and notes.
 * @module
 */
import { ShaderError } from "../errors.ts";
import type { KernelSpec, KernelText, Shader, SourceLine } from "./shader.ts";

/** Text of a source line. */
export function lineOf({ part, line }: SourceLine): string {
  return part.code.split("\n")[line - 1] ?? "";
}

/** Creates an error at a column of a source line. */
export function errorAt(
  source: SourceLine,
  column: number,
  reason: string,
  notes: readonly string[] = [],
): ShaderError {
  const { frames } = source.part;
  if (frames) {
    const lines = frames.part.code.split("\n"), line = frames.at === "start" ? 1 : lines.length;
    const at = frames.at === "start" ? 1 : 1 + lines[line - 1].length;
    return new ShaderError(frames.part.path, reason, { line, column: at, source: lines[line - 1] }, notes);
  }
  return new ShaderError(
    source.part.path,
    reason,
    { line: source.line, column, source: lineOf(source) },
    notes,
  );
}

/** Creates the error for a compiler message about a line of the assembled text. */
export function compilationError(
  shader: Shader,
  { code, sources }: KernelText,
  { lineNum, linePos, message }: Pick<GPUCompilationMessage, "lineNum" | "linePos" | "message">,
): ShaderError {
  const { reason, notes } = explain(message);
  const lines = code.split("\n");
  const { line, column } = markedPlace(message, lines) ?? { line: lineNum, column: linePos };
  const source = sources[line - 1];
  if (!source) return new ShaderError(shader.path, reason, undefined, notes);
  return errorAt(source, columnInSource(lines[line - 1], lineOf(source), column), reason, notes);
}

/** Finds the position marked inside a function; the message's own position is the start of the function. */
function markedPlace(
  message: string,
  lines: readonly string[],
): { line: number; column: number } | undefined {
  if (!message.includes("╭")) return undefined;
  let line = 0, margin = 0;
  for (const row of message.split("\n")) {
    const [number] = /^ *\d+(?= │)/.exec(row) ?? [];
    if (number !== undefined) {
      line = Number(number);
      margin = row.length - lines[line - 1].length;
    } else if (line > 0 && row.includes("^") && !row.includes("╰")) {
      return { line, column: 1 + row.indexOf("^") - margin };
    }
  }
  return undefined;
}

/** Creates the error for an entry point that is missing, or does not match its constants or bindings. */
export function entryPointError(
  { shader, entryPoint, access }: KernelSpec,
  { code, sources }: KernelText,
  message: string,
): ShaderError {
  const known = [...code.matchAll(/@compute[^{;]*?\bfn\s+(\w+)/g)].map(([, name]) => name);
  if (!known.includes(entryPoint)) {
    const found = known.map((name) => `"${name}"`).join(", ") || "none";
    return new ShaderError(shader.path, `expected an entry point "${entryPoint}" but found ${found}`);
  }
  const said = explain(message).reason;
  const [, binding] = /\bbinding: (\d+)/.exec(said) ?? [];
  const reason = `in entry point "${entryPoint}": ${said}`;
  if (binding === undefined) return new ShaderError(shader.path, reason);
  const bound = [`the dispatch binds ${access.map((use, at) => `${at} ${use}`).join(", ")}`];
  const declared = sources.filter((source) => lineOf(source).includes(`@binding(${binding})`));
  // with several declarations, the one that the entry point uses is unknown
  if (declared.length !== 1) return new ShaderError(shader.path, reason, undefined, bound);
  return errorAt(declared[0], 1 + lineOf(declared[0]).indexOf("@binding"), reason, bound);
}

/** Extracts the text from a drawn message. */
export function explain(message: string): { readonly reason: string; readonly notes: readonly string[] } {
  const [headline = "unknown reason", ...drawing] = message.split("\n").map((line) => line.trim()).filter(
    Boolean,
  );
  const claim = headline.replace(PREFIX, "").replace(/ \[\d+\]/, "");
  const said = drawing.flatMap((line) => {
    const [, note] = /^= (?:note: )?(.*)$/.exec(line) ?? [];
    const [, label = ""] = /^[│·](.*)$/.exec(line) ?? []; // the shader's own line begins with its number
    const text = note ?? label.replace(/[│^╰─]/g, " ").trim();
    return text === "" || SAYS_NOTHING.test(text) || claim.includes(text) ? [] : [text];
  });
  // "Entry point dense_forward at Compute is invalid" is followed by the actual reason
  const [reason, ...notes] = claim.endsWith(" is invalid") ? [...said, claim] : [claim, ...said];
  return { reason, notes };
}

const PREFIX = new RegExp(
  "^(Shader '.*?' parsing error|Shader validation error|Pipeline constant error|" +
    "Error matching shader requirements against the pipeline): ",
);

/** Labels that repeat the headline, or only name one of the compiler's internal objects. */
const SAYS_NOTHING = /^(see msg|unknown identifier)$|naga::|^\w+( to)? \[\d+\] is invalid$/;

/**
 * Maps a column of a compiled line to a column of its source line. They differ in unrolled loops, where the
 * loop counter was replaced by a number.
 */
function columnInSource(compiled: string, source: string, column: number): number {
  const words = (line: string) => line.match(/\w+|\W/g) ?? [];
  const inSource = words(source);
  let start = 1, startInSource = 1;
  for (const [k, word] of words(compiled).entries()) {
    const { length } = inSource[k] ?? word;
    if (column < start + word.length) return startInSource + Math.min(column - start, length - 1);
    start += word.length;
    startInSource += length;
  }
  return startInSource;
}
