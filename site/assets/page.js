// Shows the selected photo with its faces, the panel beside it, and the strip of all photos.
import { panelContent } from "./answer.js";
import { labelPosition, toPercent } from "./boxes.js";
import { make } from "./dom.js";
import { announcement, isKnown, metadataNote, nameOf, progress, shortResult } from "./sentences.js";
import { words } from "./words.js";

/** @typedef {import("./queue.js").Item} Item */

const element = (id) => document.getElementById(id);

export class Page {
  /** @type {Item | undefined} */
  #current;
  /** @type {Item[]} */
  #items = [];
  /** Addresses of the previews: they show what is sent, so of an animation the frame that is looked at. */
  #addresses = new Map();
  /** State of the item that the panel shows; empty if the panel must be built again. */
  #panelState = "";
  #actions;

  /** @param {(item: Item) => import("./answer.js").Actions} actions  returns what the panel's buttons do for an item */
  constructor(actions) {
    this.#actions = actions;
    linkBoxesAndCards(element("desk"));
  }

  /** Replaces all photos, and selects the first. @param {Item[]} items */
  show(items) {
    this.#addresses.forEach((address) => URL.revokeObjectURL(address));
    this.#addresses = new Map();
    this.#items = items;
    document.body.dataset.view = "photo";
    element("panel").hidden = false;
    element("strip").hidden = items.length < 2;
    element("strip").replaceChildren(...items.map((item) => this.#thumbnail(item)));
    this.#select(items[0]);
  }

  /** Shows a sentence above the panel until the next one. @param {string} sentence  empty for none */
  note(sentence) {
    element("note").textContent = sentence;
    element("note").hidden = !sentence;
  }

  /** An item has changed. @param {Item} item */
  update(item) {
    if (!this.#items.includes(item)) return; // it belongs to photos that were replaced
    const isPrepared = Boolean(item.preview) && !this.#addresses.has(item);
    if (isPrepared) this.#addresses.set(item, URL.createObjectURL(item.preview));
    this.#updateThumbnail(item);
    if (item === this.#current) {
      if (isPrepared) this.#showPhoto(item);
      this.#render();
    }
    this.#announce(item);
  }

  #select(item) {
    this.#current = item;
    this.#panelState = "";
    this.#items.forEach((each) => this.#updateThumbnail(each));
    this.#showPhoto(item);
    this.#render();
  }

  async #showPhoto(item) {
    const photo = element("photo");
    element("boxes").replaceChildren();
    element("stage").hidden = !item.file;
    if (!item.preview) {
      element("frame").hidden = true;
      return;
    }
    // In Firefox, decode() may end while the size is still that of the former photo.
    const loaded = new Promise((resolve) => {
      photo.onload = () => resolve(true);
      photo.onerror = () => resolve(false);
    });
    photo.src = this.#addresses.get(item);
    photo.alt = words.photo(this.#items.indexOf(item) + 1);
    const decoded = await loaded;
    if (item !== this.#current) return;
    element("frame").style.setProperty("--width", photo.naturalWidth);
    element("frame").style.setProperty("--height", photo.naturalHeight);
    element("frame").hidden = !decoded;
  }

  /** Builds the panel again only if the state changed, so that the focus and the scroll position stay. */
  #render() {
    const item = this.#current;
    const { state, slow } = item;
    document.body.dataset.state = state;
    element("unseen").hidden = item.preview !== null;
    element("metadata").textContent = metadataNote(item);
    const panelState = `${state}${slow}`;
    if (panelState === this.#panelState) return updateProgress(item);
    this.#panelState = panelState;
    const panel = element("panel");
    const focused = panel.contains(document.activeElement);
    panel.className = `panel ${state}`;
    panel.replaceChildren(...panelContent(item, this.#actions(item)));
    if (focused) panel.focus({ preventScroll: true });
    element("boxes").replaceChildren(...(state === "answered" ? faceBoxes(item.recognition) : []));
  }

  #announce(item) {
    const { state, recognition, failure, slow } = item;
    const count = this.#items.length;
    const numbered = (sentence) => (count > 1 ? words.photoOf(this.#items.indexOf(item) + 1, count, sentence) : sentence);
    const say = (sentence) => (element("status").textContent = numbered(sentence));
    if (state === "answered") say(announcement(recognition.faces));
    if (state === "failed") say(failure.message);
    if (state === "asking") say(progress(item));
    if (state === "working" || state === "pausing") say(progress(item) + (slow ? ` ${words.stillWorking}` : ""));
  }

  #thumbnail(item) {
    const picture = make("img", { alt: "" });
    const onclick = () => this.#select(item);
    return make("li", {}, make("button", { type: "button", onclick }, picture, make("span", { class: "dot" })));
  }

  #updateThumbnail(item) {
    const number = this.#items.indexOf(item);
    const button = element("strip").children[number].firstChild;
    const known = item.recognition?.faces.some(isKnown);
    const address = this.#addresses.get(item);
    if (address) button.firstChild.src = address;
    button.className = item.state === "answered" ? (known ? "known" : "stranger") : item.state;
    button.ariaLabel = words.photoResult(number + 1, shortResult(item));
    button.ariaCurrent = String(item === this.#current);
  }
}

/** Updates what can change without a new state. */
function updateProgress(item) {
  if (element("progress")) element("progress").textContent = progress(item);
  if (element("sent")) element("sent").value = item.progress;
}

function faceBoxes({ faces, image }) {
  return faces.map((face, index) => {
    const box = toPercent(face.box, image);
    const { vertical, horizontal } = labelPosition(box);
    const style = Object.fromEntries(Object.entries(box).map(([side, value]) => [side, `${value}%`]));
    const badge = faces.length > 1 && make("span", { class: "badge" }, String(index + 1));
    const name = make("span", { class: "name", dir: "auto" }, nameOf(face));
    const tag = make("span", { class: `tag ${vertical} ${horizontal}` }, badge, name);
    return make("div", { class: isKnown(face) ? "box known" : "box", "data-face": String(index), style }, tag);
  });
}

/** Highlights a face's box and its card together. A click on the box opens the card. */
function linkBoxesAndCards(desk) {
  const faceNumber = (target) => target.closest?.("[data-face]")?.dataset.face;
  const highlight = ({ target }) => {
    const number = faceNumber(target);
    for (const each of desk.querySelectorAll("[data-face]")) each.classList.toggle("lit", each.dataset.face === number);
  };
  const clear = () => desk.querySelectorAll(".lit").forEach((each) => each.classList.remove("lit"));
  for (const event of ["pointerover", "focusin"]) desk.addEventListener(event, highlight);
  for (const event of ["pointerleave", "focusout"]) desk.addEventListener(event, clear);
  element("boxes").addEventListener("click", ({ target }) => {
    const number = faceNumber(target);
    if (!number) return;
    const details = element("panel").querySelector(`[data-face="${number}"] details`);
    details.open = true;
    details.querySelector("summary").focus();
  });
}
