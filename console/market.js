// The market: models with their prices, and who offers them.

import { badge, facts, h, money, short, table } from "./dom.js";

export const title = "Market";

const ABILITIES = {
  chat: "Answers conversations",
  complete: "Continues texts",
  embed: "Makes embeddings",
  job: "Takes tensors, as jobs",
};

export function show(root, { gateway, every, signal }) {
  const models = h("div", { class: "cards" });
  const offers = h("div");
  root.append(h("h2", null, "Models"), models, h("h2", null, "Offers"), offers);
  every(5, models, () => both(gateway, signal), ([listed, workers]) => {
    if (listed.length === 0) return h("p", { class: "quiet" }, "No model can be asked for through this gateway now.");
    return listed.map((model) => card(model, workers.filter((offer) => offer.model === model.id)));
  });
  every(5, offers, () => gateway.call("assay_workers", [], signal), (workers) => {
    const rows = workers.map((offer) => [
      short(offer.worker),
      offer.model,
      money(offer.price, offer.currency),
      offer.capacity,
      money(offer.stake, offer.currency),
    ]);
    const heads = ["Worker", "Model", "Smallest price", "Capacity", "Stake"];
    return table("Who offers what", heads, rows, "Nobody offers anything now.");
  });
}

function both(gateway, signal) {
  return Promise.all([gateway.call("assay_models", [], signal), gateway.call("assay_workers", [], signal)]);
}

function card(model, offers) {
  const { assay } = model;
  const capacity = offers.reduce((sum, offer) => sum + offer.capacity, 0);
  const isText = assay.ability !== "job";
  return h(
    "article",
    { class: "card" },
    h("h3", null, model.id),
    h("p", { class: "quiet" }, ABILITIES[assay.ability] ?? assay.ability),
    h(
      "p",
      null,
      assay.workers > 0
        ? badge("good", assay.workers === 1 ? "1 worker" : `${assay.workers} workers`)
        : badge("bad", "no worker now"),
    ),
    facts([
      ["A request", money(assay.price_request, assay.currency)],
      ["Million tokens in", isText ? money(assay.price_million_prompt_tokens, assay.currency) : null],
      ["Million tokens out", isText && assay.ability !== "embed" ? money(assay.price_million_generated_tokens, assay.currency) : null],
      ["Context", isText && model.context_length ? `${model.context_length} tokens` : null],
      ["Requests at a time", capacity || null],
      ["Root", short(assay.root)],
    ]),
    h("p", null, h("a", { href: `#try/${encodeURIComponent(model.id)}`, id: `try-${model.id}` }, `Try ${model.id}`)),
  );
}
