// The people as a grid with how well each is known, searched by name.
import { make } from "../dom.js";
import { words } from "../words.js";
import { listPeople } from "./api.js";
import { adviceFor, nameView, photosOf, portrait, qualityView, roomOf, tell, tellFailure } from "./parts.js";

/** People on a page. */
const LIMIT = 60;

/** The list is asked for when the owner has not typed for so long. */
const TYPING_MS = 300;

const element = (id) => document.getElementById(id);

export class PeopleRoom {
  #api;
  #next = null;
  #request = new AbortController();
  #timer;

  /** @param {string} api */
  constructor(api) {
    this.#api = api;
    element("find").addEventListener("input", () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#show(), TYPING_MS);
    });
    element("more-people").addEventListener("click", () => this.#showMore());
  }

  enter() {
    return this.#show();
  }

  leave() {
    tell(element("gone"), "");
  }

  /** Shows this sentence above the people, until the room is left. @param {string} sentence */
  say(sentence) {
    tell(element("gone"), sentence);
  }

  async #show() {
    const page = await this.#load();
    if (!page) return;
    element("grid").replaceChildren();
    this.#append(page);
  }

  async #showMore() {
    const page = await this.#load(this.#next);
    if (!page) return;
    const first = this.#append(page);
    first?.focus();
  }

  /** @returns {Promise<import("./types.js").People | null>} null if it failed, or if something else is looked for by now */
  async #load(after) {
    this.#request.abort();
    const { signal } = (this.#request = new AbortController());
    element("grid").setAttribute("aria-busy", "true");
    try {
      const page = await listPeople(this.#api, { limit: LIMIT, after, name: element("find").value.trim() }, signal);
      tell(element("people-problem"), "");
      return signal.aborted ? null : page;
    } catch (failure) {
      if (!signal.aborted) tellFailure(element("people-problem"), failure);
      return null;
    } finally {
      if (!signal.aborted) element("grid").setAttribute("aria-busy", "false");
    }
  }

  /** @returns {HTMLElement | undefined} the first of these people */
  #append({ people, next, count, roster }) {
    this.#next = next;
    const cards = people.map((person) => this.#card(person));
    element("grid").append(...cards);
    element("more-people").hidden = !next;
    element("count").textContent = countOf(count, element("find").value.trim());
    const isTooLarge = roster?.supported > 0 && count > roster.supported;
    tell(element("oversize"), isTooLarge ? words.oversize(count, roster.supported) : "", true);
    return cards[0]?.firstChild;
  }

  #card(person) {
    const advice = adviceFor(person)[0];
    const link = make(
      "a",
      { class: "person", href: roomOf(person.id) },
      portrait(this.#api, person),
      make("span", { class: "name", dir: "auto" }, nameView(person.name)),
      make("span", { class: "fine" }, photosOf(person)),
      qualityView(person),
      advice && make("span", { class: "fine" }, advice),
    );
    return make("li", {}, link);
  }
}

function countOf(count, name) {
  if (count) return name ? words.found(count) : words.peopleCount(count);
  return name ? words.nobodyFound : words.noPeople;
}
