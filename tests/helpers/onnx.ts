/**
 * ONNX files read and computed in float64, from their bytes alone, so that a wrong attribute or field fails.
 * @module
 */
import { erf } from "../../src/elementwise/special_functions.ts";

type Fields = ReadonlyMap<number, readonly (number | Uint8Array)[]>;

/** Reads the fields of a protobuf message: integers, four bytes as they lie, and bytes. */
export function fieldsOf(bytes: Uint8Array): Fields {
  const fields = new Map<number, (number | Uint8Array)[]>();
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let place = 1;; place *= 128) {
      const byte = bytes[at++];
      value += (byte & 127) * place;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const key = varint(), type = key % 8, field = Math.floor(key / 8);
    if (type !== 0 && type !== 2 && type !== 5) throw new Error(`wire type ${type}`);
    const length = type === 0 ? 0 : type === 5 ? 4 : varint();
    const value = type === 0 ? varint() : bytes.slice(at, at + length);
    at += length;
    if (at > bytes.length) throw new Error("a field ends behind its message");
    fields.set(field, [...fields.get(field) ?? [], value]);
  }
  return fields;
}

const all = (fields: Fields, field: number) => (fields.get(field) ?? []) as Uint8Array[];
const text = (fields: Fields, field: number) => new TextDecoder().decode(all(fields, field)[0]);
const texts = (fields: Fields, field: number) =>
  all(fields, field).map((bytes) => new TextDecoder().decode(bytes));
const floats = (bytes: Uint8Array) => new Float32Array(bytes.slice().buffer);

/** A tensor of numbers. */
export interface Numbers {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

/** An ONNX file with its operators and constants. */
export interface OnnxReading {
  readonly metadata: Readonly<Record<string, string>>;
  readonly opset: number;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly operators: readonly string[];
  readonly initializers: ReadonlyMap<string, Numbers>;
  /** Computes the outputs of some rows, by name. */
  run(rows: Numbers): ReadonlyMap<string, Numbers>;
}

/** Reads an ONNX file. */
export function readOnnx(bytes: Uint8Array): OnnxReading {
  const model = fieldsOf(bytes), graph = fieldsOf(all(model, 7)[0]);
  const nodes = all(graph, 1).map(fieldsOf);
  const initializers = new Map(
    all(graph, 5).map(fieldsOf).map((tensor) => {
      const shape = (tensor.get(1) ?? []) as number[], data = Float64Array.from(floats(all(tensor, 9)[0]));
      if (tensor.get(2)?.[0] !== 1 || shape.reduce((a, b) => a * b, 1) !== data.length) {
        throw new Error("a bad tensor");
      }
      return [text(tensor, 8), { shape, data }];
    }),
  );
  const names = (field: number) => all(graph, field).map((value) => text(fieldsOf(value), 1));
  const [inputs, outputs] = [names(11), names(12)];
  return {
    metadata: Object.fromEntries(
      all(model, 14).map(fieldsOf).map((entry) => [text(entry, 1), text(entry, 2)]),
    ),
    opset: Number(fieldsOf(all(model, 8)[0]).get(2)?.[0]),
    inputs,
    outputs,
    operators: nodes.map((node) => text(node, 4)),
    initializers,
    run(rows) {
      const values = new Map<string, Numbers>(initializers).set(inputs[0], rows);
      for (const node of nodes) {
        const [name] = texts(node, 2);
        if (values.has(name)) throw new Error(`${name} is computed twice`);
        const given = texts(node, 1).map((input) => {
          const value = values.get(input);
          if (!value) throw new Error(`${name} needs ${input}, which is not computed before`);
          return value;
        });
        values.set(name, compute(text(node, 4), given, attributesOf(node)));
      }
      return new Map(outputs.map((name) => [name, values.get(name)!]));
    },
  };
}

function attributesOf(node: Fields): ReadonlyMap<string, number> {
  return new Map(
    all(node, 5).map(fieldsOf).map((attribute) => {
      const type = attribute.get(20)?.[0];
      const value = type === 1 ? floats(all(attribute, 2)[0])[0] : attribute.get(type === 2 ? 3 : 8)?.[0];
      return [text(attribute, 1), Number(value)];
    }),
  );
}

const UNARY: Readonly<Record<string, (x: number, alpha: number) => number>> = {
  Identity: (x) => x,
  Sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  Tanh: Math.tanh,
  Relu: (x) => Math.max(x, 0),
  LeakyRelu: (x, alpha) => x < 0 ? alpha * x : x,
  Elu: (x, alpha) => x < 0 ? alpha * Math.expm1(x) : x,
  Softplus: (x) => Math.log1p(Math.exp(x)),
  Erf: erf,
};
const BINARY: Readonly<Record<string, (a: number, b: number) => number>> = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Mul: (a, b) => a * b,
  Div: (a, b) => a / b,
};

function compute(op: string, [a, b, c]: Numbers[], attributes: ReadonlyMap<string, number>): Numbers {
  if (Object.hasOwn(UNARY, op)) {
    return { shape: a.shape, data: a.data.map((x) => UNARY[op](x, attributes.get("alpha") ?? NaN)) };
  }
  if (Object.hasOwn(BINARY, op)) { // the second is as large, a row, or a scalar
    return { shape: a.shape, data: a.data.map((x, k) => BINARY[op](x, b.data[k % b.data.length])) };
  }
  if (op === "Clip") {
    return { shape: a.shape, data: a.data.map((x) => Math.min(Math.max(x, b.data[0]), c.data[0])) };
  }
  if (op === "ReduceMean" && attributes.get("axes") === 1 && attributes.get("keepdims") === 0) {
    const [rows, columns] = a.shape;
    const mean = (n: number) =>
      a.data.subarray(n * columns, (n + 1) * columns).reduce((sum, x) => sum + x, 0) / columns;
    return { shape: [rows], data: Float64Array.from({ length: rows }, (_, n) => mean(n)) };
  }
  if (op !== "Gemm") throw new Error(`${op} is not known here`);
  const isTransposed = attributes.get("transB") === 1;
  const [rows, inner] = a.shape, [first, second] = b.shape;
  const [depth, columns] = isTransposed ? [second, first] : [first, second];
  if (depth !== inner) throw new Error(`Gemm of ${a.shape} and ${b.shape}`);
  const data = new Float64Array(rows * columns);
  for (let n = 0; n < rows; n++) {
    for (let o = 0; o < columns; o++) {
      let sum = c?.data[o] ?? 0;
      for (let i = 0; i < inner; i++) {
        sum += a.data[n * inner + i] * b.data[isTransposed ? o * inner + i : i * columns + o];
      }
      data[n * columns + o] = sum;
    }
  }
  return { shape: [rows, columns], data };
}
