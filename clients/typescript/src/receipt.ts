/** Receipts of sessions: what a worker signs when it has answered, and what can be checked of it. */

import { hexToBytes, bytesToHex } from "@noble/hashes/utils.js";
import { ed25519, sr25519 } from "@polkadot-labs/hdkd-helpers";
import { AssayError } from "./error.js";

const DOMAIN = new TextEncoder().encode("assay/receipt/1\0");
/** Bytes of a receipt: three hashes and the genesis, session, sequence, units, owed and block. */
const RECEIPT_BYTES = 4 * 32 + 8 + 4 + 8 + 16 + 4;

/** A receipt; digests are `0x` and 64 hexadecimal digits, `owed` counts the smallest units. */
export interface Receipt {
  genesis: string;
  session: bigint;
  sequence: number;
  modelRoot: string;
  inputDigest: string;
  outputDigest: string;
  units: bigint;
  owed: bigint;
  block: number;
}

/** A key that signs receipts, as `Sessions::Sessions` has it in `worker_key`. */
export interface SessionKey {
  type: "Ed25519" | "Sr25519";
  /** The public key, as `0x` and 64 hexadecimal digits. */
  value: string;
}

/** What a receipt must say; what is left out is not compared. */
export type Expected = Partial<Pick<Receipt, "genesis" | "session" | "modelRoot" | "inputDigest" | "outputDigest">>;

/** Reads a receipt with its signature, as `Sessions::challenge_receipt` takes it and `assay_receipt` has in `signed`. */
export function readReceipt(signed: string): { receipt: Receipt; kind: SessionKey["type"]; signature: Uint8Array } {
  let bytes: Uint8Array;
  try {
    bytes = hexToBytes(signed.replace(/^0x/, ""));
  } catch {
    throw new AssayError("signed", "is not hexadecimal: give the field `signed` of a receipt");
  }
  if (bytes.length !== RECEIPT_BYTES + 65) {
    throw new AssayError("signed", `has ${bytes.length} bytes; a signed receipt has ${RECEIPT_BYTES + 65}`);
  }
  const kind = (["Ed25519", "Sr25519"] as const)[bytes[RECEIPT_BYTES]!];
  if (!kind) throw new AssayError("signed", "has a signature of an unknown kind");
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const digest = (at: number) => `0x${bytesToHex(bytes.subarray(at, at + 32))}`;
  const receipt = {
    genesis: digest(0),
    session: view.getBigUint64(32, true),
    sequence: view.getUint32(40, true),
    modelRoot: digest(44),
    inputDigest: digest(76),
    outputDigest: digest(108),
    units: view.getBigUint64(140, true),
    owed: view.getBigUint64(148, true) + (view.getBigUint64(156, true) << 64n),
    block: view.getUint32(164, true),
  };
  return { receipt, kind, signature: bytes.subarray(RECEIPT_BYTES + 1) };
}

/** Checks a receipt's signature and what it says; gives it, or throws with the field that does not hold. */
export function verifyReceipt(signed: string, key: SessionKey, expected: Expected): Receipt {
  const { receipt, kind, signature } = readReceipt(signed);
  if (kind !== key.type) throw new AssayError("signature", `is of kind ${kind}, and the worker's key is ${key.type}`);
  const message = new Uint8Array(DOMAIN.length + RECEIPT_BYTES);
  message.set(DOMAIN);
  message.set(hexToBytes(signed.replace(/^0x/, "")).subarray(0, RECEIPT_BYTES), DOMAIN.length);
  const curve = kind === "Ed25519" ? ed25519 : sr25519;
  let holds = false;
  try {
    holds = curve.verify(signature, message, hexToBytes(key.value.replace(/^0x/, "")));
  } catch {
    // A malformed key or signature verifies nothing.
  }
  if (!holds) throw new AssayError("signature", "is not that of the worker's key over this receipt");
  for (const field of Object.keys(expected) as (keyof Expected)[]) {
    const wanted = expected[field];
    if (wanted !== undefined && receipt[field] !== wanted) {
      const way = field === "outputDigest" ? ": the output is another one than the worker signed" : "";
      throw new AssayError(field, `the receipt says ${receipt[field]}, and ${wanted} is expected${way}`);
    }
  }
  return receipt;
}
