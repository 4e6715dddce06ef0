// Shows the selected photo with its faces, the panel beside it, and the strip of all photos.
import { panelContent } from "./answer.js";
import { labelPosition, toPercent } from "./boxes.js";
import { make } from "./dom.js";
import { announcement, isKnown, metadataNote, nameOf, progress, shortResult, title } from "./sentences.js";
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
    setInterval(() => this.#current && updateProgress(this.#current), 1000);
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
    if (item === this.#current && isPrepared) this.#showPhoto(item);
    if (item === this.#current) this.#render();
    else document.title = title(this.#items, this.#current);
    this.#announce(item);
  }

  #select(item) {
    this.#current = item;
    this.#panelState = "";
    this.#items.forEach((each) => this.#updateThumbnail(each));
    this.#showPhoto(item);
    this.#render();
  }

  /**
   * Shows the photo in an element of its own: Firefox gives an element that is used again the size of the former photo
   * until the next one is loaded. The proportions are known before.
   */
  #showPhoto(item) {
    const { file, preview, size } = item;
    element("boxes").replaceChildren();
    element("stage").hidden = !file;
    element("frame").hidden = !preview;
    const photo = make("img", { id: "photo", alt: words.photo(this.#items.indexOf(item) + 1) });
    if (preview) {
      photo.src = this.#addresses.get(item);
      element("frame").style.setProperty("--width", size.width);
      element("frame").style.setProperty("--height", size.height);
    }
    photo.addEventListener("error", () => this.#photoFailed(photo));
    element("photo").replaceWith(photo);
  }

  #photoFailed(photo) {
    if (photo !== element("photo")) return; // another photo is shown by now
    element("frame").hidden = true;
    element("unseen").hidden = false;
  }

  /** Builds the panel again only if the state changed, so that the focus and the scroll position stay. */
  #render() {
    const item = this.#current;
    const { state, slow } = item;
    document.body.dataset.state = state;
    document.title = title(this.#items, item);
    element("unseen").hidden = item.preview === undefined || !element("frame").hidden;
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
    button.setAttribute("aria-label", words.photoResult(number + 1, shortResult(item)));
    button.setAttribute("aria-current", String(item === this.#current));
  }
}

/** Updates what can change without a new state. */
function updateProgress(item) {
  if (element("progress")) element("progress").textContent = progress(item, Date.now());
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
