// Disputes: each game as a picture that narrows from the graph down to one element.

import { badge, facts, h, money, short } from "./dom.js";
import { inWords, picture } from "./narrowing.js";

export const title = "Disputes";

const VERDICTS = {
  open: ["going", "goes on"],
  upheld: ["good", "claim upheld"],
  convicted: ["bad", "worker convicted"],
};

export function show(root, { gateway, every, signal }, wanted) {
  const list = h("div", { class: "disputes" });
  root.append(
    h(
      "p",
      null,
      "A dispute narrows the disagreement about a claim down to one element, which the chain computes itself. ",
      "The worker reveals, the challenger points.",
    ),
    list,
  );
  every(2, list, () => gateway.call("assay_disputes", [], signal), (all) => {
    if (all.length === 0) return h("p", { class: "quiet" }, "No claim is disputed now.");
    const chosen = all.find((dispute) => dispute.id === wanted) ?? all[0];
    return [chooser(all, chosen), whole(chosen, signal)];
  });
}

function chooser(all, chosen) {
  const items = all.map((dispute) => {
    const [kind, words] = VERDICTS[dispute.verdict];
    const current = dispute.id === chosen.id ? "true" : undefined;
    const link = h(
      "a",
      { href: `#disputes/${encodeURIComponent(dispute.id)}`, id: `dispute-${dispute.id}`, "aria-current": current },
      `Dispute ${dispute.id}`,
    );
    return h("li", null, link, " ", badge(kind, words), h("br"), h("span", { class: "quiet" }, dispute.claim));
  });
  return h("nav", { "aria-label": "Disputes" }, h("ul", { class: "plain" }, items));
}

function whole(dispute, signal) {
  const [kind, words] = VERDICTS[dispute.verdict];
  return h(
    "section",
    { class: "card", "aria-label": `Dispute ${dispute.id}` },
    h("h2", null, `Dispute ${dispute.id} over ${dispute.claim} `, badge(kind, words)),
    facts([
      ["Model", dispute.model],
      ["Worker", short(dispute.worker)],
      ["Client", short(dispute.client)],
      ["Stake locked", money(dispute.locked, dispute.currency)],
      ["Waits", dispute.waits ? "the worker has older disputes to answer first" : null],
      ["Late", dispute.late_until === null ? null : `the worker may answer until moment ${dispute.late_until}`],
    ]),
    dispute.games.map((game, index) => played(dispute, game, index, signal)),
  );
}

function played(dispute, game, index, signal) {
  const name = dispute.games.length > 1 ? `Game ${index + 1}` : "The game";
  const clocks = `worker ${game.worker_left} blocks, challenger ${game.challenger_left} blocks`;
  return h(
    "section",
    { "aria-label": name },
    h("h3", null, name),
    facts([
      ["Challenger", short(game.challenger)],
      ["Bond", money(game.bond, dispute.currency)],
      ["Turn", game.turn === "nobody" ? "the game is over" : `the ${game.turn}'s`],
      ["Time left", clocks],
    ]),
    picture(game.narrowing, signal),
    h("details", null, h("summary", null, "The picture in words"), h("ol", null, inWords(game.narrowing).map((text) => h("li", null, text)))),
  );
}
