/** Keys that sign: development accounts and secret phrases. Wallets in a browser bring a signer of their own. */

import { sr25519CreateDerive } from "@polkadot-labs/hdkd";
import { DEV_PHRASE, mnemonicToMiniSecret, parseSuri, validateMnemonic } from "@polkadot-labs/hdkd-helpers";
import type { PolkadotSigner } from "polkadot-api";
import { getPolkadotSigner } from "polkadot-api/signer";
import { AssayError } from "./error.js";

/** The signer of a secret such as `//Bob`, whose secret everybody knows, or `twelve words … //path`. */
export function signerFrom(secret: string): PolkadotSigner {
  const { phrase = "", paths = "", password } = parseSuri(secret.startsWith("/") ? DEV_PHRASE + secret : secret);
  if (!validateMnemonic(phrase)) {
    throw new AssayError("secret", "is no phrase of 12 to 24 English words; development accounts are //Alice, //Bob, …");
  }
  const pair = sr25519CreateDerive(mnemonicToMiniSecret(phrase, password))(paths);
  return getPolkadotSigner(pair.publicKey, "Sr25519", pair.sign);
}
