/** The client: models, quotes, jobs and receipts over a node's WebSocket. */

import { Binary, createClient, type PolkadotClient, type PolkadotSigner } from "polkadot-api";
import { getWsProvider } from "polkadot-api/ws";
import { WebSocket } from "ws";
import { AssayError } from "./error.js";
import { Blocks, take, type Outcome } from "./job.js";
import { buildInput, checkInlineOutput, type Given, type Input } from "./payload.js";
import { verifyReceipt, type Expected, type Receipt } from "./receipt.js";
import { invalid, noOffer, refused } from "./refusals.js";
import { readModel, sumOf, type Model } from "./schema.js";
import { agreeBlocks, type Blocks as JobBlocks } from "./terms.js";

/** Longest wait for a finalized block, in milliseconds. */
const PATIENCE_MS = 120_000;

/** Terms of a job; what is left out has a default. */
export interface Terms {
  /** The most to pay, in the smallest units; the quote by default. */
  ceiling?: bigint;
  /** Blocks that the worker has for its claim; 50 by default, or more if the cheapest offer asks for more. */
  deadlineBlocks?: number;
  /** Blocks in which the claim can be challenged; by default the minimum of the chain and of the cheapest offer. */
  windowBlocks?: number;
  /** `Inline`, the default, brings the output; with `Digest` you pay the full price and get no output. */
  delivery?: "Inline" | "Digest";
}

/** How far a job is followed. */
export interface Following {
  /** Accept an output that has the digest claimed: the worker is paid at once, and the job can be challenged no more. */
  accept?: boolean;
  /** `claimed` returns with the output; `closed`, the default, waits until the job is paid or refunded. */
  until?: "claimed" | "closed";
}

/** The price of a job now. */
export interface Quote {
  worker: string;
  price: bigint;
}

/** A submitted job. */
export interface Job {
  /** Its number. */
  id: bigint;
  /** Follows it; either this or `leave` is called, once. */
  follow(following?: Following): Promise<Outcome>;
  /** Follows it no more: until then, the node keeps the blocks since the submission for this client. */
  leave(): void;
}

/** A connection to a node. */
export class Assay {
  private constructor(
    private readonly client: PolkadotClient,
    // The node's metadata says how values are encoded; names are those of the runtime, whose order may change.
    private readonly api: any,
    /** Hash of the chain's first block. */
    readonly genesis: string,
  ) {}

