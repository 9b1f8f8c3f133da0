/** Refusals of the chain, with the field that they are about and the way out. */

import { decAnyMetadata, unifyMetadata } from "@polkadot-api/substrate-bindings";
import { AssayError } from "./error.js";

/** The field that an error of the market is about; an error that is not here is about the job. */
const FIELDS: Record<string, string> = {
  UnknownModel: "model",
  ModelDeprecated: "model",
  WrongNumberOfSymbols: "symbols",
  SymbolOutOfRange: "symbols",
  InputSizeMismatch: "input",
  OutputTooLargeForInline: "delivery",
  CeilingIsZero: "ceiling",
  CeilingBelowEveryPrice: "ceiling",
  DeadlineOutOfRange: "deadlineBlocks",
  WindowOutOfRange: "windowBlocks",
  InsufficientFunds: "signer",
};

/** Reasons of `AssayApi::quote`, each with its field and the way out. */
const NO_OFFERS: Record<string, [string, string]> = {
  CeilingTooLow: ["ceiling", "every offer costs more: raise it to the quote"],
  AllBusy: ["model", "all workers that offer it are busy: try again in a later block"],
  DeadlineTooShort: ["deadlineBlocks", "every offer asks for a longer deadline: raise it"],
  WindowTooShort: ["windowBlocks", "every offer asks for a longer challenge window: raise it"],
  WindowTooLong: ["windowBlocks", "every offer asks for a shorter challenge window: lower it"],
  TooNew: ["model", "its offers take effect in a few blocks: try again then"],
};

/** The reason for which no standing offer takes a job. */
export function noOffer(model: string, reason: { type: string }): AssayError {
  const [field, way] = NO_OFFERS[reason.type] ?? ["model", `nobody offers ${model} now (${reason.type}): see its workers`];
  return new AssayError(field, way);
}

/** The error of a transaction that is in a block and failed; its words are from the chain's metadata. */
export function refused(metadata: Uint8Array, dispatchError: any): AssayError {
  if (dispatchError?.type !== "Module") {
    return new AssayError("transaction", `failed: ${JSON.stringify(dispatchError)}`);
  }
  const { type: pallet, value } = dispatchError.value;
  const name: string = value.type;
  const { pallets, lookup } = unifyMetadata(decAnyMetadata(metadata));
  const errors = pallets.find((found) => found.name === pallet)?.errors;
  const id = typeof errors === "number" ? errors : errors?.type;
  const definition = id === undefined ? undefined : lookup[id]?.def;
  const variants = definition?.tag === "variant" ? definition.value : [];
  const docs = variants.find((variant) => variant.name === name)?.docs.join(" ").trim();
  return new AssayError(FIELDS[name] ?? "job", `${pallet}.${name}: ${docs || "the chain says no more"}`);
}

/** The error of a transaction that no block takes. */
export function invalid(error: any): unknown {
  const reason = error?.error?.value?.type ?? error?.error?.type;
  if (error?.name !== "InvalidTxError" && reason === undefined) return error;
  if (reason === "Payment") return new AssayError("signer", "cannot pay the fee: send it money");
  return new AssayError("transaction", `no block takes it (${reason ?? error.message}): sign it anew`);
}
