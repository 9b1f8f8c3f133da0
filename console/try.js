// Trying a model: a conversation that comes as it is made, a drawn digit, an embedding, or a job by its input.

import { facts, h, money, put, short, trouble } from "./dom.js";
import { pad } from "./drawing.js";
import { receiptLink } from "./receipts.js";

export const title = "Try";

export async function show(root, context, wanted) {
  const { gateway, signal, failed } = context;
  const place = h("div");
  const chooser = h("select", { id: "model" });
  root.append(h("div", { class: "field" }, h("label", { for: "model" }, "Model"), chooser), place);
  let models;
  try {
    models = await gateway.call("assay_models", [], signal);
  } catch (error) {
    failed(root, error);
    return;
  }
  put(chooser, models.map((model) => h("option", { value: model.id }, model.id)));
  if (models.some((model) => model.id === wanted)) chooser.value = wanted;
  const choose = () => {
    const model = models.find((other) => other.id === chooser.value);
    if (model) put(place, FORMS[model.assay.ability](model, context));
    else put(place, h("p", { class: "quiet" }, "No model can be asked for through this gateway now."));
  };
  chooser.addEventListener("change", choose);
  choose();
}

const FORMS = { chat: conversation, complete: conversation, embed: embedding, job };

function field(id, label, attributes) {
  return h("div", { class: "field" }, h("label", { for: id }, label), h("input", { id, ...attributes }));
}

/** What an answer's `assay` object says of it. */
function provenance(assay) {
  return assay.runs.map((run) =>
    facts([
      ["Computed by", short(run.worker)],
      ["Price", money(run.price, assay.currency)],
      ["Checked", run.checked],
      ["Seed", run.seed === null ? null : String(run.seed)],
      ["Receipt", receiptLink(run.receipt)],
    ]),
  );
}

function conversation(model, { gateway, signal, failed }) {
  const isChat = model.assay.ability === "chat";
  const said = [];
  const log = h("div", { class: "log", role: "log", "aria-label": "Conversation", tabindex: "0" });
  const text = h("textarea", { id: "text", rows: "3", required: true });
  const send = h("button", null, "Send");
  const halt = h("button", { type: "button", hidden: true }, "Stop");
  const options = h(
    "details",
    null,
    h("summary", null, "Options"),
    h(
      "div",
      { class: "fields" },
      field("max-tokens", "Maximum tokens", { type: "number", min: "1", value: "200" }),
      field("temperature", "Temperature", { type: "number", min: "0", max: "2", step: "0.1", value: "0.7" }),
      field("seed", "Seed", { type: "number", placeholder: "drawn" }),
    ),
  );
  const entry = h("div", { class: "field" }, h("label", { for: "text" }, isChat ? "Your message" : "Your text"), text);
  const form = h("form", null, entry, options, h("p", { class: "buttons" }, send, halt));

  const request = () => {
    const of = (id) => form.querySelector(`#${id}`).value;
    const body = { model: model.id, max_tokens: Number(of("max-tokens")), temperature: Number(of("temperature")) };
    if (of("seed") !== "") body.seed = Number(of("seed"));
    return isChat ? { ...body, messages: said } : { ...body, prompt: text.value };
  };
  const answer = async (bubble, stop) => {
    let whole = "";
    let assay = null;
    const path = isChat ? "/v1/chat/completions" : "/v1/completions";
    const body = request();
    text.value = "";
    for await (const chunk of gateway.stream(path, body, stop.signal)) {
      const [choice] = chunk.choices;
      const piece = choice?.delta?.content ?? choice?.text ?? "";
      whole += piece;
      bubble.append(piece);
      assay = chunk.assay ?? assay;
      log.scrollTop = log.scrollHeight;
    }
    if (assay) bubble.after(h("div", { class: "provenance" }, provenance(assay)));
    said.push({ role: "assistant", content: whole });
  };
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const stop = new AbortController();
    const end = () => stop.abort();
    signal.addEventListener("abort", end);
    halt.onclick = end;
    said.push({ role: "user", content: text.value });
    const bubble = h("p", { class: "said them" });
    log.append(h("p", { class: "said you" }, text.value), bubble);
    [send.disabled, halt.hidden] = [true, false];
    log.setAttribute("aria-busy", "true");
    try {
      await answer(bubble, stop);
    } catch (error) {
      // What was said without an answer is no part of the conversation.
      said.pop();
      if (error.name === "AbortError") bubble.after(h("p", { class: "note" }, "You have stopped the answer."));
      else if (error.code === "invalid_api_key") failed(log, error);
      else bubble.after(trouble(error));
    }
    signal.removeEventListener("abort", end);
    log.removeAttribute("aria-busy");
    [send.disabled, halt.hidden] = [false, true];
    log.scrollTop = log.scrollHeight;
  });
  text.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || send.disabled) return;
    event.preventDefault();
    form.requestSubmit();
  });
  return [log, form];
}

