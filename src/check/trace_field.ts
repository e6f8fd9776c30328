/**
 * Typed access to the values of a trace file.
 * @module
 */
import { InputError, quote, toOneLine } from "../errors.ts";

/** A tensor of a trace. */
export interface TraceTensor {
  /** Sizes of the dimensions. */
  readonly shape: readonly number[];
  /** Elements in row-major order. */
  readonly data: readonly number[];
}

/** A value in a trace file, with its path for error messages. */
export class Field {
  readonly #file: string;
  readonly #path: string;
  readonly #value: unknown;

  constructor(file: string, path: string, value: unknown) {
    this.#file = file;
    this.#path = path;
    this.#value = value;
  }

  /**
   * Parses a JSON file.
   *
   * @throws InputError if the text is not JSON
   */
  static parse(text: string, file: string): Field {
    try {
      return new Field(file, "", JSON.parse(text));
    } catch (error) {
      throw new InputError(`Cannot read trace ${file}: ${toOneLine((error as Error).message)}`);
    }
  }

  error(what: string): InputError {
    return new InputError(`Cannot read trace ${this.#file}: ${toOneLine(this.#path) || "the file"}: ${what}`);
  }

  #object(): Readonly<Record<string, unknown>> {
    const value = this.#value;
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw this.error("expected an object");
    }
    return value as Record<string, unknown>;
  }

  has(key: string): boolean {
    return Object.hasOwn(this.#object(), key);
  }

  get(key: string): Field {
    if (!this.has(key)) throw this.error(`expected a field "${key}"`);
    return new Field(this.#file, this.#path ? `${this.#path}.${key}` : key, this.#object()[key]);
  }

  onlyHas(keys: readonly string[]): void {
    for (const key of Object.keys(this.#object())) {
      if (!keys.includes(key)) {
        throw this.error(`option ${quote(key)} is not known to this replay (known: ${keys.join(", ")})`);
      }
    }
  }

  oneOf<const T extends string>(known: readonly T[]): T {
    if (!known.includes(this.#value as T)) {
      throw this.error(`expected ${known.join(" or ")}, found ${quote(this.#value, 80)}`);
    }
    return this.#value as T;
  }

  list(): Field[] {
    if (!Array.isArray(this.#value)) throw this.error("expected a list");
    return this.#value.map((item, k) => new Field(this.#file, `${this.#path}[${k}]`, item));
  }

  number(): number {
    if (typeof this.#value !== "number" || !Number.isFinite(this.#value)) {
      throw this.error("expected a number");
    }
    return this.#value;
  }

  numberIn(range: string, holds: (value: number) => boolean): number {
    const value = this.number();
    if (!holds(value)) throw this.error(`expected a number ${range}, found ${value}`);
    return value;
  }

  isNull(): boolean {
    return this.#value === null;
  }

  text(): string {
    if (typeof this.#value !== "string") throw this.error("expected a string");
    return this.#value;
  }

  integer(least: number): number {
    const value = this.number();
    if (!Number.isInteger(value) || value < least) {
      throw this.error(`expected an integer of at least ${least}, found ${value}`);
    }
    return value;
  }

  boolean(): boolean {
    if (typeof this.#value !== "boolean") throw this.error("expected true or false");
    return this.#value;
  }

  tensor(): TraceTensor {
    this.onlyHas(["shape", "data"]);
    const shape = this.get("shape").list().map((size) => size.integer(0));
    const data = this.get("data").list().map((item) => item.number());
    const count = shape.reduce((product, size) => product * size, 1);
    if (data.length !== count) {
      throw this.error(
        `expected ${count} numbers for shape [${toOneLine(shape.join(", "))}], found ${data.length}`,
      );
    }
    return { shape, data };
  }

  numbers(): Map<string, number> {
    return this.entries((number) => number.number());
  }

  tensors(): Map<string, TraceTensor> {
    return this.entries((tensor) => tensor.tensor());
  }

  entries<T>(read: (field: Field) => T): Map<string, T> {
    return new Map(Object.keys(this.#object()).map((key) => [key, read(this.get(key))]));
  }
}
