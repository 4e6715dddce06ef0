// The faces on the photo: their boxes, the names or numbers beside them, and their cards in the panel.
import { toPercent } from "./boxes.js";
import { make } from "./dom.js";
import { inOrder, isKnown, nameOf } from "./sentences.js";
import { placeName, placeTags } from "./tags.js";
import { format } from "./words.js";

/** A longer name is cut. In rem. */
const WIDEST_NAME = 16;

export class Faces {
  #container;
  /** The elements and geometry of each face, in the order of their numbers. */
  #drawn = [];

  /** @param {HTMLElement} container  as large as the photo  @param {HTMLElement} panel  with a card for each face */
  constructor(container, panel) {
    this.#container = container;
    new ResizeObserver(() => this.#place()).observe(container);
    link(container, panel);
  }

  /** @param {import("./types.js").Recognition} [recognition]  none to show no faces */
  show({ faces, image } = { faces: [] }) {
    this.#drawn = inOrder(faces).map((face, index) => {
      const box = toPercent(face.box, image);
      const number = faces.length > 1 && make("span", { class: "badge" }, format.number(index + 1));
      const tag = make("span", { class: "tag" }, number, make("span", { class: "name", dir: "auto" }, nameOf(face)));
      const style = Object.fromEntries(Object.entries(box).map(([side, value]) => [side, `${value}%`]));
      const properties = { class: isKnown(face) ? "box known" : "box", "data-face": String(faces.indexOf(face)), style };
      return { box, tag, element: make("div", properties, tag) };
    });
    this.#container.replaceChildren(...this.#drawn.map(({ element }) => element));
    this.#place();
  }

  /** Places the tags; again whenever the photo is shown in another size. */
  #place() {
    const photo = { width: this.#container.clientWidth, height: this.#container.clientHeight };
    if (!photo.width) return;
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    const widest = Math.min(WIDEST_NAME * rem, photo.width);
    // Until a tag is placed for the first time, it is as wide as its name.
    for (const each of this.#drawn) each.natural ??= { width: each.tag.offsetWidth + 1, height: each.tag.offsetHeight };
    const names = this.#drawn.map(({ natural }) => ({ ...natural, width: Math.min(natural.width, widest) }));
    const boxes = this.#drawn.map(({ box }) => inPixels(box, photo));
    const tags = placeTags(boxes, photo, names, rem);
    for (const [index, { tag }] of this.#drawn.entries()) {
      const { left, top } = boxes[index];
      const name = placeName(boxes[index], photo, names[index]);
      tag.dataset.kind = tags[index].kind;
      setLengths(tag, "", { ...tags[index], left: tags[index].left - left, top: tags[index].top - top });
      setLengths(tag, "name-", { left: name.left - left, top: name.top - top, width: name.width });
    }
  }
}

const inPixels = ({ left, top, width, height }, photo) => ({
  left: (left * photo.width) / 100,
  top: (top * photo.height) / 100,
  width: (width * photo.width) / 100,
  height: (height * photo.height) / 100,
});

/** Sets CSS variables, in pixels. */
function setLengths(element, prefix, lengths) {
  for (const side of ["left", "top", "width", "height"]) {
    if (side in lengths) element.style.setProperty(`--${prefix}${side}`, `${lengths[side]}px`);
  }
}

/** Highlights a face's box and its card together: the one that is pointed at, or else the one with the focus. A click on the box opens the card. */
function link(container, panel) {
  const desk = container.closest(".desk");
  const faceNumber = (target) => target?.closest?.("[data-face]")?.dataset.face;
  const highlight = (target) => {
    const number = faceNumber(target) ?? faceNumber(document.activeElement);
    for (const each of desk.querySelectorAll("[data-face]")) each.classList.toggle("lit", each.dataset.face === number);
  };
  for (const event of ["pointerover", "focusin"]) desk.addEventListener(event, ({ target }) => highlight(target));
  for (const event of ["pointerleave", "focusout"]) desk.addEventListener(event, () => highlight(null));
  container.addEventListener("click", ({ target }) => {
    const box = target.closest("[data-face]");
    if (box) openCard(panel.querySelector(`[data-face="${box.dataset.face}"]`), box);
  });
}

/** Where the card is below the photo, the page scrolls towards it as far as the face stays in sight. */
function openCard(card, box) {
  const details = card.querySelector("details");
  details.open = true;
  const [shown, face] = [card, box].map((element) => element.getBoundingClientRect());
  const isBelow = shown.left < face.right && face.left < shown.right;
  details.querySelector("summary").focus({ preventScroll: isBelow });
  if (isBelow) scrollBy(0, Math.max(0, Math.min(shown.bottom - innerHeight + MARGIN, face.top - MARGIN)));
}

/** Room between a face, with its name, and the edge of the screen, in CSS pixels. */
const MARGIN = 40;
