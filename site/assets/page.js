// Shows the selected photo with its faces, the panel beside it, and what is offered with several photos.
import { Announcer } from "./announcer.js";
import { panelContent } from "./answer.js";
import { make } from "./dom.js";
import { Faces } from "./faces.js";
import { metadataNote, progress, title } from "./sentences.js";
import { words } from "./words.js";

/** @typedef {import("./queue.js").Item} Item */

const element = (id) => document.getElementById(id);

/** @type {typeof import("./several.js").Several | undefined} */
let Several;

/** Loads what several photos need. Once they are shown, it moves the page. Without a connection, one is shown alone. */
export const loadSeveral = () => import("./several.js").then((module) => ({ Several } = module), () => {});

export class Page {
  /** @type {Item | undefined} */
  #current;
  /** @type {Item[]} */
  #items = [];
  /** The previews and their addresses: they show what is sent, so of an animation the frame that is looked at. */
  #addresses = new Map();
  /** State of the item that the panel shows; empty if the panel must be built again. */
  #panelState = "";
  #actions;
  #faces = new Faces(element("boxes"), element("panel"));
  #announcer = new Announcer(element("status"));
  /** @type {import("./several.js").Several | undefined} */
  #several;
  #remove;

  /**
   * @param {(item: Item) => import("./answer.js").Actions} actions  returns what the panel's buttons do for an item
   * @param {(item: Item) => void} remove  removes one of several photos
   */
  constructor(actions, remove) {
    this.#actions = actions;
    this.#remove = remove;
    setInterval(() => this.#current && updateProgress(this.#current), 1000);
  }

  /**
   * Shows these photos. Those that were there before keep their place in the page.
   * @param {Item[]} items  none shows the page as it was before the first photo
   * @param {{selected?: Item, chosenAt?: Element | null}} [how]  photos that were just chosen are brought into view: `chosenAt`
   *   is the element that had the focus then
   */
  show(items, { selected = items[0], chosenAt } = {}) {
    this.#items = items;
    this.#revokeAddresses();
    for (const item of items) this.#keepAddress(item);
    showView(items.length ? "photo" : "empty");
    element("panel").hidden = !items.length;
    this.#announcer.begin(items);
    if (selected) this.#select(selected);
    else this.#clear();
    this.#showSeveral();
    if (chosenAt !== undefined) bringIntoView(chosenAt);
  }

  /** Removes one of several photos. If it is selected, the one beside it is next. @param {Item} item */
  remove(item) {
    const hadFocus = element("strip").contains(document.activeElement);
    const items = this.#items.filter((each) => each !== item);
    this.show(items, { selected: this.#current === item ? this.#several.neighbour(item) : this.#current });
    if (items.length < 2) focusPanel(hadFocus);
    else if (hadFocus) this.#several.focus(this.#current);
  }

  /** Shows a sentence above the panel until the next one. @param {string} sentence  empty for none */
  note(sentence) {
    element("note").textContent = sentence;
    element("note").hidden = !sentence;
  }

  /** An item has changed. @param {Item} item */
  update(item) {
    if (!this.#items.includes(item)) return; // it belongs to photos that were replaced
    const isPrepared = this.#keepAddress(item);
    if (item === this.#current && isPrepared) this.#showPhoto(item);
    if (item === this.#current) this.#render();
    else document.title = title(this.#items, this.#current);
    this.#announcer.update(item, this.#items);
    if (this.#items.length > 1) this.#several?.update(item);
  }

  #select(item) {
    this.#current = item;
    this.#panelState = "";
    this.#several?.select(item);
    this.#showPhoto(item);
    this.#render();
  }

  #clear() {
    this.#current = undefined;
    element("stage").hidden = true;
    element("metadata").textContent = words.metadataPromise;
    delete document.body.dataset.state;
    document.title = words.pageTitle;
  }

  /** @returns {boolean} whether the photo has its picture, or another one, since now */
  #keepAddress(item) {
    const shown = this.#addresses.get(item);
    if (!item.preview || shown?.preview === item.preview) return false;
    if (shown) URL.revokeObjectURL(shown.address);
    this.#addresses.set(item, { preview: item.preview, address: URL.createObjectURL(item.preview) });
    return true;
  }

  #revokeAddresses() {
    for (const [item, { address }] of this.#addresses) {
      if (this.#items.includes(item)) continue;
      URL.revokeObjectURL(address);
      this.#addresses.delete(item);
    }
  }

  #showSeveral() {
    const places = { list: element("strip"), summary: element("several"), tools: element("all") };
    for (const place of Object.values(places)) place.hidden = this.#items.length < 2;
    if (this.#items.length < 2) return;
    if (!Several) return loadSeveral().then(() => Several && this.#showSeveral());
    const actions = { select: (item) => this.#select(item), remove: this.#remove, addressOf: (item) => this.#addresses.get(item)?.address };
    this.#several ??= new Several(places, actions);
    this.#several.show(this.#items, this.#current);
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
      photo.src = this.#addresses.get(item).address;
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
