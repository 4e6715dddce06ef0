// The page: the photo that is looked at, its faces, the panel beside it, the strip of all photos.
import { panelOf } from "./answer.js";
import { labelSide, place } from "./boxes.js";
import { make } from "./dom.js";
import { announcement, isKnown, nameOf, progress, shortResult } from "./words.js";

/** @typedef {import("./queue.js").Item} Item */

const element = (id) => document.getElementById(id);

/** Shows one photo of several; `actions` makes what the panel's buttons do from an item. */
export class Page {
  /** @type {Item | undefined} */
  #current;
  /** @type {Item[]} */
  #items = [];
  #addresses = new Map();
  #shown = "";
  #actions;

  /** @param {(item: Item) => import("./answer.js").Actions} actions */
  constructor(actions) {
    this.#actions = actions;
    highlightTogether(element("desk"));
  }

  /** Starts over with these photos, the first in sight. @param {Item[]} items */
  show(items) {
    this.#addresses.forEach((address) => URL.revokeObjectURL(address));
    this.#addresses = new Map(items.map((item) => [item, item.file ? URL.createObjectURL(item.file) : ""]));
    this.#items = items;
    document.body.dataset.view = "photo";
    element("panel").hidden = false;
    element("strip").hidden = items.length < 2;
    element("strip").replaceChildren(...items.map((item) => this.#thumbnail(item)));
    this.#select(items[0]);
  }

  /** An item has changed. @param {Item} item */
  update(item) {
    if (!this.#items.includes(item)) return; // one of the photos before
    this.#mark(item);
    if (item === this.#current) this.#render();
    this.#announce(item);
  }

  #select(item) {
    this.#current = item;
    this.#shown = "";
    this.#items.forEach((each) => this.#mark(each));
    this.#showPhoto(item);
    this.#render();
  }

  async #showPhoto(item) {
    const photo = element("photo");
    element("boxes").replaceChildren();
    element("stage").hidden = !item.file;
    if (!item.file) return;
    photo.src = this.#addresses.get(item);
    photo.alt = `Photo ${this.#items.indexOf(item) + 1}`;
    const seen = await photo.decode().then(() => true, () => false);
    if (item !== this.#current) return;
    element("frame").style.setProperty("--width", photo.naturalWidth);
    element("frame").style.setProperty("--height", photo.naturalHeight);
    element("frame").hidden = !seen;
    element("unseen").hidden = seen;
  }

  /** The panel is built anew for a new state only: what somebody is reading or has the focus in stays. */
  #render() {
    const item = this.#current;
    const { state, slow } = item;
    document.body.dataset.state = state;
    if (`${state}${slow}` === this.#shown) return tell(item);
    this.#shown = `${state}${slow}`;
    const panel = element("panel");
    const focused = panel.contains(document.activeElement);
    panel.className = `panel ${state}`;
    panel.replaceChildren(...panelOf(item, this.#actions(item)));
    if (focused) panel.focus({ preventScroll: true });
    element("boxes").replaceChildren(...(state === "answered" ? boxes(item.recognition) : []));
  }

  #announce(item) {
    const { state, recognition, failure, slow } = item;
    const which = this.#items.length > 1 ? `Photo ${this.#items.indexOf(item) + 1} of ${this.#items.length}: ` : "";
    if (state === "answered") element("status").textContent = which + announcement(recognition.faces);
    if (state === "failed") element("status").textContent = which + failure.message;
    if (state === "working" || state === "pausing") element("status").textContent = which + progress(item) + (slow ? " Still working." : "");
  }

  #thumbnail(item) {
    const picture = make("img", { src: this.#addresses.get(item), alt: "", loading: "lazy" });
    picture.addEventListener("error", () => picture.removeAttribute("src"), { once: true });
    return make("li", {}, make("button", { type: "button", onclick: () => this.#select(item) }, picture, make("span", { class: "dot" })));
  }

  #mark(item) {
    const number = this.#items.indexOf(item);
    const button = element("strip").children[number].firstChild;
    const known = item.recognition?.faces.some(isKnown);
    button.className = item.state === "answered" ? (known ? "known" : "stranger") : item.state;
    button.ariaLabel = `Photo ${number + 1}: ${shortResult(item)}`;
    button.ariaCurrent = String(item === this.#current);
  }
}

/** What changes while the state stays. */
function tell(item) {
  const said = element("progress");
  if (said) said.textContent = progress(item);
  if (element("sent")) element("sent").value = item.progress;
}

function boxes({ faces, image }) {
  return faces.map((face, index) => {
    const placed = place(face.box, image);
    const { vertical, horizontal } = labelSide(placed);
    const style = Object.fromEntries(Object.entries(placed).map(([side, value]) => [side, `${value}%`]));
    const badge = faces.length > 1 && make("span", { class: "badge" }, String(index + 1));
    const tag = make("span", { class: `tag ${vertical} ${horizontal}` }, badge, make("span", { class: "name", dir: "auto" }, nameOf(face)));
    return make("div", { class: isKnown(face) ? "box known" : "box", "data-face": String(index), style }, tag);
  });
}

/** A face on the photo and its card light up together; a click on the face leads to the card. */
function highlightTogether(desk) {
  const faceOf = (target) => target.closest?.("[data-face]")?.dataset.face;
  const light = ({ target }) => {
    const number = faceOf(target);
    for (const each of desk.querySelectorAll("[data-face]")) each.classList.toggle("lit", each.dataset.face === number);
  };
  const dark = () => desk.querySelectorAll(".lit").forEach((each) => each.classList.remove("lit"));
  for (const event of ["pointerover", "focusin"]) desk.addEventListener(event, light);
  for (const event of ["pointerleave", "focusout"]) desk.addEventListener(event, dark);
  element("boxes").addEventListener("click", ({ target }) => {
    const number = faceOf(target);
    if (!number) return;
    const details = element("panel").querySelector(`[data-face="${number}"] details`);
    details.open = true;
    details.querySelector("summary").focus();
  });
}
