/**
 * Unrolls the loops whose first line ends in `// unroll` before a shader is compiled. The file is valid WGSL
 * without this; software adapters run the unrolled text 3 to 8 times faster, because only then do arrays
 * indexed by the loop counter stay in registers.
 * @module
 */

/** A shader's text after unrolling, with the source line of each of its lines. */
export interface UnrolledText {
  /** The text, with marked loops unrolled. */
  readonly code: string;
  /** For each line of `code`, its line number in the source, from 1. */
  readonly sourceLines: readonly number[];
}

/** A marked loop that cannot be unrolled. */
export class UnrollError extends SyntaxError {
  /** Line number of the loop, from 1. */
  readonly line: number;
  /** The mistake in the loop. */
  readonly reason: string;

  constructor(line: number, reason: string) {
    super(`Cannot unroll line ${line}: ${reason}`);
    this.line = line;
    this.reason = reason;
  }
}

/** `for (var NAME = 0u; NAME < BOUND; NAME++) { // unroll` */
const MARKED = /^\s*for \(var (\w+) = 0u; \1 < (\w+); \1\+\+\) \{ \/\/ unroll$/;

/**
 * Unrolls the marked loops. A marked loop has the form `for (var r = 0u; r < BOUND; r++) { // unroll`, its
 * closing brace on a line of its own with the same indentation, and `BOUND` a literal or a known constant.
 *
 * @param code the text of a shader
 * @param constants values of `override`s by name, which may be bounds
 * @throws UnrollError if a marked loop has another form or an unknown bound
 */
export function unroll(code: string, constants: Readonly<Record<string, number>>): UnrolledText {
  const output: string[] = [];
  const sourceLines: number[] = [];

  function emit(lines: readonly string[], first: number): void {
    for (let at = 0; at < lines.length; at++) {
      const line = lines[at];
      if (!line.endsWith("// unroll")) {
        output.push(line);
        sourceLines.push(first + at);
        continue;
      }
      const loop = MARKED.exec(line);
      if (!loop) throw new UnrollError(first + at, `expected a loop but found "${line}"`);
      const [, counter, bound] = loop;
      const turns = /^\d+u?$/.test(bound) ? parseInt(bound) : constants[bound];
      if (turns === undefined) {
        throw new UnrollError(first + at, `the value of "${bound}" is not known`);
      }
      const closing = line.slice(0, line.search(/\S/)) + "}";
      const end = lines.indexOf(closing, at);
      if (end < 0) throw new UnrollError(first + at, "its closing brace is missing");
      const name = new RegExp(`\\b${counter}\\b`, "g");
      for (let turn = 0; turn < turns; turn++) {
        output.push(closing.replace("}", "{"));
        sourceLines.push(first + at);
        emit(lines.slice(at + 1, end).map((text) => text.replace(name, `${turn}u`)), first + at + 1);
        output.push(closing);
        sourceLines.push(first + end);
      }
      at = end;
    }
  }

  emit(code.split("\n"), 1);
  return { code: output.join("\n"), sourceLines };
}
