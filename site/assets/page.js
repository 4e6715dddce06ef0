// Shows the selected photo with its faces, the panel beside it, and the strip of all photos.
import { panelContent } from "./answer.js";
import { make } from "./dom.js";
import { Faces } from "./faces.js";
import { announcement, isKnown, metadataNote, progress, shortResult, title } from "./sentences.js";
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
  #faces = new Faces(element("boxes"), element("panel"));

  /** @param {(item: Item) => import("./answer.js").Actions} actions  returns what the panel's buttons do for an item */
  constructor(actions) {
    this.#actions = actions;
    setInterval(() => this.#current && updateProgress(this.#current), 1000);
  }

  /**
   * Replaces all photos, selects the first, and brings it into view.
   * @param {Item[]} items
   * @param {Element | null} chosenAt  the element that had the focus when the photos were chosen
   */
  show(items, chosenAt) {
    this.#addresses.forEach((address) => URL.revokeObjectURL(address));
    this.#addresses = new Map();
    this.#items = items;
    showView("photo");
    element("panel").hidden = false;
    element("strip").hidden = items.length < 2;
    element("strip").replaceChildren(...items.map((item) => this.#thumbnail(item)));
    this.#select(items[0]);
    bringIntoView(chosenAt);
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
    this.#faces.show();
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
    const focused = document.activeElement;
    const isReplaced = focused !== panel && panel.contains(focused);
    const byKeyboard = isReplaced && focused.matches(":focus-visible");
    panel.className = `panel ${state}`;
    panel.replaceChildren(...panelContent(item, this.#actions(item)));
    if (isReplaced) focusPanel(byKeyboard);
    this.#faces.show(state === "answered" ? item.recognition : undefined);
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

/** Replaces what the page shows. Its parts appear at their new places; browsers would else take them for parts that jump. */
function showView(view) {
  if (document.body.dataset.view === view) return;
  const parts = document.querySelectorAll("main > :not([hidden]), footer");
  parts.forEach((part) => (part.hidden = true));
  document.body.dataset.view = view;
  document.body.getBoundingClientRect(); // lays the page out without them
  parts.forEach((part) => (part.hidden = false));
}

/** Shows the photo with its answer, and moves the focus there. Visitors who have moved the focus since then are left alone. */
function bringIntoView(chosenAt) {
  const focused = document.activeElement;
  if (focused !== chosenAt && focused !== document.body && !element("panel").contains(focused)) return;
  if (focused !== element("panel")) focusPanel(Boolean(focused?.matches(":focus-visible")));
  const { top } = element("desk").getBoundingClientRect();
  if (top < 0 || top > innerHeight / 3) element("desk").scrollIntoView();
}

/** @param {boolean} byKeyboard  whether the visitor sees where the focus is, and has to see it here too */
function focusPanel(byKeyboard) {
  element("panel").toggleAttribute("data-keyboard", byKeyboard);
  element("panel").focus({ preventScroll: true });
}

/** Updates what can change without a new state. */
function updateProgress(item) {
  if (element("progress")) element("progress").textContent = progress(item, Date.now());
  if (element("sent")) element("sent").value = item.progress;
}
