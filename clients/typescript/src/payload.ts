/** Inputs of jobs by a model's schema, and outputs as a claim delivers them. */

import { payloadDigest } from "./digest.js";
import { AssayError } from "./error.js";
import { checkSymbols, layoutOf, type Layout, type Model, type TensorSchema } from "./schema.js";
import { decode, encode, flatten, type Numbers, type Tensor } from "./tensors.js";

/** The best tokens that a generation chooses from, at most. */
const MAX_CANDIDATES = 64;

/** Parameters of a generation; only the prompt has no default. */
export interface Generation {
  /** The tokens to go on from, or a text if `encode` is given. */
  prompt: readonly (number | bigint)[] | string;
  /** The model's tokenizer: a text's tokens. */
  encode?: (text: string) => readonly (number | bigint)[];
  /** Maximum number of tokens that are made; 256 by default, or less where the model's sequences are shorter. */
  maxTokens?: number;
  /** 0, the default, takes the best token every time. */
  temperature?: number;
  /** The best tokens that together have this probability are chosen from; 1 by default. */
  topP?: number;
  /** So many of the best tokens are chosen from. */
  topK?: number;
  /** The same seed gives the same tokens; 0 by default. */
  seed?: number | bigint;
}

/** What an application gives: numbers for a model of one input, numbers by name, or a prompt. */
export type Given = Numbers | Record<string, Numbers> | Generation;

/** An input that is ready to be submitted. */
export interface Input {
  /** Value of each of the schema's symbols. */
  symbols: number[];
  /** The tensors one after the other. */
  bytes: Uint8Array;
  /** Their list digest, as a receipt has it. */
  digest: string;
}

/** Builds an input by the model's schema. */
export function buildInput(model: Model, given: Given): Input {
  const { schema } = model;
  const isNamed = typeof given === "object" && given !== null && typeof (given as any).length !== "number";
  if (model.kind === "Generation") {
    if (!isNamed || !("prompt" in given)) {
      throw new AssayError("input.prompt", `${model.name} generates: give { prompt, maxTokens, … }`);
    }
    return generation(model, given as Generation);
  }
  let named: Record<string, Numbers>;
  if (isNamed) {
    named = given as Record<string, Numbers>;
  } else if (schema.inputs.length === 1) {
    named = { [schema.inputs[0]!.name]: given as Numbers };
  } else {
    throw new AssayError("input", `${model.name} has several inputs: give an object with ${names(schema.inputs)}`);
  }
  for (const name of Object.keys(named)) {
    if (!schema.inputs.some((input) => input.name === name)) {
      throw new AssayError(`input.${name}`, `${model.name} has no such input; it has ${names(schema.inputs)}`);
    }
  }
  const symbols: (number | undefined)[] = schema.symbols.map(() => undefined);
  const tensors = schema.inputs.map((tensor) => {
    const field = `input.${tensor.name}`;
    const value = named[tensor.name];
    if (value === undefined) throw new AssayError(field, "is missing");
    const { shape, flat } = flatten(field, value);
    bind(model, tensor, shape, flat.length, symbols);
    return encode(field, tensor.dataType, tensor.range, flat);
  });
  return finish(model, symbols.map((value) => value ?? 0), tensors);
}

function names(tensors: readonly TensorSchema[]): string {
  return tensors.map((tensor) => `\`${tensor.name}\``).join(", ");
}

/** The dimensions of a tensor as people read them. */
function written(model: Model, tensor: TensorSchema): string {
  const word = (symbol: number) => model.schema.symbols[symbol]?.name ?? `#${symbol}`;
  const parts = tensor.dimensions.map((dimension) =>
    dimension.type === "Fixed" ? `${dimension.value}` : dimension.type === "Symbol" ? word(dimension.value) : "…",
  );
  return `[${parts.join(", ")}]`;
}

/** Gives symbols their values by the shape. A flat list fits if its length leaves one symbol open at most. */
function bind(
  model: Model,
  tensor: TensorSchema,
  shape: readonly number[],
  count: number,
  symbols: (number | undefined)[],
): void {
  const field = `input.${tensor.name}`;
  const misfit = (why: string) =>
    new AssayError(field, `${why}; it is ${tensor.dataType} ${written(model, tensor)}: nest the lists so`);
  if (shape.length === tensor.dimensions.length) {
    tensor.dimensions.forEach((dimension, axis) => {
      const length = shape[axis]!;
      if (dimension.type === "Symbol") symbols[dimension.value] ??= length;
      const expected = dimension.type === "Symbol" ? symbols[dimension.value] : dimension.value;
      if (expected !== length) throw misfit(`has ${length} elements along dimension ${axis}, not ${expected}`);
    });
    return;
  }
  if (shape.length > 1) throw misfit(`has ${shape.length} dimensions`);
  let product = 1;
  const open: number[] = [];
  for (const dimension of tensor.dimensions) {
    const known = dimension.type === "Symbol" ? symbols[dimension.value] : (dimension.value as number);
    if (known === undefined) open.push(dimension.value as number);
    else product *= known;
  }
  if (open.length > 1) throw misfit("is a flat list, which leaves its shape open");
  if (open.length === 1 && count % product === 0) symbols[open[0]!] = count / product;
  else if (open.length === 1 || product !== count) throw misfit(`has ${count} elements`);
}