function embedding(model, { gateway, signal, failed }) {
  const text = h("textarea", { id: "text", rows: "3", required: true });
  const outcome = h("div", { "aria-live": "polite" });
  const ask = async (event) => {
    event.preventDefault();
    try {
      const answer = await gateway.post("/v1/embeddings", { model: model.id, input: text.value }, signal);
      const vector = answer.data[0].embedding;
      const first = vector.slice(0, 8).map((number) => number.toFixed(4));
      const about = `${vector.length} elements; the first are ${first.join(", ")}`;
      put(outcome, h("p", null, about), h("div", { class: "provenance" }, provenance(answer.assay)));
    } catch (error) {
      failed(outcome, error);
    }
  };
  const entry = h("div", { class: "field" }, h("label", { for: "text" }, "Your text"), text);
  return [h("form", { onsubmit: ask }, entry, h("p", { class: "buttons" }, h("button", null, "Embed"))), outcome];
}

function job(model, { gateway, signal, failed }) {
  const outcome = h("div", { class: "card", hidden: true, "aria-live": "polite" });
  // A picture of 8 × 8 pixels is what models of this name take.
  const isDrawn = model.id.includes("digits");
  const drawing = isDrawn ? pad() : null;
  const text = h("textarea", { id: "input", rows: "4", required: true }, "[1, 2, 3]");
  const entry = isDrawn
    ? drawing.element
    : h("div", { class: "field" }, h("label", { for: "input" }, "Input, in JSON"), text);
  const ceiling = field("ceiling", `The maximum that it may cost, in ${model.assay.currency}`, {
    value: "0.5",
    inputmode: "decimal",
    required: true,
  });
  const submit = h("button", null, "Submit the job");
  const draw = (status, result) =>
    put(
      outcome,
      h("h2", null, `Job ${status.id}`),
      result && "answer" in result ? h("p", { class: "answer" }, String(result.answer ?? "no answer")) : null,
      facts([
        ["Phase", status.phase],
        ["Computed by", short(status.worker)],
        ["Paid", status.paid === null ? null : money(status.paid, status.currency)],
      ]),
      result ? h("details", { open: !isDrawn }, h("summary", null, "Result"), h("pre", { tabindex: "0" }, JSON.stringify(result, null, 2))) : null,
    );
  const follow = async (id) => {
    for (;;) {
      const status = await gateway.call("assay_status", [id], signal);
      draw(status, await gateway.call("assay_result", [id], signal));
      if (status.closed) return;
      await new Promise((resume) => setTimeout(resume, 1000));
    }
  };
  const ask = async (event) => {
    event.preventDefault();
    put(outcome, h("p", { class: "quiet" }, "Submitting …"));
    outcome.hidden = false;
    submit.disabled = true;
    try {
      const input = isDrawn ? { image: [drawing.pixels()] } : JSON.parse(text.value);
      const ceilingText = event.target.querySelector("#ceiling").value;
      await follow((await gateway.call("assay_submitJob", [model.id, input, ceilingText], signal)).id);
    } catch (error) {
      const message = error instanceof SyntaxError ? new Error(`The input is no JSON: ${error.message}`) : error;
      failed(outcome, message);
    }
    submit.disabled = false;
  };
  return [h("form", { onsubmit: ask }, entry, ceiling, h("p", { class: "buttons" }, submit)), outcome];
}
