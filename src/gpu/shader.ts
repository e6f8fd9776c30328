/**
 * Types that describe shaders and kernels.
 * @module
 */

/** A piece of WGSL text. */
export interface ShaderPart {
  /** Name in errors: a path from the project's root, or text such as `forward of activation "leaky"`. */
  readonly path: string;
  /** WGSL text, in whole lines. */
  readonly code: string;
  /** The part that this one wraps, if any: errors in the wrapper are shown at that part's start or end. */
  readonly frames?: { readonly part: ShaderPart; readonly at: "start" | "end" };
}

/** Storage of a product's matrices: see `shaders/common/operands_buffer.wgsl` and `operands_texture.wgsl`. */
export type Operands = "buffer" | "texture";

/** A WGSL file, and the code placed before it. */
export interface Shader extends ShaderPart {
  /** Parts between the common files and the file itself. */
  readonly before?: readonly ShaderPart[];
  /** The file meant by `common/operands` in a first line; required if a first line has it. */
  readonly operands?: Operands;
}

/** Origin of a line of assembled text. */
export interface SourceLine {
  /** The part that contains the line. */
  readonly part: ShaderPart;
  /** Line number in the part, from 1. */
  readonly line: number;
}

/** Changes the text of the part named `path` in the shader with the file `shader`. */
export type RewriteShader = (path: string, code: string, shader: string) => string;

/** Use of a binding by an entry point: a buffer that it reads or writes, or a texture that it reads. */
export type Access = "read" | "write" | "texture";

/** Layout of a struct written by a dispatch. */
export interface BoundStruct {
  /** Binding number. */
  readonly binding: number;
  /** Fields in order, such as `width: u32`. */
  readonly fields: readonly string[];
  /** Name of the struct, if all shaders use the same. */
  readonly name?: string;
}

/** Specification of a pipeline: a shader, its entry point, its constants, and the use of each binding. */
export interface KernelSpec {
  /** The WGSL file. */
  readonly shader: Shader;
  /** Name of the entry point. */
  readonly entryPoint: string;
  /** A value for each `override` without a default; booleans are 0 and 1. */
  readonly constants: Readonly<Record<string, number>>;
  /** Use of bindings 0, 1, 2, … in order. */
  readonly access: readonly Access[];
  /** Expected layouts of bound structs; other fields in the shader are an error. Not checked if absent. */
  readonly structs?: readonly BoundStruct[];
}

/** Compiled text of a kernel, and the origin of its lines. */
export interface KernelText {
  /** The compiled text. */
  readonly code: string;
  /** Origin of each line of `code`. */
  readonly sources: readonly SourceLine[];
}
