/**
 * Prints the shader texts that the dispatches of a step compile: a list of texts with the dispatches that
 * share each, and the full text of a dispatch with the origin of its parts.
 * @module
 */
import { InputError, quote } from "../errors.ts";
import type { Gpu } from "../gpu/device.ts";
import { kernelText } from "../gpu/kernel.ts";
import { workgroupSizeOf } from "./limits.ts";
import type { Dispatch } from "../graph/tensor.ts";
import type { KernelSpec, KernelText, SourceLine } from "../gpu/shader.ts";
import { kernelOfDispatch } from "./compile_dispatch.ts";

/** A shader text, and the dispatches that compile it. */
export interface DispatchedText extends KernelText {
  /** Shader, entry point, constants and bindings. */
  readonly kernel: KernelSpec;
  /** Labels of the dispatches. */
  readonly labels: readonly string[];
}

/**
 * Collects the distinct texts that dispatches compile, with entry points and constants, in dispatch order.
 *
 * @param gpu the device that the texts are compiled for
 * @param batchSize B
 */
export function textsOf(gpu: Gpu, dispatches: readonly Dispatch[], batchSize: number): DispatchedText[] {
  const texts = new Map<string, DispatchedText & { labels: string[] }>();
  for (const dispatch of dispatches) {
    const kernel = kernelOfDispatch(dispatch, workgroupSizeOf(gpu, dispatch, batchSize));
    const text = kernelText(kernel, gpu.rewriteShader);
    const key = JSON.stringify([text.code, kernel.entryPoint, kernel.constants]);
    const known = texts.get(key);
    if (known) known.labels.push(dispatch.label);
    else texts.set(key, { ...text, kernel, labels: [dispatch.label] });
  }
  return [...texts.values()];
}

/** Formats the texts as blocks of lines: entry point and file, constants, parts, dispatches. */
export function formatTexts(texts: readonly DispatchedText[]): string {
  return texts.map((text) => {
    const { kernel: { shader, entryPoint }, labels, code, sources } = text;
    const parts = sources.filter(isStart).map(({ part }) => part.path);
    return [
      `${entryPoint} of ${shader.path}, ${code.split("\n").length} lines`,
      `  constants   ${formatConstants(text)}`,
      `  parts       ${parts.join(", ")}`,
      ...labels.map((label, k) => `  ${(k === 0 ? "dispatches" : "").padEnd(12)}${label}`),
    ].join("\n");
  }).join("\n\n");
}

/**
 * Formats the full WGSL of a dispatch, with comments that name the source of each part. Loops are unrolled.
 *
 * @throws InputError with all labels, if no dispatch has this one
 */
export function formatText(texts: readonly DispatchedText[], label: string): string {
  const found = texts.filter(({ labels }) => labels.includes(label));
  if (found.length === 0) {
    const known = texts.flatMap(({ labels }) => labels).map((known) => `"${known}"`).join(", ");
    throw new InputError(
      `Cannot print the shader of dispatch ${
        quote(label)
      }: expected one of ${known}; print the plan to see what each does`,
      { settings: ["printPlan"] },
    );
  }
  return found.map((text) =>
    [
      `// ${label}: ${text.kernel.entryPoint} with ${formatConstants(text)}`,
      ...text.code.split("\n").flatMap((line, k) =>
        isStart(text.sources[k], k, text.sources)
          ? [`// ---- ${text.sources[k].part.path} ----`, line]
          : [line]
      ),
    ].join("\n")
  ).join("\n");
}

const formatConstants = ({ kernel: { constants } }: DispatchedText) =>
  Object.entries(constants).map(([name, value]) => `${name} ${value}`).join(", ");

/** Returns true for the first line of a part; adjacent parts of the same path count as one. */
function isStart({ part }: SourceLine, at: number, sources: readonly SourceLine[]): boolean {
  return part.path !== sources[at - 1]?.part.path;
}
