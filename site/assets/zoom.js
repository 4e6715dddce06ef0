// Zooms into the photo: by pinch, wheel, double tap, drag and keyboard, and to one of its faces.
import { make } from "./dom.js";
import { words } from "./words.js";

/**
 * @typedef {object} View  the part of the photo that is shown, in shares of the photo
 * @property {number} left
 * @property {number} top
 * @property {number} size  its width and its height; 1 for the whole photo
 */

/** @typedef {{x: number, y: number}} Point  in shares of what is shown: 0 is the left or upper edge, 1 the other one */

/** @type {View} */
export const WHOLE = { left: 0, top: 0, size: 1 };

/** Enough for the smallest face that is found in the largest photo that is sent: it gets 300 pixels of a phone. */
export const MAX_ZOOM = 8;

/**
 * @param {View} view
 * @param {number} factor  larger than 1 to zoom in
 * @param {Point} point  stays where it is
 * @returns {View}
 */
export function zoomAt(view, factor, { x, y }) {
  const size = clamp(view.size / factor, 1 / MAX_ZOOM, 1);
  const change = view.size - size;
  return inside({ left: view.left + x * change, top: view.top + y * change, size });
}

/** Moves the photo. @param {View} view  @param {Point} by  @returns {View} */
export function move(view, { x, y }) {
  return inside({ ...view, left: view.left - x * view.size, top: view.top - y * view.size });
}

/** A face gets two fifths of what is shown, so that one sees whose it is. */
const FACES_SIDE_BY_SIDE = 2.5;

/** @param {import("./boxes.js").Box} box  of a face, in percent of the photo  @returns {View} */
export function near({ left, top, width, height }) {
  const size = clamp((FACES_SIDE_BY_SIDE * Math.max(width, height)) / 100, 1 / MAX_ZOOM, 1);
  return inside({ left: (left + width / 2) / 100 - size / 2, top: (top + height / 2) / 100 - size / 2, size });
}

/** @param {View} from  @param {View} to  @param {number} share  0 to 1  @returns {View} */
export function between(from, to, share) {
  const mix = (side) => from[side] + (to[side] - from[side]) * share;
  return { left: mix("left"), top: mix("top"), size: mix("size") };
}

/**
 * @param {number} delta  of a WheelEvent: about 100 for a notch of a wheel, a few for a move of two fingers on a trackpad
 * @param {number} deltaMode  in what `delta` is measured: 0 for pixels
 * @returns {number} the factor to zoom by
 */
export function wheelFactor(delta, deltaMode) {
  return Math.exp(clamp(-delta * (deltaMode === 0 ? 1 : PIXELS_PER_LINE), -MAX_STEP, MAX_STEP) / 100);
}

const PIXELS_PER_LINE = 16;
const MAX_STEP = 40;

const inside = ({ left, top, size }) => ({ left: clamp(left, 0, 1 - size), top: clamp(top, 0, 1 - size), size });
const clamp = (value, min, max) => Math.min(Math.max(value, min), max);

const KEY_FACTOR = 1.5;
const DOUBLE_TAP_FACTOR = 2.5;
const DOUBLE_TAP_MS = 350;
const GLIDE_MS = 350;
/** A pointer that moves less is a tap. In CSS pixels. */
const TAP_PIXELS = 8;
const CENTRE = { x: 0.5, y: 0.5 };

/** How far the photo moves, and by which factor it grows, for each key. An arrow shows more of that side. */
const ARROWS = { ArrowLeft: { x: 0.2, y: 0 }, ArrowRight: { x: -0.2, y: 0 }, ArrowUp: { x: 0, y: 0.2 }, ArrowDown: { x: 0, y: -0.2 } };
const FACTORS = { "+": KEY_FACTOR, "=": KEY_FACTOR, "-": 1 / KEY_FACTOR, "_": 1 / KEY_FACTOR };

export class Zoom {
  #view = WHOLE;
  #frame;
  #stage;
  #button;
  /** Pointers that are down on the photo, by their id: where they are, and where they came down. */
  #pointers = new Map();
  /** The last tap, until it is too old for a double tap. */
  #tap = null;
  /** Whether the click that follows belongs to a drag or pinch. */
  #dragged = false;
  #animation = 0;

