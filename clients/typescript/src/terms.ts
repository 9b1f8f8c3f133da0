/** Deadline and window of a job: as they are asked for, or as the offers take them. */

import { AssayError } from "./error.js";

/** Blocks that a worker has, where neither the caller says nor an offer asks for more. */
const DEADLINE_BLOCKS = 50;
/** Units of work for which an offer names its rate. */
const WORK_PER_RATE = 1_000_000_000n;

/** Terms of an offer, as `AssayApi::offers` gives them. */
export interface OfferTerms {
  base: bigint;
  rate: bigint;
  min_deadline: number;
  min_window: number;
  max_window: number;
}

/** Blocks that a chain takes, both ends included. */
export interface BlockLimits {
  minDeadline: number;
  maxDeadline: number;
  minWindow: number;
  maxWindow: number;
}

/** Blocks that are asked for. */
export interface AskedBlocks {
  deadlineBlocks?: number | undefined;
  windowBlocks?: number | undefined;
}

/** Blocks of a job. */
export interface Blocks {
  deadlineBlocks: number;
  windowBlocks: number;
}

/** Price of this work by an offer. */
export function priceOf({ base, rate }: OfferTerms, work: bigint): bigint {
  return base + (rate * work + WORK_PER_RATE - 1n) / WORK_PER_RATE;
}

/** The blocks that are asked for. Where none are, those that the cheapest offer for this work takes. */
export function agreeBlocks(asked: AskedBlocks, limits: BlockLimits, offers: readonly OfferTerms[], work: bigint): Blocks {
  const { minDeadline, maxDeadline, minWindow, maxWindow } = limits;
  const { deadlineBlocks: deadline, windowBlocks: window } = asked;
  if (deadline !== undefined) within("deadlineBlocks", deadline, minDeadline, maxDeadline);
  if (window !== undefined) within("windowBlocks", window, minWindow, maxWindow);
  let cheapest: OfferTerms | undefined;
  for (const offer of offers) {
    if (deadline !== undefined && offer.min_deadline > deadline) continue;
    if (window !== undefined && (offer.min_window > window || offer.max_window < window)) continue;
    if (!cheapest || priceOf(offer, work) < priceOf(cheapest, work)) cheapest = offer;
  }
  const clamp = (value: number, min: number, max: number) => Math.min(Math.max(value, min), max);
  return {
    deadlineBlocks: deadline ?? clamp(Math.max(DEADLINE_BLOCKS, cheapest?.min_deadline ?? 0), minDeadline, maxDeadline),
    windowBlocks: window ?? clamp(cheapest?.min_window ?? 0, minWindow, maxWindow),
  };
}

function within(field: string, value: number, min: number, max: number): void {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new AssayError(field, `is ${value}; this chain takes ${min} to ${max} blocks`);
  }
}
