// The jobs and sessions of the gateway's account, live.

import { badge, facts, h, money, put, s, short, table } from "./dom.js";

export const title = "Jobs";

const KINDS = { Settled: "good", Refunded: "bad", Disputed: "bad", Convicted: "bad" };

/** A phase with its colour. */
export function phase(name) {
  return badge(KINDS[name] ?? "going", name);
}

export function show(root, { gateway, every, signal, failed }) {
  const jobs = h("div");
  const chosen = h("div", { class: "card", hidden: true, "aria-live": "polite" });
  const sessions = h("div");
  root.append(h("h2", null, "Jobs"), jobs, chosen, h("h2", null, "Sessions"), sessions);
  const open = async (id) => {
    chosen.hidden = false;
    try {
      const [status, result] = await Promise.all([
        gateway.call("assay_status", [id], signal),
        gateway.call("assay_result", [id], signal),
      ]);
      put(chosen, details(status, result));
    } catch (error) {
      failed(chosen, error);
    }
  };
  every(2, jobs, () => gateway.call("assay_jobs", [], signal), (all) => {
    const rows = all.map((job) => [
      h("button", { class: "link", type: "button", id: `job-${job.id}`, onclick: () => open(job.id) }, `Job ${job.id}`),
      phase(job.phase),
      short(job.worker),
      job.paid === null ? h("span", { class: "quiet" }, "nothing yet") : money(job.paid, job.currency),
    ]);
    const empty = "No job of this gateway is open. Try a model that takes jobs.";
    return table("Jobs of the gateway's account", ["Job", "Phase", "Worker", "Paid"], rows, empty);
  });
  every(2, sessions, () => gateway.call("assay_sessions", [], signal), (all) => {
    const rows = all.map((session) => [
      session.id,
      phase(session.phase),
      session.model,
      short(session.worker),
      spent(session),
      money(session.locked, session.currency),
      session.until === null ? "" : `moment ${session.until}`,
    ]);
    const heads = ["Session", "Phase", "Model", "Worker", "Redeemed of its budget", "Stake locked", "Until"];
    return table("Sessions of the gateway's account", heads, rows, "This gateway has no session.");
  });
}

function details(status, result) {
  return [
    h("h3", null, `Job ${status.id}`),
    facts([
      ["Phase", phase(status.phase)],
      ["Computed by", status.worker && h("code", { class: "whole" }, status.worker)],
      ["Paid", status.paid === null ? null : money(status.paid, status.currency)],
    ]),
    result === null
      ? h("p", { class: "quiet" }, "Nothing is claimed yet.")
      : h("pre", { tabindex: "0", "aria-label": "Result" }, JSON.stringify(result, null, 2)),
  ];
}

/** How much of a budget is redeemed, as a bar and in words. */
function spent({ budget, redeemed, currency }) {
  const part = Number(budget) > 0 ? Number(redeemed) / Number(budget) : 0;
  const bar = s(
    "svg",
    { class: "bar", viewBox: "0 0 100 8", preserveAspectRatio: "none", "aria-hidden": "true" },
    s("rect", { class: "whole", width: "100", height: "8" }),
    s("rect", { class: "part", width: Math.min(100, part * 100), height: "8" }),
  );
  return [h("span", { class: "amount" }, `${redeemed} of ${budget} ${currency}`), bar];
}
