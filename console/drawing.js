// A pad to draw a digit on: 8 × 8 pixels from 0 to 16, as the model of digits takes them.

import { h } from "./dom.js";

const SIDE = 8;
const FULL = 16;
// Strokes are drawn finer, and each pixel counts the fine ones in it, as the model's training images were made.
const FINE = 32;

/** The pad: its element, and what is on it. */
export function pad() {
  const fine = new Uint8Array(FINE * FINE);
  const canvas = h("canvas", {
    width: "256",
    height: "256",
    tabindex: "0",
    role: "img",
    "aria-label": "Pad for a digit. Draw with a pointer, or move with the arrow keys and ink with the space bar.",
  });
  const cursor = { x: FINE / 2, y: FINE / 2, isShown: false };
  let last = null;

  const pixels = () =>
    Array.from({ length: SIDE }, (_, row) =>
      Array.from({ length: SIDE }, (_, column) => {
        const step = FINE / SIDE;
        let ink = 0;
        for (let y = row * step; y < (row + 1) * step; y += 1)
          for (let x = column * step; x < (column + 1) * step; x += 1) ink += fine[y * FINE + x];
        return Math.min(FULL, ink);
      }),
    );
  const paint = () => {
    const colours = getComputedStyle(canvas);
    const context = canvas.getContext("2d");
    const step = canvas.width / FINE;
    context.fillStyle = colours.backgroundColor;
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.fillStyle = colours.color;
    for (let index = 0; index < fine.length; index += 1)
      if (fine[index]) context.fillRect((index % FINE) * step, Math.floor(index / FINE) * step, step, step);
    if (cursor.isShown) {
      context.strokeStyle = colours.outlineColor;
      context.lineWidth = 2;
      context.strokeRect(cursor.x * step - 4, cursor.y * step - 4, 8 + step, 8 + step);
    }
  };
  const dot = (x, y) => {
    for (let dy = -2; dy <= 2; dy += 1)
      for (let dx = -2; dx <= 2; dx += 1) {
        const [column, row] = [Math.round(x) + dx, Math.round(y) + dy];
        const isIn = column >= 0 && column < FINE && row >= 0 && row < FINE && dx * dx + dy * dy <= 4;
        if (isIn) fine[row * FINE + column] = 1;
      }
  };
  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return { x: ((event.clientX - box.left) / box.width) * FINE, y: ((event.clientY - box.top) / box.height) * FINE };
  };
  const line = (from, to) => {
    const steps = Math.max(1, Math.ceil(Math.hypot(to.x - from.x, to.y - from.y) * 2));
    for (let step = 0; step <= steps; step += 1) {
      const part = step / steps;
      dot(from.x + (to.x - from.x) * part, from.y + (to.y - from.y) * part);
    }
    paint();
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    last = at(event);
    cursor.isShown = false;
    line(last, last);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!last) return;
    const next = at(event);
    line(last, next);
    last = next;
  });
  for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => (last = null));
  const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  canvas.addEventListener("keydown", (event) => {
    const move = MOVES[event.key];
    if (!move && event.key !== " ") return;
    event.preventDefault();
    cursor.isShown = true;
    if (move) {
      cursor.x = Math.min(FINE - 1, Math.max(0, cursor.x + move[0]));
      cursor.y = Math.min(FINE - 1, Math.max(0, cursor.y + move[1]));
    } else dot(cursor.x, cursor.y);
    paint();
  });
  const clear = () => {
    fine.fill(0);
    paint();
  };
  // Colours are known once the pad is on the page, and change with the theme.
  requestAnimationFrame(paint);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
  const button = h("button", { type: "button", onclick: clear }, "Clear");
  const element = h("div", { class: "pad" }, h("p", { id: "pad-label" }, "Draw a digit"), canvas, h("p", null, button));
  return { element, pixels };
}
