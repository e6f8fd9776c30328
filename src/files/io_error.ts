/**
 * Turns errors of the operating system and of Deno's permissions into one-line messages.
 * @module
 */

import { InputError, shellWord } from "../errors.ts";

/**
 * Formats the remedy for a denied permission: the flag to add.
 *
 * @param error the error thrown by Deno
 * @returns for example `Deno refused read access to "/data": add --allow-read=/data to the deno run line`
 */
export function permissionAdvice(error: Deno.errors.NotCapable): string {
  const pattern = /^Requires (\w+) access(?: to "?([^]*?)"?)?, run again with the (--[\w-]+) flag$/;
  const [, access, target, option] = pattern.exec(error.message) ?? [];
  if (access === undefined) return `Deno refused a permission: ${error.message.replace(/\s+/g, " ")}`;
  const found = target === undefined ? "" : ` to "${target}"`;
  const value = target === undefined || option === "--allow-all" ? "" : `=${shellWord(target)}`;
  return `Deno refused ${access} access${found}: add ${option}${value} to the deno run line`;
}

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full; free some space and run again",
  EDQUOT: "the disk quota is used up; free some space and run again",
  EROFS: "the file system is read-only; choose another folder",
  EACCES: "the operating system denies it; check who owns the folder, or choose another folder",
  EPERM: "the operating system denies it; check who owns the folder, or choose another folder",
  ENOENT: "no such file or folder; check the path",
  EEXIST: "it exists already; choose another name",
  ENOTDIR: "a part of the path is a file, not a folder; check the path",
  EISDIR: "it is a folder, not a file; check the path",
  ENAMETOOLONG: "the name is too long; choose a shorter one",
  EMFILE: "too many files are open; close some programs and run again",
};

/** Errors of the operating system to which Deno gives no code, such as that of a disk that fails. */
const SYSTEM_ERROR = /\(os error \d+\)$/;

/**
 * Converts an error from reading or writing a file to an InputError with a one-line message. Other errors are
 * bugs, and are returned unchanged.
 *
 * @param action the failed action, such as `Cannot write "runs/a/config.json"`
 * @param error the caught error
 * @returns the error to throw instead
 */
export function ioError(action: string, error: unknown): unknown {
  if (error instanceof Deno.errors.NotCapable) return new InputError(`${action}: ${permissionAdvice(error)}`);
  if (!(error instanceof Error)) return error;
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
  if (code === undefined && !SYSTEM_ERROR.test(error.message)) return error;
  return new InputError(`${action}: ${REASONS[code ?? ""] ?? error.message.replace(/\s+/g, " ")}`);
}
