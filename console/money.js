// Money: what is left on the key, and where the account's money is held.

import { facts, h, money, s, table } from "./dom.js";

export const title = "Money";

export function show(root, { gateway, every, signal }) {
  const key = h("div");
  const account = h("div");
  root.append(h("h2", null, "Your key"), key, h("h2", null, "The gateway's account"), account);
  every(5, key, () => gateway.call("assay_account", [], signal), (state) =>
    h(
      "div",
      { class: "card" },
      facts([
        ["Key", state.key && h("code", null, state.key)],
        ["Balance", state.balance === null ? "its operator pays" : money(state.balance, state.currency)],
        ["Reserved for what runs", money(state.reserved, state.currency)],
        ["Spent today", state.spent_today && money(state.spent_today, state.currency)],
        ["Budget of a day", state.daily_budget && money(state.daily_budget, state.currency)],
      ]),
    ),
  );
  every(5, account, () => gateway.call("assay_money", [], signal), (found) => {
    const rows = [
      ["Free", "it can be spent now", money(found.free, found.currency)],
      ...found.holds.map((hold) => [hold.reason, `held until ${hold.until}`, money(hold.amount, found.currency)]),
    ];
    return [
      h("p", null, "Account ", h("code", { class: "whole" }, found.account)),
      shares(found),
      table("Where the money is", ["Where", "Until", "Amount"], rows, ""),
    ];
  });
}

/** Shares of what is held, as one bar; the table below it has the numbers. */
function shares({ holds }) {
  const amounts = holds.map((hold) => Number(hold.amount));
  const all = amounts.reduce((sum, amount) => sum + amount, 0);
  if (all === 0) return null;
  let begun = 0;
  const parts = amounts.map((amount, index) => {
    const width = (amount / all) * 100;
    const rect = s("rect", { class: `share share-${index % 4}`, x: begun, width, height: "10" });
    begun += width;
    return rect;
  });
  const names = holds.map((hold, index) =>
    h("li", null, s("svg", { class: "swatch", viewBox: "0 0 10 10", "aria-hidden": "true" }, s("rect", { class: `share share-${index % 4}`, width: "10", height: "10" })), hold.reason),
  );
  return h(
    "figure",
    null,
    h("figcaption", null, "What is held, by its reason"),
    s("svg", { class: "bar", viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" }, parts),
    h("ul", { class: "legend" }, names),
  );
}
