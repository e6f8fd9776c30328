/**
 * The one error class that means "the input is at fault, not the program": a file, a flag, a data set, a
 * machine without a GPU. Commands print its message as one line and exit with code 1, without a stack trace.
 * @module
 */

/** Bad input from outside the program. The message says what was attempted, expected, found, and what to do. */
export class InputError extends Error {
  /** The class's name, as printed. */
  override name = "InputError";
}
