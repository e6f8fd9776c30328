/**
 * Compares the fields of a shader's struct with the numbers bound to it, which a dispatch writes by name and
 * a shader reads by position.
 * @module
 */
import { errorAt, lineOf } from "./compiler_messages.ts";
import type { BoundStruct, KernelText } from "./shader.ts";

/**
 * Rejects a struct whose fields differ from those that the dispatch writes: the shader would read wrong
 * numbers.
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
  // a file with several entry points may declare a binding several times; one of the declarations must match
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