  /** @param {HTMLElement} stage  with the `.frame` that holds the photo and its boxes */
  constructor(stage) {
    this.#stage = stage;
    this.#frame = stage.querySelector(".frame");
    this.#button = make("button", { type: "button", class: "button whole", hidden: true, onclick: () => this.showWhole() }, words.wholePhoto);
    stage.append(this.#button);
    this.#watchPointers();
    this.#watchWheel();
    this.#watchKeys();
    this.#frame.addEventListener("load", () => this.#show(WHOLE), true); // another photo
  }

  /** @param {HTMLElement} card  of a face, which is shown as large as possible */
  showFace(card) {
    const style = this.#frame.querySelector(`.box[data-face="${card.dataset.face}"]`)?.style;
    if (!style) return;
    const [left, top, width, height] = ["left", "top", "width", "height"].map((side) => parseFloat(style[side]));
    const view = near({ left, top, width, height });
    if (view.size < 1) this.#uncover(card);
    this.#glide(view);
  }

  showWhole() {
    if (document.activeElement === this.#button) this.#frame.focus({ preventScroll: true });
    this.#glide(WHOLE);
  }

  /** On a phone a zoomed photo stays at the top of the screen. It must not cover the card. */
  #uncover(card) {
    this.#stage.classList.add("zoomed");
    const [photo, { left, right, top }] = [this.#stage, card].map((element) => element.getBoundingClientRect());
    const isBeside = left >= photo.right || right <= photo.left;
    if (!isBeside && top < photo.bottom) scrollBy({ top: top - photo.bottom, behavior: lessMotion() ? "auto" : "smooth" });
  }

  #show(view) {
    cancelAnimationFrame(this.#animation);
    this.#view = view;
    const { left, top, size } = view;
    const zoomed = size < 1;
    for (const [name, value] of [["--zoom", 1 / size], ["--zoom-left", -left / size], ["--zoom-top", -top / size]]) {
      this.#frame.style.setProperty(name, value);
    }
    this.#stage.classList.toggle("zoomed", zoomed);
    this.#button.hidden = !zoomed;
  }

  /** Moves to a view; at once for visitors who want less motion. */
  #glide(to) {
    if (lessMotion()) return this.#show(to);
    const from = this.#view;
    const start = performance.now();
    const step = (now) => {
      const share = clamp((now - start) / GLIDE_MS, 0, 1);
      this.#show(between(from, to, share * share * (3 - 2 * share)));
      if (share < 1) this.#animation = requestAnimationFrame(step);
    };
    cancelAnimationFrame(this.#animation);
    this.#animation = requestAnimationFrame(step);
  }

  get #isZoomed() {
    return this.#view.size < 1;
  }

  /** @returns {Point} */
  #pointOf({ x, y }) {
    const { left, top, width, height } = this.#frame.getBoundingClientRect();
    return { x: (x - left) / width, y: (y - top) / height };
  }