function generation(model: Model, given: Generation): Input {
  const { schema } = model;
  const { encode: tokenize, temperature = 0, topP = 1, topK = MAX_CANDIDATES, seed = 0 } = given;
  let prompt = given.prompt;
  if (typeof prompt === "string") {
    if (!tokenize) throw new AssayError("input.encode", "is missing: a text becomes tokens by the model's tokenizer");
    prompt = tokenize(prompt);
  }
  const [promptSymbol, sequenceSymbol] = [0, 6].map((input) => schema.inputs[input]?.dimensions[1]?.value as number);
  const longest = schema.symbols[sequenceSymbol!]!.max;
  const { maxTokens = Math.min(256, longest - 1) } = given;
  if (!Number.isFinite(temperature) || temperature < 0) throw new AssayError("input.temperature", "must be 0 or more");
  if (!(topP > 0 && topP <= 1)) throw new AssayError("input.topP", "must be above 0 and at most 1");
  checkCount("input.topK", topK, MAX_CANDIDATES);
  checkCount("input.maxTokens", maxTokens, longest - 1);
  if (prompt.length < 1 || prompt.length >= longest) {
    throw new AssayError("input.prompt", `has ${prompt.length} tokens; this model takes 1 to ${longest - 1}`);
  }
  const length = Math.min(prompt.length + maxTokens, longest);
  const carried = Math.floor(model.limits.outputBytes / 8);
  if (length > carried) {
    throw new AssayError("input.maxTokens", `lower it: ${length} tokens are more than a claim carries (${carried})`);
  }
  const symbols = schema.symbols.map((_, symbol) =>
    symbol === promptSymbol ? prompt.length : symbol === sequenceSymbol ? length : 1,
  );
  const values = [[...prompt], [temperature], [topP], [topK], [seed], [maxTokens]];
  const tensors = values.map((value, position) => {
    const tensor = schema.inputs[position]!;
    return encode(`input.${tensor.name}`, tensor.dataType, tensor.range, value);
  });
  return finish(model, symbols, tensors);
}

function checkCount(field: string, value: number, max: number): void {
  if (!Number.isInteger(value) || value < 1 || value > max) throw new AssayError(field, `must be 1 to ${max}`);
}

function finish(model: Model, symbols: number[], tensors: Uint8Array[]): Input {
  checkSymbols(model.schema, symbols);
  const bytes = join(tensors);
  const { inputBytes } = model.limits;
  if (bytes.length > inputBytes) {
    throw new AssayError("input", `has ${bytes.length} bytes, and a job carries ${inputBytes}: give fewer rows`);
  }
  return { symbols, bytes, digest: payloadDigest(givenLayouts(model, symbols), bytes) };
}

/** The layouts of the inputs that a client gives: of a generation all but the sequence. */
export function givenLayouts(model: Model, symbols: readonly number[]): Layout[] {
  const inputs = model.kind === "Generation" ? model.schema.inputs.slice(0, -1) : model.schema.inputs;
  return inputs.map((input) => layoutOf(input, symbols));
}

/** Whether the outputs of a job with this input fit into a claim. */
export function checkInlineOutput(model: Model, input: Input): void {
  const outputs = model.kind === "Generation" ? model.schema.outputs.slice(0, 1) : model.schema.outputs;
  const bytes = outputs.reduce((sum, output) => sum + layoutOf(output, input.symbols).bytes, 0);
  const { outputBytes } = model.limits;
  if (bytes > outputBytes) {
    const way = 'give fewer rows, or set delivery to "Digest", which gives no output';
    throw new AssayError("delivery", `the output has ${bytes} bytes, and a claim carries ${outputBytes}: ${way}`);
  }
}

/** Reads delivered outputs, and gives the digest that a claim of them has. */
export function readOutput(model: Model, input: Input, delivered: Uint8Array): { tensors: Tensor[]; digest: string } {
  let { symbols } = input;
  let bytes = delivered;
  if (model.kind === "Generation") {
    // The claim delivers the sequence alone, which may be shorter than its maximum; that it is valid is what it says.
    const symbol = model.schema.inputs.at(-1)!.dimensions[1]!.value as number;
    symbols = symbols.map((value, position) => (position === symbol ? delivered.length / 8 : value));
    bytes = join([delivered, Uint8Array.of(1)]);
    const prompt = input.bytes.subarray(0, layoutOf(model.schema.inputs[0]!, symbols).bytes);
    if (prompt.some((byte, at) => byte !== delivered[at])) {
      throw new AssayError("output", "does not begin with the prompt: challenge the claim");
    }
  }
  const layouts = model.schema.outputs.map((output) => layoutOf(output, symbols));
  const digest = payloadDigest(layouts, bytes);
  let at = 0;
  const tensors = layouts.map((layout, position) =>
    decode(model.schema.outputs[position]!.name, layout, bytes.subarray(at, (at += layout.bytes))),
  );
  return { tensors, digest };
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
