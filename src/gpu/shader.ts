/**
 * What shaders and kernels are made of.
 * @module
 */

/** A piece of WGSL and what errors call it. */
export interface ShaderPart {
  /** Where it stands: a path from the project's root, or words such as `forward of activation "leaky"`. */
  readonly path: string;
  /** Its text, whole lines. */
  readonly code: string;
  /** Whose text it frames, if it is a line of ours around that: errors in it are shown at that text's start or end. */
  readonly frames?: { readonly part: ShaderPart; readonly at: "start" | "end" };
}

/** Where a product's kernel reads its matrices from: see `shaders/common/operands_buffer.wgsl` and its sibling. */
export type Operands = "buffer" | "texture";

/** A shader: a WGSL file, and what stands before it. */
export interface Shader extends ShaderPart {
  /** What stands between the common files and the file itself; nothing if absent. */
  readonly before?: readonly ShaderPart[];
  /** Which file a first line means by `common/operands`; required where one says so. */
  readonly operands?: Operands;
}

/** Where a line of assembled text came from. */
export interface SourceLine {
  /** The part. */
  readonly part: ShaderPart;
  /** The line in it, counted from 1. */
  readonly line: number;
}

/** Changes the text of a part that stands at `path`, in the shader whose own file stands at `shader`. */
export type RewriteShader = (path: string, code: string, shader: string) => string;

/** How an entry point uses a binding: a buffer that it reads or writes, or a texture that it reads. */
export type Access = "read" | "write" | "texture";

/** A struct as a dispatch writes it. */
export interface BoundStruct {
  /** Where it is bound. */
  readonly binding: number;
  /** Its fields in order, such as `width: u32`. */
  readonly fields: readonly string[];
  /** The struct's name, if all shaders call it the same. */
  readonly name?: string;
}

/** What makes a pipeline: a shader, its entry point, its constants, and how it uses each binding. */
export interface KernelSpec {
  /** The WGSL file. */
  readonly shader: Shader;
  /** The function to run. */
  readonly entryPoint: string;
  /** A value for each `override` without a default; booleans are 0 and 1. */
  readonly constants: Readonly<Record<string, number>>;
  /** Bindings 0, 1, 2, … in order. */
  readonly access: readonly Access[];
  /** Structs that are bound: a shader whose own has other fields does not compile. Unknown if absent. */
  readonly structs?: readonly BoundStruct[];
}

/** A kernel's text as it is compiled, and where each of its lines came from. */
export interface KernelText {
  /** What is compiled. */
  readonly code: string;
  /** For each line of `code`, where it came from. */
  readonly sources: readonly SourceLine[];
}
