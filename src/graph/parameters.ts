/**
 * Parameters: named weights and biases, initialized on the CPU from the seed, stored on the GPU in one arena
 * with a slot each, read and written in PyTorch's layout.
 * @module
 */
import type { Gpu } from "../gpu/device.ts";
import { RandomStream } from "../random.ts";
import { padded, type Tensor } from "./tensor.ts";

/**
 * Initialization scheme of a tensor. With n_in and n_out the layer's inputs and outputs: `pytorch-linear`
 * uniform on ±1/√n_in, weights and biases alike (torch.nn.Linear's default); `glorot-uniform` uniform on
 * ±√(6/(n_in+n_out)), biases 0 (Glorot and Bengio 2010, eq. 16); `{ uniform: r }` uniform on ±r, biases 0.
 */
export type Initializer = "pytorch-linear" | "glorot-uniform" | { readonly uniform: number };

/** A weight matrix or a bias vector. */
export interface Parameter {
  /** Name in the model's state_dict, such as `encoder.0.weight`. */
  readonly name: string;
  /** PyTorch's shape: [outputs, inputs] for a weight, [outputs] for a bias. */
  readonly shape: readonly number[];
  /** Byte offset of the slot, equal in every arena. */
  readonly offset: number;
  /** Content of the slot in bytes: a weight is stored as [inputs, outputs], both padded to multiples of 4. */
  readonly bytes: number;
  /** The values, as dispatches bind them. */
  readonly tensor: Tensor;
  /** The gradient, as dispatches bind it. */
  readonly gradient: Tensor;
  /** The whole arenas that contain values and gradient, for dispatches of several layers. */
  readonly arenas: { readonly values: Tensor; readonly gradients: Tensor };
}

/** Alignment of slots in bytes: what WebGPU requires of a binding's offset. */
export const SLOT_ALIGNMENT = 256;

/** The parameters of a model. Several graphs may share them: declaring a name again returns the same slot. */
export class Parameters {
  /** Seed of the initial values. */
  readonly seed: number;
  readonly #byName: Map<string, Parameter> = new Map();
  readonly #initial: Map<string, () => Float32Array<ArrayBuffer>> = new Map(); // drawn lazily
  #bytes = 0;
  #gpu: Gpu | undefined;
  #arena: GPUBuffer | undefined;
  readonly #arenas: Parameter["arenas"];

