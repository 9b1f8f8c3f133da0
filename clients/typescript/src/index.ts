/** Buys inferences on the Assay chain. */

export { asy, inAsy } from "./amounts.js";
export { Assay, type Following, type Job, type Quote, type Terms } from "./client.js";
export { listDigest, payloadDigest, tensorDigest } from "./digest.js";
export { AssayError } from "./error.js";
export type { Outcome } from "./job.js";
export { signerFrom } from "./keys.js";
export { buildInput, checkInlineOutput, readOutput, type Generation, type Given, type Input } from "./payload.js";
export { readReceipt, verifyReceipt, type Expected, type Receipt, type SessionKey } from "./receipt.js";
export { sumOf, type DataType, type Limits, type Model, type Schema, type TensorSchema, type Term } from "./schema.js";
export { agreeBlocks, priceOf, type AskedBlocks, type BlockLimits, type Blocks, type OfferTerms } from "./terms.js";
export type { Numbers, Tensor } from "./tensors.js";
