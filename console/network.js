// The gateway, its node, and the workers' network.

import { badge, facts, h, short, table } from "./dom.js";

export const title = "Network";

export function show(root, { gateway, every, signal }) {
  const door = h("div", { class: "card" });
  const node = h("div");
  root.append(h("h2", null, "The gateway"), door, h("h2", null, "The node"), node);
  every(3, door, () => Promise.all([gateway.get("/ready", signal), gateway.get("/health", signal)]), ([ready, health]) =>
    facts([
      ["State", ready.ready ? badge("good", "answers requests") : badge("bad", "cannot answer now")],
      ["Detail", ready.detail],
      ["Requests running", health.requests],
      ["Requests being settled", health.settling],
    ]),
  );
  every(3, node, () => gateway.call("assay_network", [], signal), (found) => {
    const lag = found.best - found.finalized;
    const rows = found.peers.map((peer) => [short(peer.worker), short(peer.peer), peer.addresses]);
    const empty = "No worker says on chain where it is reached.";
    return [
      h(
        "div",
        { class: "card" },
        facts([
          ["Address", h("code", null, found.node)],
          ["Best block", found.best],
          ["Final block", `${found.finalized}, ${lag === 1 ? "1 block" : `${lag} blocks`} behind the best`],
          ["Assay time", found.moment],
          ["Genesis", short(found.genesis)],
        ]),
      ),
      h("h2", null, "The workers' network"),
      table("Workers that can be reached", ["Worker", "Peer", "Addresses"], rows, empty),
    ];
  });
}
