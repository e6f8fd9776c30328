/**
 * The npm package commander, for command lines: flags, help and suggestions.
 * @module
 */
export { Argument, Command, CommanderError, Option } from "npm:commander@15.1.0";