  /** Connects to a node, such as `ws://127.0.0.1:9944`. */
  static async connect(url: string, timeoutMs = 60_000): Promise<Assay> {
    if (!/^wss?:\/\//.test(url)) throw new AssayError("url", `\`${url}\` must begin with ws:// or wss://`);
    const client = createClient(getWsProvider(url, { websocketClass: WebSocket as any }));
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const error = new AssayError("url", `${url} did not answer for ${timeoutMs / 1000} s: is the node running there?`);
      timer = setTimeout(() => reject(error), timeoutMs);
    });
    try {
      const { genesisHash } = await Promise.race([client.getChainSpecData(), late]);
      return new Assay(client, client.getUnsafeApi(), genesisHash);
    } catch (error) {
      client.destroy();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends the connection. */
  close(): void {
    this.client.destroy();
  }

  /** Finds a model by its name, such as `digits` or `digits@1`; without a version, the latest. */
  async model(name: string): Promise<Model> {
    const [line, number] = name.split("@") as [string, string?];
    const id = await this.api.query.Models.ModelByName.getValue(Binary.fromText(line));
    const record = id === undefined ? undefined : await this.api.query.Models.Models.getValue(id);
    const version = { model: id, version: number === undefined ? record?.latest_version : Number(number) };
    const found = record && (await this.api.query.Models.Versions.getValue(version));
    if (!found) throw new AssayError("model", `there is no \`${name}\` on this chain: \`assay-worker models list\` shows all`);
    if (found.status.type !== "Active") throw new AssayError("model", `${name} takes no new jobs: use a later version`);
    const { MaxInlineInputBytes, MaxInlineOutputBytes } = this.api.constants.Market;
    const [inputBytes, outputBytes] = await Promise.all([MaxInlineInputBytes(), MaxInlineOutputBytes()]);
    return readModel(line, version, found, { inputBytes, outputBytes });
  }

  /** The price of a job by standing offers now. */
  async quote(model: Model, input: Input, terms: Terms = {}): Promise<Quote> {
    const { deadlineBlocks, windowBlocks } = await this.blocks(model, input, terms);
    const answer = await this.api.apis.AssayApi.quote(model.version, input.symbols, deadlineBlocks, windowBlocks);
    if (!answer.success) throw noOffer(model.name, answer.value);
    return { worker: answer.value.worker, price: answer.value.price };
  }

  /** Submits a job, and gives it once it is in a finalized block. */
  async submit(model: Model, input: Input, signer: PolkadotSigner, terms: Terms = {}): Promise<Job> {
    const { deadlineBlocks, windowBlocks } = await this.blocks(model, input, terms);
    const delivery = terms.delivery ?? "Inline";
    if (delivery === "Inline") checkInlineOutput(model, input);
    if (model.kind === "Generation" && delivery === "Digest") {
      throw new AssayError("delivery", "a generation is delivered inline, since nobody could check it otherwise");
    }
    const { price } = await this.quote(model, input, terms);
    const ceiling = terms.ceiling ?? price;
    if (ceiling < price) throw new AssayError("ceiling", `is ${ceiling}, and the cheapest offer is ${price}: raise it`);
    const request = {
      model: model.version,
      input: { type: "Inline", value: { symbols: input.symbols, bytes: input.bytes } },
      ceiling,
      matching: { type: "Offers", value: undefined },
      deadline_blocks: deadlineBlocks,
      window_blocks: windowBlocks,
      delivery: { type: delivery, value: undefined },
    };
    // From before the submission on, so that no block is missed.
    const blocks = new Blocks(this.client);
    try {
      const included = await this.send(this.api.tx.Market.submit({ request }), signer);
      const submitted = included.events.find((event: any) => event.value?.type === "JobSubmitted");
      const outcome: Outcome = { job: submitted.value.value.job, phase: "Submitted" };
      for (const event of included.events) take(outcome, event, model, input);
      const follow = (following: Following = {}) =>
        this.follow(blocks, included.block.number, outcome, model, input, signer, following);
      return { id: outcome.job, follow, leave: () => blocks.close() };
    } catch (error) {
      blocks.close();
      throw error;
    }
  }

  /** Buys an inference: builds the input, submits, and follows to the end. */
  async buy(model: Model, given: Given, signer: PolkadotSigner, options: Terms & Following = {}): Promise<Outcome> {
    const job = await this.submit(model, buildInput(model, given), signer, options);
    return job.follow(options);
  }

  /** Checks a receipt of a session that is open, by the worker's key on this chain. */
  async verifyReceipt(session: bigint, signed: string, expected: Omit<Expected, "genesis" | "session">): Promise<Receipt> {
    const record = await this.api.apis.AssayApi.session(session);
    if (!record) {
      const way = "it is over; verify the receipt by the worker's key that you kept";
      throw new AssayError("session", `${session} is not open on this chain: ${way}`);
    }
    return verifyReceipt(signed, record.worker_key, { ...expected, genesis: this.genesis, session });
  }

  private async blocks(model: Model, input: Input, terms: Terms): Promise<JobBlocks> {
    const constants = this.api.constants.Market;
    const [minDeadline, maxDeadline, minWindow, maxWindow, offers] = await Promise.all([
      constants.MinDeadline(),
      constants.MaxDeadline(),
      constants.MinWindow(),
      constants.MaxWindow(),
      this.api.apis.AssayApi.offers(model.version),
    ]);
    const limits = { minDeadline, maxDeadline, minWindow, maxWindow };
    return agreeBlocks(terms, limits, offers.map((offer: any) => offer.terms), sumOf(model.work, input.symbols));
  }

  private async send(transaction: any, signer: PolkadotSigner): Promise<any> {
    const included = await transaction.signAndSubmit(signer).catch((error: unknown) => {
      throw invalid(error);
    });
    if (!included.ok) throw refused(await this.client.getMetadata(included.block.hash), included.dispatchError);
    return included;
  }

  private async follow(
    blocks: Blocks,
    included: number,
    outcome: Outcome,
    model: Model,
    input: Input,
    signer: PolkadotSigner,
    { accept = false, until = "closed" }: Following,
  ): Promise<Outcome> {
    try {
      let last = included - 1;
      while (outcome.phase !== "Closed" && !(until === "claimed" && outcome.outputDigest !== undefined)) {
        await blocks.next(PATIENCE_MS, async ({ hash, number }) => {
          if (number < included) return;
          if (number > last + 1) {
            const way = "a node with --state-pruning archive still has their events";
            throw new AssayError("node", `the connection missed the blocks ${last + 1} to ${number - 1}: ${way}`);
          }
          last = number;
          const records = await this.api.query.System.Events.getValue({ at: hash });
          const claimed = outcome.outputs !== undefined;
          for (const record of records) take(outcome, record.event, model, input);
          if (accept && !claimed && outcome.outputs && outcome.phase === "Claimed") {
            await this.send(this.api.tx.Market.accept({ job: outcome.job }), signer);
          }
        });
      }
      return outcome;
    } finally {
      blocks.close();
    }
  }
}
