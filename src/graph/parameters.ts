/**
 * Parameters: named weights and biases, drawn on the CPU from the seed, kept on the GPU in one arena with a slot
 * each, read and written in PyTorch's layout.
 * @module
 */
import type { Gpu } from "../gpu/device.ts";
import { RandomStream } from "../random.ts";
import { padded, type Tensor } from "./tensor.ts";

/**
 * How a tensor's first values are drawn. With n_in and n_out the layer's inputs and outputs:
 * `pytorch-linear` uniform on ±1/√n_in, weights and biases alike (torch.nn.Linear's default);
 * `glorot-uniform` uniform on ±√(6/(n_in+n_out)), biases 0 (Glorot and Bengio 2010, eq. 16);
 * `{ uniform: r }` uniform on ±r, biases 0.
 */
export type Initializer = "pytorch-linear" | "glorot-uniform" | { readonly uniform: number };

/** A weight matrix or a bias vector. */
export interface Parameter {
  /** Its name in the model's state_dict, such as `encoder.0.weight`. */
  readonly name: string;
  /** PyTorch's shape: [outputs, inputs] for a weight, [outputs] for a bias. */
  readonly shape: readonly number[];
  /** Byte offset of its slot, the same in every arena. */
  readonly offset: number;
  /** Bytes of its slot's content: a weight lies there as [inputs, outputs], both padded to multiples of four. */
  readonly bytes: number;
  /** The values, as dispatches name them. */
  readonly tensor: Tensor;
  /** The gradient. */
  readonly gradient: Tensor;
}

/** Slots start at multiples of what WebGPU asks of a binding's offset. */
export const SLOT_ALIGNMENT = 256;

/** The parameters of a model. Several graphs may share them: a name that is declared twice is the same slot. */
export class Parameters {
  /** The seed that the first values are drawn from. */
  readonly seed: number;
  readonly #byName: Map<string, Parameter> = new Map();
  readonly #initial: Map<string, () => Float32Array<ArrayBuffer>> = new Map(); // drawn when asked for
  #bytes = 0;
  #gpu: Gpu | undefined;
  #arena: GPUBuffer | undefined;

  /**
   * Starts without any.
   *
   * @param seed an integer in [0, 2³²)
   */
  constructor(seed: number) {
    this.seed = seed;
  }

  /** All of them, in the order of declaration. */
  get all(): readonly Parameter[] {
    return [...this.#byName.values()];
  }

  /** How many numbers there are to learn. */
  get count(): number {
    return this.all.reduce((sum, { shape }) => sum + elements(shape), 0);
  }

  /** Bytes of an arena. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * The parameter of that name; made if it does not exist, its first values drawn when they are needed.
   *
   * @throws TypeError if it exists with another shape, or if the arena has been laid out already
   */
  declare(name: string, shape: readonly number[], initializer: Initializer, inputs: number): Parameter {
    const known = this.#byName.get(name);
    if (known) {
      if (known.shape.join() !== shape.join()) {
        throw new TypeError(
          `Cannot share parameter "${name}": it is [${known.shape.join(", ")}], wanted [${shape.join(", ")}]`,
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
    };
    this.#byName.set(name, parameter);
    this.#initial.set(name, () => draw(new RandomStream(this.seed, name), shape, initializer, inputs));
    this.#bytes += Math.ceil(bytes / SLOT_ALIGNMENT) * SLOT_ALIGNMENT;
    return parameter;
  }

  /** Lays the arena out on the GPU, once; a later call does nothing. */
  allocate(gpu: Gpu): void {
    if (this.#arena) return;
    this.#gpu = gpu;
    this.#arena = gpu.createBuffer("parameters", this.#bytes);
    for (const [name, values] of this.#initial) this.write(name, values());
    this.#initial.clear();
  }

  /**
   * Sets a parameter.
   *
   * @param name one of {@link all}
   * @param values in PyTorch's layout
   * @throws TypeError for an unknown name or a wrong number of values
   */
  write(name: string, values: ArrayLike<number>): void {
    const parameter = this.#byName.get(name);
    if (!parameter) {
      throw new TypeError(
        `Cannot set parameter "${name}": the model has ${[...this.#byName.keys()].join(", ")}`,
      );
    }
    if (values.length !== elements(parameter.shape)) {
      throw new TypeError(
        `Cannot set parameter "${name}": expected [${parameter.shape.join(", ")}], ` +
          `received ${values.length} values`,
      );
    }
    if (!this.#gpu || !this.#arena) {
      const copy = Float32Array.from(values);
      this.#initial.set(name, () => copy.slice());
    } else this.#gpu.device.queue.writeBuffer(this.#arena, parameter.offset, toSlot(parameter, values));
  }

  /** All values, in PyTorch's layout, by name. */
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

/** How many numbers a shape holds. */
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

/** From PyTorch's [outputs, inputs] to a slot's padded [inputs, outputs]; a vector is only padded. */
export function toSlot(parameter: Parameter, values: ArrayLike<number>): Float32Array<ArrayBuffer> {
  const slot = new Float32Array(parameter.bytes / 4);
  const [outputs, inputs = 1] = parameter.shape;
  for (let i = 0; i < inputs; i++) {
    for (let o = 0; o < outputs; o++) slot[i * padded(outputs) + o] = values[o * inputs + i];
  }
  return slot;
}

/** The inverse of {@link toSlot}, out of an arena that was read back. */
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
