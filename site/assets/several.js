// What is offered with several photos: how many are known, filters, removing one, and saving all results.
import { make } from "./dom.js";
import { isDone } from "./queue.js";
import { overview, tally } from "./sentences.js";
import { Strip } from "./strip.js";
import { words } from "./words.js";

/** @typedef {import("./queue.js").Item} Item */

/** The groups that can be shown alone, in the order of their buttons. */
const GROUPS = ["all", "known", "stranger", "failed"];

export class Several {
  #items = [];
  #strip;
  #addressOf;
  #overview = make("p", { class: "overview" });
  #bar = make("div", { class: "filters", role: "group", "aria-label": words.filters });
  #filters = GROUPS.map((group) => button("", () => this.#choose(group)));
  #save = make("span", { class: "saves" });
  #saved = make("span", { class: "fine", role: "status" });
  #group = "all";

  /**
   * @param {{list: HTMLElement, summary: HTMLElement, tools: HTMLElement}} places  where the strip, the summary and the
   *   buttons for all photos belong
   * @param {object} actions
   * @param {(item: Item) => void} actions.select
   * @param {(item: Item) => void} actions.remove
   * @param {(item: Item) => string | undefined} actions.addressOf  the photo's picture, once there is one
   */
  constructor({ list, summary, tools }, { select, remove, addressOf }) {
    this.#strip = new Strip(list, { select, remove });
    this.#addressOf = addressOf;
    this.#bar.append(...this.#filters);
    this.#save.append(...["csv", "json"].map((kind) => button(words.saveAs(kind.toUpperCase()), () => this.#saveAs(kind))));
    summary.replaceChildren(this.#overview, this.#bar);
    tools.replaceChildren(button(words.removePhoto, () => remove(this.#strip.selected)), this.#save, this.#saved);
  }

  /** @param {Item[]} items  @param {Item} selected */
  show(items, selected) {
    const hasNew = items.some((item) => !this.#items.includes(item));
    this.#items = items;
    this.#strip.show(items);
    this.#strip.select(selected);
    for (const item of items) this.#strip.update(item, this.#addressOf(item));
    this.#saved.textContent = "";
    if (hasNew) this.#choose("all");
    this.#summarise();
  }

  /** A photo has changed. @param {Item} item */
  update(item) {
    this.#strip.update(item, this.#addressOf(item));
    this.#summarise();
  }

  /** @param {Item} item */
  select(item) {
    this.#strip.select(item);
  }

  /** @param {Item} item */
  focus(item) {
    this.#strip.focus(item);
  }

  /** @param {Item} item  @returns {Item | undefined} the photo beside it */
  neighbour(item) {
    return this.#strip.neighbour(item);
  }

  #summarise() {
    const counts = tally(this.#items);
    if (!counts[this.#group]) this.#choose("all");
    this.#overview.textContent = overview(this.#items);
    this.#bar.hidden = GROUPS.slice(1).filter((group) => counts[group]).length < 2;
    GROUPS.forEach((group, index) => {
      this.#filters[index].textContent = words.groups[group](counts[group]);
      this.#filters[index].hidden = !counts[group];
    });
    this.#save.hidden = !this.#items.some(isDone);
  }

  #choose(group) {
    this.#group = group;
    GROUPS.forEach((each, index) => this.#filters[index].setAttribute("aria-pressed", String(each === group)));
    this.#strip.filter(group);
  }

  async #saveAs(kind) {
    const save = await import("./save.js").catch(() => null);
    save?.[kind](this.#items);
    this.#saved.textContent = save ? words.saved : words.notAllowed;
  }
}

const button = (text, onclick) => make("button", { type: "button", class: "button quiet", onclick }, text);
