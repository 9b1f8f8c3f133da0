// The picture of a game: graph, tensor, chunk and element, each of which is a part of the one above.

import { h, put, s } from "./dom.js";

// Sizes in pixels: the picture is drawn anew for every width, so that its text stays readable on a phone.
const BAR = 26;
const LABEL = 22;
const GAP = 40;
const ROW = LABEL + BAR + GAP;
const LEAST = 4;
// Pictures below this width have shorter texts, and the values below each other.
const NARROW = 520;
// Width of a character of a bold text, rounded up.
const CHARACTER = 9.2;
// More entries than these are too fine for lines between them.
const MAX_CELLS = 128;

const number = (value) => value.toLocaleString("en");

function part(range, one, many) {
  const last = range.first + range.count - 1;
  return range.count === 1 ? `${one} ${number(range.first)}` : `${many} ${number(range.first)} to ${number(last)}`;
}

/** Whether nothing of it is ruled out yet. */
function isOpen(range) {
  return range.total > 1 && range.count === range.total;
}

function rowsOf({ graph, operator, tensor, chunk }, isNarrow = false) {
  const rows = [];
  const name = operator?.name ?? "";
  if (graph) {
    const where = part(graph, "operator", "operators");
    rows.push({ range: graph, whole: `Graph: ${number(graph.total)} operators`, part: name && !isNarrow ? `${where}, ${name}` : where });
  }
  if (tensor) {
    const shape = operator?.shape ? ` ${operator.data_type} [${operator.shape.join(" × ")}],` : "";
    const chunks = `${number(tensor.total)} chunks`;
    const whole = isNarrow ? `${name.slice(0, 24) || "Its output"}: ${chunks}` : `Its output:${shape} ${chunks}`;
    rows.push({ range: tensor, whole, part: part(tensor, "chunk", "chunks") });
  }
  if (chunk) rows.push({ range: chunk, whole: `The chunk: ${number(chunk.total)} elements`, part: part(chunk, "element", "elements") });
  return rows;
}

/** What the picture says, a sentence for each step. */
export function inWords(narrowing) {
  const texts = rowsOf(narrowing).map(({ range, whole, part }) => {
    if (isOpen(range)) return `${whole}. Where they differ is not known yet.`;
    return `${whole}. What differs is ${part}.`;
  });
  const { element } = narrowing;
  if (element) {
    const of = (value) => `${value.number} (bytes ${value.bytes})`;
    texts.push(`Element ${number(element.index)}: the worker claimed ${of(element.claimed)}, and the chain computed ${of(element.computed)}.`);
  }
  return texts;
}

function row({ range, whole, part }, top, width, isLast) {
  const y = top + LABEL;
  const at = (position) => ((position - range.start) / range.total) * width;
  const isWhole = isOpen(range);
  const breadth = Math.max(LEAST, at(range.first + range.count) - at(range.first));
  const x = Math.min(at(range.first), width - breadth);
  const lines = [];
  if (range.total <= MAX_CELLS)
    for (let cell = 1; cell < range.total; cell += 1) {
      const position = (cell / range.total) * width;
      lines.push(s("line", { class: "cell", x1: position, x2: position, y1: y, y2: y + BAR }));
    }
  // What is below the part: it widens to the next row.
  const below = `${x},${y + BAR} ${x + breadth},${y + BAR} ${width},${y + BAR + GAP} 0,${y + BAR + GAP}`;
  const words = isWhole ? "not narrowed down yet" : part;
  const room = words.length * CHARACTER;
  const begin = Math.max(0, Math.min(x + breadth / 2 - room / 2, width - room));
  return [
    s("text", { class: "label", x: 0, y: top + 15 }, whole),
    isLast || isWhole ? null : s("polygon", { class: "cone", points: below }),
    s("rect", { class: "whole", x: 0, y, width, height: BAR, rx: 3 }),
    ...lines,
    s("rect", { class: isWhole ? "part unknown" : "part", x, y, width: breadth, height: BAR, rx: 2 }),
    s("text", { class: "where", x: begin, y: y + BAR + 17 }, words),
  ].filter(Boolean);
}

function values({ index, claimed, computed }, top, width) {
  const isNarrow = width < NARROW;
  const breadth = isNarrow ? width : (width - 44) / 2;
  const box = (kind, x, y, who, value) => [
    s("rect", { class: `value ${kind}`, x: x + 1, y, width: breadth - 2, height: 74, rx: 5 }),
    s("text", { class: "who", x: x + 12, y: y + 20 }, who),
    s("text", { class: "number", x: x + 12, y: y + 44 }, value.number),
    s("text", { class: "bytes", x: x + 12, y: y + 63 }, `bytes ${value.bytes}`),
  ];
  const second = isNarrow ? [0, top + LABEL + 104] : [width - breadth, top + LABEL];
  const sign = isNarrow ? [width / 2, top + LABEL + 96] : [width / 2, top + LABEL + 45];
  return [
    s("text", { class: "label", x: 0, y: top + 15 }, `Element ${number(index)}`),
    ...box("claimed", 0, top + LABEL, "The worker claimed", claimed),
    s("text", { class: "unequal", x: sign[0], y: sign[1], "text-anchor": "middle" }, claimed.bytes === computed.bytes ? "=" : "≠"),
    ...box("computed", second[0], second[1], "The chain computed", computed),
  ];
}

function drawing(narrowing, width) {
  const rows = rowsOf(narrowing, width < NARROW);
  const { element } = narrowing;
  const parts = rows.flatMap((shown, index) => row(shown, index * ROW, width, index === rows.length - 1 && !element));
  if (element) parts.push(...values(element, rows.length * ROW, width));
  const last = element ? (width < NARROW ? LABEL + 182 : LABEL + 80) : 0;
  const height = rows.length * ROW + last;
  return s(
    "svg",
    { class: "narrowing", width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": inWords(narrowing).join(" ") },
    // Cones lie behind everything else.
    parts.filter((shape) => shape.classList.contains("cone")),
    parts.filter((shape) => !shape.classList.contains("cone")),
  );
}

/** The picture, which follows the width of its place. */
export function picture(narrowing, signal) {
  const place = h("div", { class: "picture" });
  let drawn = 0;
  const observer = new ResizeObserver(() => {
    const width = Math.floor(place.clientWidth);
    if (width < 50 || width === drawn) return;
    drawn = width;
    put(place, drawing(narrowing, width));
  });
  observer.observe(place);
  signal.addEventListener("abort", () => observer.disconnect());
  return place;
}
