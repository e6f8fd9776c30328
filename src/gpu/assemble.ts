/**
 * Putting a shader together from its parts: the files of `shaders/common/` that first lines name, what the op brings
 * itself (a user's expressions), and the file.
 * @module
 */
import { ShaderError } from "../errors.ts";
import type { RewriteShader, Shader, ShaderPart, SourceLine } from "./shader.ts";
import { COMMON_SHADERS } from "./common_shaders.ts";

/** A shader in one text. */
export interface AssembledShader {
  /** All parts, in order. */
  readonly code: string;
  /** For each line of `code`, where it came from. */
  readonly sources: readonly SourceLine[];
}

/** `// after common/step.wgsl, common/activation.wgsl`: what stands before a file, if its first line says so. */
const AFTER = /^\/\/ after (.+)$/;

/**
 * Collects a shader's parts in order. A common file may name others in its own first line; each stands there once.
 *
 * @param shader the file and what the op brings
 * @param rewrite changes the text of a part; tests plant faults with it
 * @throws ShaderError for a first line that names what is no common file
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
 * @throws ShaderError for a part that does not close a brace or a comment
 */
export function assembleShader(parts: readonly ShaderPart[]): AssembledShader {
  for (const part of parts) if (!part.frames) checkClosed(part);
  return {
    code: parts.map(({ code }) => code).join("\n"),
    sources: parts.flatMap((part) => part.code.split("\n").map((_, k) => ({ part, line: k + 1 }))),
  };
}

/**
 * Refuses a part with a brace or a comment that is not closed: the compiler would complain of the part after it.
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
  let comments: number[] = []; // WGSL's nest
  for (const { 0: token, index } of code.matchAll(/\/\/.*|\/\*|\*\/|[{}]/g)) {
    if (token === "/*") comments.push(index);
    else if (token === "*/") comments = comments.slice(0, -1);
    else if (comments.length > 0) continue;
    else if (token === "{") open.push(index);
    else if (token === "}" && open.pop() === undefined) fail(index, "this } closes nothing");
  }
  if (comments.length > 0) fail(comments[0], "this comment is not closed");
  if (open.length > 0) fail(open[0], "this { is not closed");
}
