/** What needs no node: digests by the conformance vectors, inputs that do not fit, receipts that were tampered with. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import { sr25519CreateDerive } from "@polkadot-labs/hdkd";
import { DEV_MINI_SECRET } from "@polkadot-labs/hdkd-helpers";
import {
  agreeBlocks,
  AssayError,
  asy,
  buildInput,
  checkInlineOutput,
  inAsy,
  listDigest,
  priceOf,
  readOutput,
  signerFrom,
  sumOf,
  tensorDigest,
  verifyReceipt,
  type Model,
} from "assay-client";

const digits: Model = {
  name: "digits",
  version: { model: 0, version: 1 },
  root: `0x${"00".repeat(32)}`,
  kind: "Plain",
  schema: {
    symbols: [{ name: "batch", min: 1, max: 4096 }],
    inputs: [
      {
        name: "image",
        dataType: "Float32",
        dimensions: [
          { type: "Symbol", value: 0 },
          { type: "Fixed", value: 8 },
          { type: "Fixed", value: 8 },
        ],
        range: undefined,
      },
    ],
    outputs: [
      { name: "scores", dataType: "Float32", dimensions: [{ type: "Symbol", value: 0 }], range: undefined },
    ],
  },
  work: [{ coefficient: 1_000_000_000n, powers: [1] }],
  limits: { inputBytes: 65_536, outputBytes: 16_384 },
};

const names = (field: string) => (error: unknown) => error instanceof AssayError && error.field === field;

test("a flat list, nested lists and typed arrays give the same input", () => {
  const flat = Array.from({ length: 128 }, (_, i) => i);
  const nested = [0, 1].map((b) => [0, 1, 2, 3, 4, 5, 6, 7].map((y) => flat.slice(b * 64 + y * 8, b * 64 + y * 8 + 8)));
  const inputs = [flat, nested, Float32Array.from(flat)].map((given) => buildInput(digits, given));
  for (const input of inputs) assert.deepEqual(input, inputs[0]);
  assert.deepEqual(inputs[0]!.symbols, [2]);
});

test("an input that does not fit names its field", () => {
  assert.throws(() => buildInput(digits, [1, 2, 3]), names("input.image"));
  assert.throws(() => buildInput(digits, []), names("symbols.batch"));
  assert.throws(() => buildInput(digits, [[[1]], [[1, 2]]]), names("input.image"));
  assert.throws(() => buildInput(digits, { picture: [1] }), names("input.picture"));
  assert.throws(() => buildInput(digits, "six" as any), names("input.image"));
  assert.throws(() => buildInput(digits, new Float32Array(64 * 300)), names("input"));
});

test("the blocks of a job are those that are asked for, or those that the cheapest offer takes", () => {
  const limits = { minDeadline: 5, maxDeadline: 1000, minWindow: 10, maxWindow: 500 };
  const offer = (base: bigint, min_deadline: number, min_window: number) => ({ base, rate: 2n, min_deadline, min_window, max_window: 400 });
  const work = sumOf(digits.work, [3]);
  assert.equal(work, 3_000_000_000n);
  assert.equal(priceOf(offer(4n, 1, 1), work), 10n);
  assert.equal(priceOf(offer(4n, 1, 1), 1n), 5n);
  const offers = [offer(9n, 10, 10), offer(4n, 300, 60), offer(7n, 90, 20)];
  assert.deepEqual(agreeBlocks({}, limits, offers, work), { deadlineBlocks: 300, windowBlocks: 60 });
  assert.deepEqual(agreeBlocks({ deadlineBlocks: 100 }, limits, offers, work), { deadlineBlocks: 100, windowBlocks: 20 });
  assert.deepEqual(agreeBlocks({ windowBlocks: 450 }, limits, offers, work), { deadlineBlocks: 50, windowBlocks: 450 });
  assert.deepEqual(agreeBlocks({}, limits, [], work), { deadlineBlocks: 50, windowBlocks: 10 });
  assert.deepEqual(agreeBlocks({}, { ...limits, maxDeadline: 40 }, [], work), { deadlineBlocks: 40, windowBlocks: 10 });
  assert.throws(() => agreeBlocks({ deadlineBlocks: 4 }, limits, offers, work), names("deadlineBlocks"));
  assert.throws(() => agreeBlocks({ windowBlocks: 501 }, limits, offers, work), names("windowBlocks"));
});

test("the chain's limits hold for inputs and outputs", () => {
  const narrow = { ...digits, limits: { inputBytes: 512, outputBytes: 4 } };
  const input = buildInput(narrow, new Float32Array(128));
  assert.throws(() => buildInput(narrow, new Float32Array(192)), names("input"));
  assert.throws(() => checkInlineOutput(narrow, input), names("delivery"));
  checkInlineOutput(digits, input);
});

test("an output is read, and changes its digest with every byte", () => {
  const input = buildInput(digits, new Float32Array(64));
  const { tensors, digest } = readOutput(digits, input, new Uint8Array([0, 0, 128, 63]));
  assert.deepEqual(tensors[0]!.values, [1]);
  assert.notEqual(readOutput(digits, input, new Uint8Array([1, 0, 128, 63])).digest, digest);
  assert.throws(() => readOutput(digits, input, new Uint8Array(5)), names("bytes"));
});

test("development accounts have the keys that everybody knows", () => {
  const bob = "8eaf04151687736326c9fea17e25fc5287613693c912909cb226aa4794f26a48";
  assert.equal(bytesToHex(signerFrom("//Bob").publicKey), bob);
  assert.throws(() => signerFrom("Bob"), names("secret"));
});

test("amounts are exact", () => {
  assert.equal(asy("0.4"), 400_000_000_000n);
  assert.equal(inAsy(asy("12.000000000001")), "12.000000000001");
  assert.equal(inAsy(0n), "0");
  assert.throws(() => asy("1e3"), names("amount"));
});

test("a receipt is verified, and not with another key, signature or content", () => {
  const pair = sr25519CreateDerive(DEV_MINI_SECRET)("//Charlie");
  const receipt = Uint8Array.from({ length: 168 }, (_, i) => i);
  const message = new Uint8Array([...new TextEncoder().encode("assay/receipt/1\0"), ...receipt]);
  const signed = `0x${bytesToHex(receipt)}01${bytesToHex(pair.sign(message))}`;
  const key = { type: "Sr25519" as const, value: `0x${bytesToHex(pair.publicKey)}` };
  const digest = `0x${bytesToHex(receipt.subarray(108, 140))}`;
  assert.equal(verifyReceipt(signed, key, { outputDigest: digest }).sequence, 0x2b2a2928);
  assert.throws(() => verifyReceipt(signed, key, { outputDigest: `0x${"11".repeat(32)}` }), names("outputDigest"));
  const other = { ...key, value: `0x${bytesToHex(sr25519CreateDerive(DEV_MINI_SECRET)("//Eve").publicKey)}` };
  assert.throws(() => verifyReceipt(signed, other, {}), names("signature"));
  assert.throws(() => verifyReceipt(signed, { ...key, type: "Ed25519" }, {}), names("signature"));
  const owedMore = hexToBytes(signed.slice(2));
  owedMore[148]! ^= 1;
  assert.throws(() => verifyReceipt(`0x${bytesToHex(owedMore)}`, key, {}), names("signature"));
  assert.throws(() => verifyReceipt(signed.slice(0, -2), key, {}), names("signed"));
});

test("digests are those of the conformance vectors", () => {
  const url = new URL("../../../../tests/conformance/vectors/digests.json", import.meta.url);
  const { cases } = JSON.parse(readFileSync(url, "utf8"));
  const lists = cases.filter(({ kind }: any) => kind === "list_digest");
  const tensors = cases.filter(({ kind }: any) => kind === "tensor_digest");
  assert.ok(lists.length > 0 && tensors.length > 0);
  for (const { name, digests, digest } of lists) {
    assert.equal(bytesToHex(listDigest(digests.map(hexToBytes))), digest, name);
  }
  for (const { name, tensor, digest } of tensors) {
    assert.equal(bytesToHex(tensorDigest(tensor.type, tensor.shape, hexToBytes(tensor.data))), digest, name);
  }
});