  /**
   * Starts without parameters.
   *
   * @param seed an integer in [0, 2³²)
   */
  constructor(seed: number) {
    this.seed = seed;
    // deno-lint-ignore no-this-alias
    const parameters = this;
    this.#arenas = {
      values: {
        name: "parameters",
        get bytes() {
          return parameters.bytes;
        },
        get location() {
          return parameters.#arena && { buffer: parameters.#arena, offset: 0 };
        },
      },
      gradients: {
        name: "gradients of the parameters",
        get bytes() {
          return parameters.bytes;
        },
      },
    };
  }

  /** All parameters, in order of declaration. */
  get all(): readonly Parameter[] {
    return [...this.#byName.values()];
  }

  /** Total number of parameters: weights and biases, without padding. */
  get count(): number {
    return this.all.reduce((sum, { shape }) => sum + elements(shape), 0);
  }

  /** Size of an arena in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Returns the parameter of that name, creating it if it does not exist, with initial values drawn lazily.
   *
   * @throws TypeError if it exists with another shape, or does not exist and the arena has been allocated
   */
  declare(name: string, shape: readonly number[], initializer: Initializer, inputs: number): Parameter {
    const known = this.#byName.get(name);
    if (known) {
      if (known.shape.join() !== shape.join()) {
        throw new TypeError(
          `Cannot share parameter "${name}": expected [${known.shape.join(", ")}] but received [${
            shape.join(", ")
          }]`,
        );
      }
      return known;
    }
    if (this.#arena) {
      throw new TypeError(`Cannot add parameter "${name}": record every graph before the first is compiled`);
    }
    // deno-lint-ignore no-this-alias
    const parameters = this;
    const offset = this.#bytes;
    const bytes = 4 * shape.reduce((product, n) => product * padded(n), 1);
    const parameter: Parameter = {
      name,
      shape,
      offset,
      bytes,
      tensor: {
        name,
        bytes,
        get location() {
          return parameters.#arena && { buffer: parameters.#arena, offset };
        },
      },
      gradient: { name: `d_${name}`, bytes },
      arenas: this.#arenas,
    };
    this.#byName.set(name, parameter);
    this.#initial.set(name, () => draw(new RandomStream(this.seed, name), shape, initializer, inputs));
    this.#bytes += Math.ceil(bytes / SLOT_ALIGNMENT) * SLOT_ALIGNMENT;
    return parameter;
  }

  /** Allocates the arena on the GPU and writes the initial values; a later call does nothing. */
  allocate(gpu: Gpu): void {
    if (this.#arena) return;
    this.#gpu = gpu;
    this.#arena = gpu.createBuffer("parameters", this.#bytes);
    for (const [name, values] of this.#initial) this.write(name, values());
    this.#initial.clear();
  }

  /**
   * Sets the values of a parameter.
   *
   * @param name name of a declared parameter
   * @param values its values in PyTorch's layout
   * @throws TypeError if the name is unknown or the number of values is wrong
   */
  write(name: string, values: ArrayLike<number>): void {
    const parameter = this.#byName.get(name);
    if (!parameter) {
      throw new TypeError(
        `Cannot set parameter "${name}": expected one of ${[...this.#byName.keys()].join(", ")}`,
      );
    }
    if (values.length !== elements(parameter.shape)) {
      throw new TypeError(
        `Cannot set parameter "${name}": expected [${parameter.shape.join(", ")}] ` +
          `but received ${values.length} values`,
      );
    }
    if (!this.#gpu || !this.#arena) {
      const copy = Float32Array.from(values);
      this.#initial.set(name, () => copy.slice());
    } else this.#gpu.device.queue.writeBuffer(this.#arena, parameter.offset, toSlot(parameter, values));
  }

  /** Reads all values, in PyTorch's layout, keyed by name. */
  async read(): Promise<Map<string, Float32Array<ArrayBuffer>>> {
    if (!this.#gpu || !this.#arena) {
      return new Map([...this.#initial].map(([name, values]) => [name, values()]));
    }
    const [floats] = await this.#gpu.read(
      [{ buffer: this.#arena, offset: 0, size: this.#bytes }],
      "reading the parameters",
    );
    return new Map(this.all.map((parameter) => [parameter.name, fromArena(parameter, floats)]));
  }

  /** Frees the arena. */
  destroy(): void {
    if (this.#arena) this.#gpu?.destroyBuffer(this.#arena);
    this.#arena = undefined;
  }

  /** Same as {@link destroy}, for `using`. */
  [Symbol.dispose](): void {
    this.destroy();
  }
}

/** Number of elements of a shape. */
export function elements(shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, 1);
}

function draw(
  random: RandomStream,
  shape: readonly number[],
  initializer: Initializer,
  inputs: number,
): Float32Array<ArrayBuffer> {
  const values = new Float32Array(elements(shape));
  let range: number;
  if (initializer === "pytorch-linear") range = 1 / Math.sqrt(inputs);
  else if (shape.length === 1) range = 0;
  else if (initializer === "glorot-uniform") range = Math.sqrt(6 / (shape[0] + shape[1]));
  else range = initializer.uniform;
  return values.map(() => range * (2 * random.nextUnit() - 1));
}

/** Converts PyTorch's [outputs, inputs] to a slot's padded [inputs, outputs]; a vector is only padded. */
export function toSlot(parameter: Parameter, values: ArrayLike<number>): Float32Array<ArrayBuffer> {
  const slot = new Float32Array(parameter.bytes / 4);
  const [outputs, inputs = 1] = parameter.shape;
  for (let i = 0; i < inputs; i++) {
    for (let o = 0; o < outputs; o++) slot[i * padded(outputs) + o] = values[o * inputs + i];
  }
  return slot;
}

/** Inverse of {@link toSlot}, from an arena that was read back. */
export function fromArena(parameter: Parameter, arena: Float32Array): Float32Array<ArrayBuffer> {
  const [outputs, inputs = 1] = parameter.shape;
  const values = new Float32Array(outputs * inputs);
  for (let i = 0; i < inputs; i++) {
    for (let o = 0; o < outputs; o++) {
      values[o * inputs + i] = arena[parameter.offset / 4 + i * padded(outputs) + o];
    }
  }
  return values;
}
