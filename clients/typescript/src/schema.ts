/** Schemas of models: names, data types and dimensions, and layouts for values of the symbols. */

import { AssayError } from "./error.js";

/** Type of a tensor's elements; all are stored little-endian. */
export type DataType = "Float32" | "Int64" | "Int32" | "Int8" | "Uint8" | "Bool";

/** Bytes of one element. */
export const ELEMENT_BYTES: Record<DataType, number> = { Float32: 4, Int64: 8, Int32: 4, Int8: 1, Uint8: 1, Bool: 1 };

/** One product of a sum: a number, and how often each symbol is a factor. */
export interface Term {
  coefficient: number | bigint;
  powers: number[];
}

/** A dimension: a number, the value of a symbol by its position, or a sum of products of symbols. */
export type Dimension =
  | { type: "Fixed"; value: number }
  | { type: "Symbol"; value: number }
  | { type: "Computed"; value: Term[] };

/** A tensor that a model takes or gives; `range` has the values that elements of an integer input may have. */
export interface TensorSchema {
  name: string;
  dataType: DataType;
  dimensions: Dimension[];
  range: { min: bigint; max: bigint } | undefined;
}

/** A dynamic dimension, with the values that it may take, both ends included. */
export interface SymbolRange {
  name: string;
  min: number;
  max: number;
}

/** What a model takes and gives. */
export interface Schema {
  symbols: SymbolRange[];
  inputs: TensorSchema[];
  outputs: TensorSchema[];
}

/** A model version on chain. */
export interface Model {
  /** Its name on chain. */
  name: string;
  /** Number of the model and of its version. */
  version: { model: number; version: number };
  /** Root of its package, as `0x` and 64 hexadecimal digits. */
  root: string;
  /** `Plain` models give outputs for inputs; a `Generation` goes on from a prompt. */
  kind: "Plain" | "Generation";
  schema: Schema;
  /** Units of work of a job, as a sum of products of the symbols. */
  work: Term[];
  /** What the chain carries. */
  limits: Limits;
}

/** Maximum bytes of a job's input and of a claim's output that the chain carries. */
export interface Limits {
  inputBytes: number;
  outputBytes: number;
}

/** A tensor's type, shape and length in bytes. */
export interface Layout {
  dataType: DataType;
  shape: number[];
  bytes: number;
}

const utf8 = new TextDecoder();

/** Reads a version's record as `Models::Versions` gives it. */
export function readModel(name: string, version: Model["version"], record: any, limits: Limits): Model {
  const tensor = (raw: any): TensorSchema => ({
    name: utf8.decode(raw.name),
    dataType: raw.data_type.type,
    dimensions: raw.dimensions.map(readDimension),
    range: raw.range,
  });
  const schema = record.parts.schema;
  return {
    name,
    version,
    root: record.root,
    kind: record.parts.kind.type,
    schema: {
      symbols: schema.symbols.map((raw: any) => ({ name: utf8.decode(raw.name), min: raw.min, max: raw.max })),
      inputs: schema.inputs.map(tensor),
      outputs: schema.outputs.map(tensor),
    },
    work: readTerms(record.parts.work),
    limits,
  };
}

function readTerms(raw: any): Term[] {
  return raw.map((term: any) => ({ coefficient: term.coefficient, powers: bytesOf(term.powers) }));
}

function readDimension(raw: any): Dimension {
  if (raw.type !== "Computed") return { type: raw.type, value: raw.value };
  return { type: "Computed", value: readTerms(raw.value) };
}

/** Bytes that come as an array or as `0x` and hexadecimal digits. */
export function bytesOf(value: Uint8Array | string): number[] {
  if (typeof value !== "string") return [...value];
  return (value.slice(2).match(/../g) ?? []).map((digits) => parseInt(digits, 16));
}

/** The layout of a tensor for these values of the symbols. */
export function layoutOf(tensor: TensorSchema, symbols: readonly number[]): Layout {
  const shape = tensor.dimensions.map((dimension) => elements(dimension, symbols));
  const count = shape.reduce((product, length) => product * length, 1);
  return { dataType: tensor.dataType, shape, bytes: count * ELEMENT_BYTES[tensor.dataType] };
}

function elements(dimension: Dimension, symbols: readonly number[]): number {
  if (dimension.type === "Fixed") return dimension.value;
  if (dimension.type === "Symbol") return symbolAt(symbols, dimension.value);
  return Number(sumOf(dimension.value, symbols));
}

/** A sum of products for these values of the symbols. */
export function sumOf(terms: readonly Term[], symbols: readonly number[]): bigint {
  let sum = 0n;
  for (const { coefficient, powers } of terms) {
    let product = BigInt(coefficient);
    powers.forEach((power, symbol) => {
      if (power > 0) product *= BigInt(symbolAt(symbols, symbol)) ** BigInt(power);
    });
    sum += product;
  }
  return sum;
}

function symbolAt(symbols: readonly number[], position: number): number {
  const value = symbols[position];
  if (value === undefined) throw new AssayError("symbols", `symbol ${position} has no value: give one for each symbol`);
  return value;
}

/** Checks that every symbol is in its range. */
export function checkSymbols(schema: Schema, symbols: readonly number[]): void {
  schema.symbols.forEach(({ name, min, max }, position) => {
    const value = symbolAt(symbols, position);
    if (value < min || value > max) {
      throw new AssayError(`symbols.${name}`, `is ${value}; the model takes ${min} to ${max}`);
    }
  });
}
