/**
 * Putting a shader together from its parts: the files of `shaders/common/` that its first line names, what the op
 * brings itself (a user's expressions), and the file.
 * @module
 */

/** A piece of WGSL and what errors call it. */
export interface ShaderPart {
  /** Where it stands: a path from the project's root, or words such as `forward of activation "leaky"`. */
  readonly path: string;
  /** Its text, whole lines. */
  readonly code: string;
}

/** A shader: a WGSL file, and what stands before it. */
export interface Shader extends ShaderPart {
  /** What stands between the common files and the file itself; nothing if absent. */
  readonly before?: readonly ShaderPart[];
}

/** Where a line of assembled text came from. */
export interface SourceLine {
  /** The part. */
  readonly part: ShaderPart;
  /** The line in it, counted from 1. */
  readonly line: number;
}

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
 * Puts a shader's parts together.
 *
 * @param shader the file and what the op brings
 * @param common the files that a first line may name, by that name
 * @throws SyntaxError for a name that is not among them
 */
export function assembleShader(
  shader: Shader,
  common: Readonly<Record<string, ShaderPart>>,
): AssembledShader {
  const named = AFTER.exec(shader.code.split("\n", 1)[0])?.[1].split(",").map((name) => name.trim()) ?? [];
  const parts = named.map((name) => {
    if (!Object.hasOwn(common, name)) {
      throw new SyntaxError(
        `Cannot assemble ${shader.path}:1: expected names of common shaders (${
          Object.keys(common).join(", ")
        }) but received "${name}"`,
      );
    }
    return common[name];
  });
  const all = [...parts, ...shader.before ?? [], shader];
  return {
    code: all.map(({ code }) => code).join("\n"),
    sources: all.flatMap((part) => part.code.split("\n").map((_, k) => ({ part, line: k + 1 }))),
  };
}
