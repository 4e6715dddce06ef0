// Under each face of an answer: who this is, or who it is not.
import { make } from "../dom.js";
import { isKnown } from "../sentences.js";
import { words } from "../words.js";
import { listPeople } from "./api.js";
import { button, nameView, tell, tellFailure } from "./parts.js";
import { correctionText, deliver, isSameName, makeCorrection } from "./waiting.js";

/** People that a name may mean. */
const MAX_FOUND = 6;

/** The people are asked for when the owner has not typed for so long. */
const TYPING_MS = 250;

export class CorrectionView {
  #api;
  #face;
  #number;
  #photo;
  #waiting;
  #again;
  #result = make("p", { class: "fine", role: "status", hidden: true });
  #choices = make("div", { class: "choices" });
  #form = make("div", { class: "who-is-this", hidden: true });
  #asked = new AbortController();

  /**
   * @param {import("../types.js").Face} face
   * @param {number} number  from 1
   * @param {{api: string, photo: Blob, waiting: import("./waiting.js").Waiting, again: () => void}} about  `again` recognises the
   *   photo once more
   */
  constructor(face, number, { api, photo, waiting, again }) {
    this.#api = api;
    this.#face = face;
    this.#number = number;
    this.#photo = photo;
    this.#waiting = waiting;
    this.#again = again;
    this.#showChoices();
  }

  /** @returns {HTMLElement} */
  get element() {
    return make("div", { class: "correction" }, this.#choices, this.#form, this.#result);
  }

  #showChoices() {
    const { label } = this.#face;
    const known = isKnown(this.#face);
    this.#choices.replaceChildren(
      ...[
        known && button(words.isNot(label), () => this.#send({ kind: "not", id: this.#face.id, name: label })),
        button(known ? words.isSomebodyElse : words.sayWho, () => this.#openForm()),
      ].filter(Boolean),
    );
  }

  /** The likeliest people first, then whoever the owner looks for. */
  #openForm() {
    const found = make("div", { class: "choices", role: "group", "aria-label": words.people });
    const input = make("input", { type: "search", maxlength: "100", autocomplete: "off", spellcheck: "false", dir: "auto" });
    let timer;
    input.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(() => this.#find(input.value.trim(), found), TYPING_MS);
    });
    this.#form.replaceChildren(make("label", { class: "field" }, make("span", {}, words.whoIsThis), input), found);
    this.#form.hidden = false;
    this.#offer(found, this.#likeliest());
    input.focus();
  }

  #likeliest() {
    const others = this.#face.predictions.filter(({ label }) => !isKnown(this.#face) || label !== this.#face.label);
    return others.slice(0, 3).map(({ id, label }) => ({ id, name: label }));
  }

  async #find(name, place) {
    this.#asked.abort();
    const { signal } = (this.#asked = new AbortController());
    if (!name) return this.#offer(place, this.#likeliest());
    try {
      const { people } = await listPeople(this.#api, { name, limit: MAX_FOUND }, signal);
      if (!signal.aborted) this.#offer(place, people, isListed(name, people) ? "" : name);
    } catch (failure) {
      if (!signal.aborted) this.#offer(place, [], name); // it can be sent later
    }
  }

  #offer(place, people, newName = "") {
    const choice = ({ id, name }) => button(words.isPerson(name), () => this.#send({ kind: "is", id, name }));
    const addNew = newName && button(words.isNewPerson(newName), () => this.#send({ kind: "new", name: newName }));
    place.replaceChildren(...[...people.map(choice), addNew].filter(Boolean));
  }

  async #send(about) {
    const correction = makeCorrection({ ...about, face: this.#number, photo: this.#photo });
    for (const each of [...this.#choices.children, ...this.#form.querySelectorAll("button")]) each.disabled = true;
    tell(this.#result, words.sendingCorrection);
    try {
      this.#showResult(correction, await deliver(this.#api, correction));
    } catch (failure) {
      this.#failed(correction, failure);
    }
  }

  #showResult(correction, { photos: [photo] }) {
    const problem = photo && !photo.used && photo.problem;
    if (problem) return this.#refuse(words.photoProblems[problem.type.split(":").pop()]?.join(" ") ?? problem.detail);
    this.#form.hidden = true;
    this.#choices.replaceChildren(button(words.recogniseAgain, this.#again));
    tell(this.#result, `${words.corrected} ${correctionText(correction)}`);
    this.#choices.firstChild.focus();
  }

  #failed(correction, failure) {
    if (!failure.retryable) {
      this.#refuse("");
      return tellFailure(this.#result, failure);
    }
    this.#form.hidden = true;
    this.#choices.replaceChildren();
    tell(this.#result, words.correctionWaits);
    correction.problem = failure.message;
    this.#waiting.add(correction);
    if (failure.needsKey) dispatchEvent(new CustomEvent("keyneeded", { detail: failure }));
  }

  /** The owner may choose again. */
  #refuse(sentence) {
    for (const each of [...this.#choices.children, ...this.#form.querySelectorAll("button")]) each.disabled = false;
    tell(this.#result, sentence);
  }
}

const isListed = (name, people) => people.some((person) => isSameName(person.name, name));
