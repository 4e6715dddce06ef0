// The strip of all photos. It is one stop of the Tab key; the arrow keys, Home and End select a photo, Delete removes it.
import { make } from "./dom.js";
import { groupOf, shortResult } from "./sentences.js";
import { words } from "./words.js";

/** @typedef {import("./queue.js").Item} Item */

/** More photos are shown in several rows, as an overview. */
const MAX_IN_ONE_ROW = 12;

export class Strip {
  #list;
  #onSelect;
  #onRemove;
  /** Elements of the list by photo, in the order of the photos. @type {Map<Item, HTMLElement>} */
  #entries = new Map();
  #group = "all";
  /** @type {Item | undefined} */
  selected;

  /**
   * @param {HTMLElement} list
   * @param {{select: (item: Item) => void, remove: (item: Item) => void}} actions
   */
  constructor(list, { select, remove }) {
    this.#list = list;
    this.#onSelect = select;
    this.#onRemove = remove;
    list.addEventListener("keydown", (event) => this.#press(event));
  }

  /** Shows these photos. The elements of photos that stay are kept. @param {Item[]} items */
  show(items) {
    this.#entries = new Map(items.map((item) => [item, this.#entries.get(item) ?? this.#entry(item)]));
    this.#list.replaceChildren(...this.#entries.values());
    this.#list.classList.toggle("many", items.length > MAX_IN_ONE_ROW);
  }

  /** @param {Item} item */
  select(item) {
    const before = this.selected;
    this.selected = item;
    for (const each of [before, item]) if (this.#entries.has(each)) this.update(each);
  }

  /**
   * @param {Item} item
   * @param {string} [address]  of its picture, once there is one; it changes when the photo is turned
   */
  update(item, address) {
    const button = this.#button(item);
    const isSelected = item === this.selected;
    if (address && button.firstChild.src !== address) button.firstChild.src = address;
    button.className = item.state === "answered" ? groupOf(item) : item.state;
    button.setAttribute("aria-label", words.photoResult(this.#number(item), shortResult(item)));
    button.setAttribute("aria-current", String(isSelected));
    button.tabIndex = isSelected ? 0 : -1;
    this.#entries.get(item).hidden = !this.#isShown(item);
  }

  /**
   * Hides the photos of other groups, and selects one of this group.
   * @param {"all" | "known" | "stranger" | "failed"} group
   */
  filter(group) {
    this.#group = group;
    const first = [...this.#entries.keys()].find(this.#isInGroup);
    if (first && !this.#isInGroup(this.selected)) this.#onSelect(first);
    for (const [item, entry] of this.#entries) entry.hidden = !this.#isShown(item);
  }

  /** @param {Item} item  @returns {Item | undefined} the photo beside it */
  neighbour(item) {
    const shown = this.#shown();
    const index = shown.indexOf(item);
    return shown[index + 1] ?? shown[index - 1];
  }

  /** @param {Item} item */
  focus(item) {
    this.#button(item).focus({ preventScroll: true });
    this.#button(item).scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  #isInGroup = (item) => this.#group === "all" || groupOf(item) === this.#group;

  /** The selected photo stays, also if it leaves the group: it is the strip's stop of the Tab key. */
  #isShown = (item) => item === this.selected || this.#isInGroup(item);

  #shown = () => [...this.#entries.keys()].filter(this.#isShown);

  #button = (item) => this.#entries.get(item).firstChild;

  #number = (item) => [...this.#entries.keys()].indexOf(item) + 1;

  #entry(item) {
    const picture = make("img", { alt: "", decoding: "async" });
    const onclick = () => this.#onSelect(item);
    return make("li", {}, make("button", { type: "button", tabindex: "-1", onclick }, picture, make("span", { class: "dot" })));
  }

  #press(event) {
    const shown = this.#shown();
    const index = shown.findIndex((item) => this.#button(item) === event.target);
    if (index < 0 || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "Delete") return this.#onRemove(shown[index]);
    const next = shown[this.#indexAfter(event.key, index, shown)];
    if (!next) return;
    event.preventDefault(); // the strip must not scroll as well
    this.#onSelect(next);
    this.focus(next);
  }

  /** @returns {number | undefined} the photo that a key leads to; undefined for other keys */
  #indexAfter(key, index, shown) {
    const last = shown.length - 1;
    if (key === "Home") return 0;
    if (key === "End") return last;
    const right = getComputedStyle(this.#list).direction === "rtl" ? -1 : 1;
    const top = (item) => this.#button(item).offsetTop + this.#entries.get(item).offsetTop;
    const perRow = shown.filter((item) => top(item) === top(shown[0])).length;
    const step = { ArrowRight: right, ArrowLeft: -right, ArrowDown: perRow, ArrowUp: -perRow }[key];
    return step && Math.min(Math.max(index + step, 0), last);
  }
}