  #watchPointers() {
    const frame = this.#frame;
    frame.addEventListener("pointerdown", (event) => this.#press(event));
    frame.addEventListener("pointermove", (event) => this.#drag(event));
    for (const end of ["pointerup", "pointercancel"]) addEventListener(end, (event) => this.#release(event));
    // Else the browser scrolls with two fingers, and takes the pointers away.
    frame.addEventListener("touchmove", (event) => event.cancelable && event.touches.length > 1 && event.preventDefault(), { passive: false });
    frame.addEventListener("dragstart", (event) => event.preventDefault());
    frame.addEventListener("click", (event) => this.#dragged && event.stopPropagation(), true);
  }

  #press({ pointerId, button, clientX: x, clientY: y }) {
    if (button !== 0) return;
    if (!this.#pointers.size) this.#dragged = false;
    this.#pointers.set(pointerId, { x, y, from: { x, y } });
  }

  #drag(event) {
    // A finger that came down while this module was still loading.
    if (event.pointerType === "touch" && event.buttons === 1 && !this.#pointers.has(event.pointerId)) {
      this.#press({ pointerId: event.pointerId, button: 0, clientX: event.clientX, clientY: event.clientY });
    }
    const pointer = this.#pointers.get(event.pointerId);
    if (!pointer) return;
    const before = [...this.#pointers.values()].map(({ x, y }) => ({ x, y }));
    Object.assign(pointer, { x: event.clientX, y: event.clientY });
    const after = [...this.#pointers.values()];
    if (distance([pointer, pointer.from]) > TAP_PIXELS) this.#dragged ||= this.#isZoomed || after.length > 1;
    if (!this.#dragged) return;
    this.#capture();
    const [from, to] = [before, after].map((points) => this.#pointOf(middle(points)));
    const factor = after.length > 1 ? distance(after) / Math.max(1, distance(before)) : 1;
    this.#show(move(zoomAt(this.#view, factor, from), { x: to.x - from.x, y: to.y - from.y }));
  }

  /** Gets the moves outside of the photo too. Not before a drag: the click would miss the face's box. */
  #capture() {
    for (const id of this.#pointers.keys()) if (!this.#frame.hasPointerCapture(id)) this.#frame.setPointerCapture(id);
  }

  #release({ type, pointerId, timeStamp }) {
    const pointer = this.#pointers.get(pointerId);
    if (!pointer) return;
    this.#pointers.delete(pointerId);
    const isTap = type === "pointerup" && !this.#dragged && !this.#pointers.size && distance([pointer, pointer.from]) <= TAP_PIXELS;
    if (!isTap) return void (this.#tap = null);
    const isDouble = this.#tap && timeStamp - this.#tap.timeStamp < DOUBLE_TAP_MS && distance([pointer, this.#tap]) < 4 * TAP_PIXELS;
    this.#tap = isDouble ? null : { ...pointer, timeStamp };
    if (isDouble) this.#glide(this.#isZoomed ? WHOLE : zoomAt(this.#view, DOUBLE_TAP_FACTOR, this.#pointOf(pointer)));
  }

  /** A wheel alone scrolls the page. With Ctrl or Command it zooms; browsers report a pinch on a trackpad as that. */
  #watchWheel() {
    this.#frame.addEventListener(
      "wheel",
      (event) => {
        if (!event.ctrlKey && !event.metaKey) return;
        event.preventDefault();
        const factor = wheelFactor(event.deltaY, event.deltaMode);
        this.#show(zoomAt(this.#view, factor, this.#pointOf({ x: event.clientX, y: event.clientY })));
      },
      { passive: false },
    );
    this.#watchSafariTrackpad();
  }

  /** Safari on a Mac has events of its own for a pinch. On a phone it sends them beside the pointers' events. */
  #watchSafariTrackpad() {
    let last = 1;
    const zoom = (event) => {
      event.preventDefault();
      if (event.type === "gesturechange" && !this.#pointers.size) {
        this.#show(zoomAt(this.#view, event.scale / last, this.#pointOf({ x: event.clientX, y: event.clientY })));
      }
      last = event.scale;
    };
    for (const type of ["gesturestart", "gesturechange"]) this.#frame.addEventListener(type, zoom);
  }

  #watchKeys() {
    this.#frame.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const view = this.#viewAfter(event.key);
      if (!view) return;
      event.preventDefault();
      this.#glide(view);
    });
    // Before all others, so that Esc does one thing at a time.
    addEventListener("keydown", (event) => this.#isZoomed && event.key === "Escape" && this.#leave(event), true);
  }

  /** @returns {View | null} null for a key that does nothing here. Arrows scroll the page while all of the photo is shown. */
  #viewAfter(key) {
    if (FACTORS[key]) return zoomAt(this.#view, FACTORS[key], CENTRE);
    if (key === "0") return WHOLE;
    return ARROWS[key] && this.#isZoomed ? move(this.#view, ARROWS[key]) : null;
  }

  #leave(event) {
    if (document.querySelector("dialog[open]")) return;
    event.stopPropagation();
    this.showWhole();
  }
}

const lessMotion = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** @param {Point[]} points  one or two */
const middle = (points) => ({
  x: (points[0].x + points.at(-1).x) / 2,
  y: (points[0].y + points.at(-1).y) / 2,
});

const distance = ([one, other]) => Math.hypot(one.x - other.x, one.y - other.y);
