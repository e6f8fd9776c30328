/**
 * The npm package commander: command lines: flags, their help, suggestions.
 * @module
 */
export { Argument, Command, CommanderError, Option } from "npm:commander@15.1.0";
