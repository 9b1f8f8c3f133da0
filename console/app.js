// The frame of the page: which view is shown, the key, and what is asked again and again while a view is shown.

import { h, put, trouble } from "./dom.js";
import { Gateway } from "./gateway.js";
import * as disputes from "./disputes.js";
import * as market from "./market.js";
import * as money from "./money.js";
import * as network from "./network.js";
import * as receipts from "./receipts.js";
import * as tried from "./try.js";
import * as work from "./work.js";

// Each view has a title, and `show(root, context, argument)`.
const VIEWS = { market, try: tried, work, disputes, money, network, receipts };
const gateway = new Gateway();
const main = document.getElementById("main");
const views = document.getElementById("views");
const keyButton = document.getElementById("key-button");
let shown = new AbortController();

/** What a view may use: it ends when another view is shown. */
function contextOf(signal) {
  const failed = (place, error) => {
    if (signal.aborted || error.name === "AbortError") return;
    if (error.code === "invalid_api_key") askForKey(error.message);
    else put(place, trouble(error));
  };
  return {
    gateway,
    signal,
    failed,
    /** Asks now and every `seconds`, while this tab is looked at; draws what has changed into `place`. */
    every(seconds, place, ask, draw) {
      let last = null;
      const once = async () => {
        try {
          const found = await ask();
          const text = JSON.stringify(found);
          if (signal.aborted || text === last) return;
          last = text;
          put(place, draw(found));
        } catch (error) {
          last = null;
          failed(place, error);
        }
      };
      const loop = async () => {
        while (!signal.aborted) {
          if (!document.hidden) await once();
          await new Promise((resume) => setTimeout(resume, seconds * 1000));
        }
      };
      loop();
    },
  };
}

function askForKey(reason) {
  shown.abort();
  const input = h("input", { id: "key", type: "password", autocomplete: "off", spellcheck: "false", required: true });
  const enter = (event) => {
    event.preventDefault();
    gateway.setKey(input.value.trim());
    route();
  };
  const form = h("form", { onsubmit: enter }, h("label", { for: "key" }, "API key"), input, h("button", null, "Enter"));
  const about = gateway.hasKey && reason ? reason : "This gateway asks for an API key. It stays in this tab, and is sent to this gateway alone.";
  gateway.setKey(null);
  keyButton.hidden = true;
  put(main, h("section", { class: "card narrow" }, h("h1", null, "Enter a key"), h("p", null, about), form));
  input.focus();
}

function route() {
  const [name, ...rest] = decodeURIComponent(location.hash.slice(1)).split("/");
  if (location.hash === "#main") return;
  const key = name in VIEWS ? name : "market";
  const view = VIEWS[key];
  shown.abort();
  shown = new AbortController();
  const links = Object.entries(VIEWS).map(([path, { title }]) => {
    const current = path === key ? "page" : undefined;
    return h("a", { href: `#${path}`, id: `view-${path}`, "aria-current": current }, title);
  });
  put(views, links);
  keyButton.hidden = !gateway.hasKey;
  document.title = `${view.title} – Assay console`;
  const root = h("div", { class: "view" });
  put(main, h("h1", null, view.title), root);
  view.show(root, contextOf(shown.signal), rest.join("/"));
}

document.getElementById("skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
keyButton.addEventListener("click", () => askForKey());
addEventListener("hashchange", route);
route();
