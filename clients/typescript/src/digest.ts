/** Digests of tensors and lists of tensors, as `primitives/exact/src/digest.rs` draws them. */

import { blake2b } from "@noble/hashes/blake2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { AssayError } from "./error.js";
import type { DataType, Layout } from "./schema.js";

const CHUNK_BYTES = 1024;
const DATA_TYPES: DataType[] = ["Float32", "Int64", "Int32", "Int8", "Uint8", "Bool"];

/** A domain: 16 bytes, padded with zero bytes. */
function domain(text: string): Uint8Array {
  const bytes = new Uint8Array(16);
  bytes.set(new TextEncoder().encode(text));
  return bytes;
}

const LEAF = domain("assay/leaf/1");
const NODE = domain("assay/node/1");
const TENSOR = domain("assay/tensor/1");
const LIST_NODE = domain("assay/listnode/1");
const LIST = domain("assay/list/1");

function hash(...parts: Uint8Array[]): Uint8Array {
  const hasher = blake2b.create({ dkLen: 32 });
  for (const part of parts) hasher.update(part);
  return hasher.digest();
}

function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

/** The root of a tree: neighbours are paired from the left, and a node without a partner rises unchanged. */
function root(inner: Uint8Array, leaves: Uint8Array[]): Uint8Array {
  let level = leaves;
  while (level.length > 1) {
    const next: Uint8Array[] = [];
    for (let i = 0; i < level.length; i += 2) {
      const [left, right] = [level[i]!, level[i + 1]];
      next.push(right ? hash(inner, left, right) : left);
    }
    level = next;
  }
  return level[0] ?? new Uint8Array(32);
}

/** The digest of a tensor with these bytes. */
export function tensorDigest(dataType: DataType, shape: readonly number[], bytes: Uint8Array): Uint8Array {
  const leaves: Uint8Array[] = [];
  for (let at = 0; at < Math.max(bytes.length, 1); at += CHUNK_BYTES) {
    leaves.push(hash(LEAF, bytes.subarray(at, at + CHUNK_BYTES)));
  }
  const tag = Uint8Array.of(DATA_TYPES.indexOf(dataType));
  return hash(TENSOR, tag, u32(shape.length), ...shape.map(u32), root(NODE, leaves));
}

/** The digest of a list of tensors, from their digests. */
export function listDigest(digests: Uint8Array[]): Uint8Array {
  return hash(LIST, u32(digests.length), root(LIST_NODE, digests));
}

/** The digest of a job's input or output as `0x` and 64 hexadecimal digits; `bytes` holds the tensors in order. */
export function payloadDigest(layouts: readonly Layout[], bytes: Uint8Array): string {
  const expected = layouts.reduce((sum, layout) => sum + layout.bytes, 0);
  if (bytes.length !== expected) throw new AssayError("bytes", `are ${bytes.length}; the tensors have ${expected}`);
  let at = 0;
  const digests = layouts.map((layout) => {
    const tensor = bytes.subarray(at, (at += layout.bytes));
    return tensorDigest(layout.dataType, layout.shape, tensor);
  });
  return `0x${bytesToHex(listDigest(digests))}`;
}
