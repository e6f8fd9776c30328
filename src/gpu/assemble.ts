/**
 * Assembles a shader from its parts: the files of `shaders/common/` named in first lines, code of the op
 * itself (a user's expressions), and the shader's own file.
 * @module
 */
import { ShaderError } from "../errors.ts";
import type { RewriteShader, Shader, ShaderPart, SourceLine } from "./shader.ts";
import { COMMON_SHADERS } from "./common_shaders.ts";

/** The full text of a shader. */
export interface AssembledShader {
  /** All parts, in order, joined by newlines. */
  readonly code: string;
  /** Origin of each line of `code`. */
  readonly sources: readonly SourceLine[];
}

/** `// after common/step.wgsl, common/activation.wgsl`: the first line of a file that uses common files. */
const AFTER = /^\/\/ after (.+)$/;

/**
 * Collects a shader's parts in order. A common file may name others in its own first line; each is included once.
 *
 * @param shader the shader's file and the code of its op
 * @param rewrite changes the text of a part; tests plant faults with it
 * @throws ShaderError if a first line names a file that does not exist
 */
export function shaderParts(
  shader: Shader,
  rewrite: RewriteShader = (_path, code) => code,
): readonly ShaderPart[] {
  const rewritten = ({ path, code, ...part }: ShaderPart): ShaderPart => ({
    ...part,
    path,
    code: rewrite(path, code, shader.path).replaceAll("\r\n", "\n"), // as editors on Windows write them
  });
  const file = rewritten(shader);
  const common = new Map<string, ShaderPart>();
  function addNamedBy(part: ShaderPart): void {
    const [source] = part.code.split("\n", 1);
    const [, names = ""] = AFTER.exec(source) ?? [];
    for (const name of names.split(",").map((name) => name.trim()).filter(Boolean)) {
      const path = name === "common/operands" && shader.operands
        ? `common/operands_${shader.operands}.wgsl`
        : name;
      if (common.has(path)) continue;
      if (!Object.hasOwn(COMMON_SHADERS, path)) {
        throw new ShaderError(
          part.path,
          `expected names of common shaders but received "${name}"`,
          { line: 1, column: 1 + source.indexOf(name), source },
          [`there are ${Object.keys(COMMON_SHADERS).join(", ")}`],
        );
      }
      const named = rewritten(COMMON_SHADERS[path]);
      common.set(path, named);
      addNamedBy(named);
    }
  }
  addNamedBy(file);
  return [...common.values(), ...shader.before?.map(rewritten) ?? [], file];
}

/**
 * Joins a shader's parts into one text.
 *
 * @throws ShaderError if a part has an unclosed brace or comment
 */
export function assembleShader(parts: readonly ShaderPart[]): AssembledShader {
  for (const part of parts) if (!part.frames) checkClosed(part);
  return {
    code: parts.map(({ code }) => code).join("\n"),
    sources: parts.flatMap((part) => part.code.split("\n").map((_, k) => ({ part, line: k + 1 }))),
  };
}

/**
 * Rejects a part with an unclosed brace or comment, which the compiler would report in the part after it.
 *
 * @throws ShaderError at the outermost brace, or the comment
 */
function checkClosed({ path, code }: ShaderPart): void {
  const open: number[] = [];
  const fail = (at: number, reason: string): never => {
    const before = code.slice(0, at).split("\n"), line = before.length;
    throw new ShaderError(path, reason, {
      line,
      column: 1 + before[line - 1].length,
      source: code.split("\n")[line - 1],
    });
  };
  let comments: number[] = []; // WGSL comments nest
  for (const { 0: token, index } of code.matchAll(/\/\/.*|\/\*|\*\/|[{}]/g)) {
    if (token === "/*") comments.push(index);
    else if (token === "*/") comments = comments.slice(0, -1);
    else if (comments.length > 0) continue;
    else if (token === "{") open.push(index);
    else if (token === "}" && open.pop() === undefined) fail(index, "this } has no matching {");
  }
  if (comments.length > 0) fail(comments[0], "this comment is not closed");
  if (open.length > 0) fail(open[0], "this { is not closed");
}
