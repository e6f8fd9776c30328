/**
 * The error for data that cannot be used.
 * @module
 */
import { InputError } from "../errors.ts";

/**
 * Throws the error.
 *
 * @param path path of the file
 * @param problem what was expected and found, and what to do
 * @param settings settings that would help
 * @throws {InputError} always
 */
export function cannotUse(path: string, problem: string, settings: readonly string[] = []): never {
  throw new InputError(`Cannot use "${path}" as data: ${problem}`, { settings });
}
