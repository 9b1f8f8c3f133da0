/** Amounts of money: ASY in text, and the chain's smallest units, of which 10^12 are one ASY. */

import { AssayError } from "./error.js";

const DECIMALS = 12;

/** The units of an amount such as `"0.5"`. */
export function asy(text: string): bigint {
  const found = /^(\d+)(?:\.(\d{1,12}))?$/.exec(text);
  if (!found) throw new AssayError("amount", `\`${text}\` is no amount of ASY such as 2 or 0.25`);
  return BigInt(found[1] + (found[2] ?? "").padEnd(DECIMALS, "0"));
}

/** Units as ASY. */
export function inAsy(units: bigint): string {
  const digits = units.toString().padStart(DECIMALS + 1, "0");
  const fraction = digits.slice(-DECIMALS).replace(/0+$/, "");
  return digits.slice(0, -DECIMALS) + (fraction && `.${fraction}`);
}
