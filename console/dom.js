// Elements without a framework. Texts become text nodes only, so that nothing that a worker says becomes markup.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === false || value === undefined || value === null) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** Makes an element; attributes that begin with `on` are listeners. */
export function h(name, attributes, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** Makes an element of a picture. */
export function s(name, attributes, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

/** Puts other children into an element. What had the focus keeps it, if it has an id and is there again. */
export function put(element, ...children) {
  const focused = element.contains(document.activeElement) ? document.activeElement.id : "";
  element.replaceChildren(...children.flat().filter((child) => child !== null && child !== undefined));
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

/** An account or a hash: its ends, with the whole as a tooltip. */
export function short(text, ends = 8) {
  if (!text) return h("span", { class: "quiet" }, "nobody yet");
  if (text.length <= 2 * ends + 1) return h("code", null, text);
  return h("code", { title: text }, `${text.slice(0, ends)}…${text.slice(-ends)}`);
}

/** An amount with its currency. */
export function money(amount, currency) {
  return h("span", { class: "amount" }, `${amount} ${currency}`);
}

/** A list of terms and what they stand for. Pairs without a value are left out. */
export function facts(pairs) {
  const shown = pairs.filter(([, value]) => value !== null && value !== undefined);
  return h("dl", null, shown.map(([term, value]) => h("div", null, h("dt", null, term), h("dd", null, value))));
}

/** A table that scrolls by itself on narrow screens. */
export function table(caption, heads, rows, empty) {
  if (rows.length === 0) return h("p", { class: "quiet" }, empty);
  const head = h("tr", null, heads.map((text) => h("th", { scope: "col" }, text)));
  const body = rows.map((cells) => h("tr", null, cells.map((cell) => h("td", null, cell))));
  const whole = h("table", null, h("caption", null, caption), h("thead", null, head), h("tbody", null, body));
  return h("div", { class: "scroll", role: "region", "aria-label": caption, tabindex: "0" }, whole);
}

/** A word with a colour that says the same: good, bad, going or quiet. */
export function badge(kind, text) {
  return h("span", { class: `badge ${kind}` }, text);
}

/** An error as its reader needs it. */
export function trouble(error) {
  const kind = error.code === "not_shown" ? "note" : "trouble";
  return h("p", { class: kind, role: kind === "trouble" ? "alert" : "note" }, error.message);
}
