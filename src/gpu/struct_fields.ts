/**
 * The fields of a shader's struct against the numbers that are bound to it, which have names here and places there.
 * @module
 */
import { errorAt, lineOf } from "./compiler_messages.ts";
import type { BoundStruct, KernelText } from "./shader.ts";

/**
 * Refuses a struct whose fields are not those that the dispatch writes: it would read one number for another, and
 * nothing else would notice.
 *
 * @throws ShaderError at the struct
 */
export function checkStruct(
  { code, sources }: KernelText,
  { binding, fields, name: wanted }: BoundStruct,
): void {
  const variables = code.matchAll(
    new RegExp(`@binding\\(${binding}\\)\\s*var<[^>]*>\\s*\\w+\\s*:\\s*(\\w+);`, "g"),
  );
  const found = [...variables].flatMap(([, name]) => {
    if (wanted !== undefined && name !== wanted) return [];
    const match = new RegExp(`^struct ${name} \\{([^}]*)\\}`, "m").exec(code);
    return match ? [{ name, at: match.index, fields: fieldsIn(match[1]) }] : [];
  });
  // a file has several declarations of a binding, if it has several entry points; one of them uses this one
  if (found.length === 0 || found.some((struct) => struct.fields.join() === fields.join())) return;
  const [{ name, at, fields: those }] = found;
  const source = sources[code.slice(0, at).split("\n").length - 1];
  throw errorAt(
    source,
    1 + lineOf(source).indexOf(name),
    `expected the fields that the op's dispatch writes (${fields.join(", ")}) but ${name} has ${
      those.join(", ")
    }`,
    ['names, types and order must be those of "settings" in the op\'s TypeScript'],
  );
}

function fieldsIn(body: string): string[] {
  const members = body.replace(/\/\/.*/g, "").matchAll(/(\w+)\s*:\s*([^,]*?)\s*(?:,|$)/g);
  return [...members].map(([, name, type]) => `${name}: ${type}`);
}
