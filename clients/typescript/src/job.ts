/** A job that is followed, from submission to the end of its payment. */

import type { BlockInfo, PolkadotClient } from "polkadot-api";
import { AssayError } from "./error.js";
import { readOutput, type Input } from "./payload.js";
import type { Model } from "./schema.js";
import type { Tensor } from "./tensors.js";

/** What is known of a job. */
export interface Outcome {
  job: bigint;
  /** The last step that was seen. */
  phase: "Submitted" | "Assigned" | "Claimed" | "Disputed" | "Closed";
  worker?: string;
  /** The worker's price, in the smallest units. */
  price?: bigint;
  /** The digest that the worker claimed. */
  outputDigest?: string;
  /** The outputs, if they came with the claim and have the digest claimed. */
  outputs?: Tensor[];
  /** Last moment of Assay time at which the claim can be challenged. */
  windowUntil?: number;
  /** Why the job was closed: `Accepted` and `WindowPassed` are paid, all others refunded. */
  closed?: string;
  /** What the worker was paid. */
  paid?: bigint;
}

/** Finalized blocks, one after the other and kept by the node until they are read. */
export class Blocks {
  private queue: { block: BlockInfo; release: () => void }[] = [];
  private failure: unknown;
  private wake: () => void = () => {};
  private readonly subscription: { unsubscribe(): void };

  constructor(client: PolkadotClient) {
    this.subscription = client.finalizedBlock$.subscribe({
      next: (block) => {
        this.queue.push({ block, release: client.hodlBlock(block.hash) });
        this.wake();
      },
      error: (error) => {
        this.failure = error;
        this.wake();
      },
    });
  }

  /** The next block; `read` has it for as long as its promise is open. */
  async next<T>(patienceMs: number, read: (block: BlockInfo) => Promise<T>): Promise<T> {
    if (this.queue.length === 0 && !this.failure) {
      await new Promise<void>((resolve, reject) => {
        const stalled = () => reject(new AssayError("node", `has finalized no block for ${patienceMs / 1000} s`));
        const timer = setTimeout(stalled, patienceMs);
        this.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    const first = this.queue.shift();
    if (!first) throw this.failure;
    try {
      return await read(first.block);
    } finally {
      first.release();
    }
  }

  /** Ends the subscription. */
  close(): void {
    this.subscription.unsubscribe();
    for (const { release } of this.queue) release();
    this.queue = [];
  }
}

/** Takes an event of the market into what is known. Outputs are held against the digest claimed. */
export function take(outcome: Outcome, event: any, model: Model, input: Input): void {
  if (event?.type !== "Market" || event.value.value?.job !== outcome.job) return;
  const { type, value } = event.value;
  if (type === "JobAssigned") {
    Object.assign(outcome, { phase: "Assigned", worker: value.worker, price: value.price });
  } else if (type === "JobClaimed") {
    outcome.phase = "Claimed";
    outcome.outputDigest = value.output_digest;
    outcome.windowUntil = value.window_until;
    if (value.output === undefined) return;
    const { tensors, digest } = readOutput(model, input, value.output);
    if (digest !== value.output_digest) {
      throw new AssayError("output", `has the digest ${digest}, and the worker claimed ${value.output_digest}`);
    }
    outcome.outputs = tensors;
  } else if (type === "ClaimDisputed") {
    outcome.phase = "Disputed";
  } else if (type === "ClaimUpheld") {
    Object.assign(outcome, { phase: "Claimed", windowUntil: value.window_until });
  } else if (type === "JobClosed") {
    Object.assign(outcome, { phase: "Closed", closed: value.reason.type, paid: value.paid });
  }
}
