// Receipts: who computed an answer, and what a check of its receipt finds.

import { badge, h, put, short } from "./dom.js";

export const title = "Receipts";

/** A link to a receipt. */
export function receiptLink(name) {
  if (!name) return h("span", { class: "quiet" }, "none");
  return h("a", { href: `#receipts/${encodeURIComponent(name)}`, title: name }, short(name, 10));
}

export function show(root, { gateway, signal, failed }, wanted) {
  const input = h("input", { id: "receipt", required: true, spellcheck: "false", autocomplete: "off", value: wanted });
  const found = h("div", { "aria-live": "polite" });
  const look = async (name) => {
    try {
      const receipt = await gateway.call("assay_receipt", [name], signal);
      const checks = h("div", null, h("p", { class: "quiet" }, "Checking …"));
      put(found, h("h2", null, "Who computed it"), about(receipt), h("h2", null, "Checks"), checks);
      try {
        put(checks, verdict(await gateway.call("assay_verify", [receipt], signal)));
      } catch (error) {
        failed(checks, error);
      }
    } catch (error) {
      failed(found, error);
    }
  };
  const enter = (event) => {
    event.preventDefault();
    const name = input.value.trim();
    if (name === wanted) look(name);
    else location.hash = `#receipts/${encodeURIComponent(name)}`;
  };
  root.append(
    h(
      "p",
      null,
      "Every answer has a receipt, which its worker stands for with its stake. ",
      "A check by this gateway is worth as much as your trust in it: ",
      h("code", null, "assay-worker"),
      " checks without one.",
    ),
    h(
      "form",
      { onsubmit: enter },
      h("div", { class: "field" }, h("label", { for: "receipt" }, "Name of the receipt"), input),
      h("p", { class: "buttons" }, h("button", null, "Look it up")),
    ),
    found,
  );
  if (wanted) look(wanted);
}

function about(receipt) {
  const worker = receipt.worker && h("p", null, "Worker ", h("code", { class: "whole" }, String(receipt.worker)));
  return h("div", { class: "card" }, worker, h("pre", { tabindex: "0", "aria-label": "The receipt" }, JSON.stringify(receipt, null, 2)));
}

function verdict({ valid, checks }) {
  const items = checks.map((check) =>
    h("li", null, badge(check.holds ? "good" : "bad", check.holds ? "holds" : "fails"), ` ${check.name}: ${check.detail}`),
  );
  return [
    h("p", null, valid ? badge("good", "valid") : badge("bad", "not valid")),
    h("ul", { class: "plain checks" }, items),
  ];
}
