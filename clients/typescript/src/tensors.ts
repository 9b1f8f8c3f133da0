/** Elements of tensors: numbers become bytes, and bytes numbers. */

import { AssayError } from "./error.js";
import { ELEMENT_BYTES, type DataType, type Layout } from "./schema.js";

/** A number, or a list of them, or lists of lists; typed arrays count as lists. */
export type Numbers = number | bigint | boolean | readonly Numbers[] | ArrayLike<number> | ArrayLike<bigint>;

/** An output tensor. Int64 elements are of type `bigint`, all others of type `number`. */
export interface Tensor {
  name: string;
  dataType: DataType;
  shape: number[];
  values: number[] | bigint[];
}

const INTEGERS: Partial<Record<DataType, [bigint, bigint]>> = {
  Int64: [-(2n ** 63n), 2n ** 63n - 1n],
  Int32: [-(2n ** 31n), 2n ** 31n - 1n],
  Int8: [-128n, 127n],
  Uint8: [0n, 255n],
  Bool: [0n, 1n],
};

/** The shape of nested lists, and their numbers in row-major order. */
export function flatten(field: string, numbers: Numbers): { shape: number[]; flat: (number | bigint)[] } {
  if (typeof numbers === "string") throw new AssayError(field, "is a text; give numbers, such as the text's tokens");
  if (typeof numbers === "boolean") return { shape: [], flat: [Number(numbers)] };
  if (typeof numbers === "number" || typeof numbers === "bigint") return { shape: [], flat: [numbers] };
  if (numbers === null || typeof numbers?.length !== "number") {
    throw new AssayError(field, "is no number and no list of numbers");
  }
  const rows = Array.from(numbers as ArrayLike<Numbers>, (row) => flatten(field, row));
  const first = rows[0]?.shape ?? [];
  if (rows.some((row) => row.shape.join() !== first.join())) {
    throw new AssayError(field, "its lists differ in length: give every row as many elements as the first");
  }
  return { shape: [rows.length, ...first], flat: rows.flatMap((row) => row.flat) };
}

/** Writes elements little-endian. */
export function encode(
  field: string,
  dataType: DataType,
  range: { min: bigint; max: bigint } | undefined,
  flat: readonly (number | bigint)[],
): Uint8Array {
  const size = ELEMENT_BYTES[dataType];
  const bytes = new Uint8Array(flat.length * size);
  const view = new DataView(bytes.buffer);
  flat.forEach((value, index) => {
    const at = `${field}[${index}]`;
    if (dataType === "Float32") return view.setFloat32(index * size, Number(value), true);
    if (typeof value === "number" && !Number.isSafeInteger(value)) {
      throw new AssayError(at, `is ${value}, and the model takes whole numbers; give large ones as bigint`);
    }
    const [least, most] = INTEGERS[dataType]!;
    const [min, max] = [range?.min ?? least, range?.max ?? most];
    const whole = BigInt(value);
    if (whole < min || whole > max) throw new AssayError(at, `is ${whole}; the model takes ${min} to ${max}`);
    if (dataType === "Int64") return view.setBigInt64(index * size, whole, true);
    if (dataType === "Int32") return view.setInt32(index * size, Number(whole), true);
    return view.setUint8(index, Number(whole) & 0xff);
  });
  return bytes;
}

/** Reads a tensor's elements. */
export function decode(name: string, layout: Layout, bytes: Uint8Array): Tensor {
  const { dataType, shape } = layout;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = bytes.length / ELEMENT_BYTES[dataType];
  const read = {
    Float32: (i: number) => view.getFloat32(i * 4, true),
    Int64: (i: number) => view.getBigInt64(i * 8, true),
    Int32: (i: number) => view.getInt32(i * 4, true),
    Int8: (i: number) => view.getInt8(i),
    Uint8: (i: number) => view.getUint8(i),
    Bool: (i: number) => view.getUint8(i),
  }[dataType];
  const values = Array.from({ length: count }, (_, i) => read(i)) as number[] | bigint[];
  return { name, dataType, shape, values };
}
