// The room of one person: how well known, more photos, another name, removal.
import { make } from "../dom.js";
import { words } from "../words.js";
import { addPhotos, forgetNearMisses, getPerson, removePerson, renamePerson } from "./api.js";
import { Drafts } from "./drafts.js";
import { adviceFor, button, nameView, photosOf, portrait, qualityView, roomOf, tell, tellFailure } from "./parts.js";
import { ask } from "./question.js";
import { dateOf } from "./words.js";

const element = (id) => document.getElementById(id);

export class PersonRoom {
  #api;
  #onRemoved;
  #drafts;
  #id = "";
  /** @type {import("./types.js").Person | undefined} */
  #person;
  #etag = "";
  #news = make("p", { class: "notice", role: "status", hidden: true });

  /** @param {string} api  @param {(sentence: string) => void} onRemoved  gets what to say about it */
  constructor(api, onRemoved) {
    this.#api = api;
    this.#onRemoved = onRemoved;
    this.#drafts = new Drafts(element("person-drafts"), api, {
      label: words.addPhotosButton,
      send: (photos, keyOf) => addPhotos(this.#api, this.#id, photos, keyOf(this.#id)),
      onAdded: (added) => {
        this.showAdded(added);
        this.#load();
      },
    });
  }

  /** @param {string} id */
  async enter(id) {
    if (id !== this.#id) this.#begin(id);
    this.#person = undefined;
    element("person-changes").replaceChildren(); // until the state is known: a correction may have changed it
    await this.#load();
  }

  /** Shows a person who was just added, with the photos that were not used. */
  show(added, drafts) {
    this.#begin(added[0].person.id);
    this.#drafts.takeOver(drafts);
    this.showAdded(added);
  }

  /** Says what became of the photos. @param {import("./types.js").Added[]} added  the answers of all requests */
  showAdded(added) {
    const last = added[added.length - 1];
    const used = added.flatMap(({ photos }) => photos).filter((photo) => photo.used).length;
    const left = this.#drafts.photos.length;
    this.#show({ person: last.person, etag: "" });
    this.#say([words.photosUsed(used), left ? words.photosNotUsed(left) : ""].filter(Boolean).join(" "));
    for (const remark of last.remarks ?? []) this.#news.append(" ", make("span", { lang: "en", dir: "ltr" }, remark));
  }

  leave() {
    this.#say("");
  }

  /** @param {Blob[]} files */
  take(files) {
    this.#drafts.add(files);
  }

  retry() {
    this.#drafts.retry();
  }

  get hasWork() {
    return this.#drafts.photos.length > 0;
  }

  #begin(id) {
    this.#id = id;
    this.#person = undefined;
    this.#drafts.clear();
    this.#say("");
    element("person").replaceChildren(title(words.loadingPeople), this.#news);
    element("person-changes").replaceChildren();
  }

  #say(sentence) {
    tell(this.#news, sentence);
  }

  async #load() {
    const id = this.#id;
    try {
      const found = await getPerson(this.#api, id);
      if (id === this.#id) this.#show(found);
    } catch (failure) {
      if (id === this.#id) this.#fail(failure);
    }
  }

  #fail(failure) {
    if (this.#person && failure.type !== "unknown-person") return tellFailure(this.#news, failure);
    replace([title(words.failed)], this.#news, make("a", { class: "button quiet", href: "#people" }, words.peopleRoom));
    element("person-changes").replaceChildren();
    tellFailure(this.#news, failure);
  }

  #show({ person, etag }) {
    const isOther = this.#person?.name !== person.name || this.#person?.trained !== person.trained;
    this.#person = person;
    this.#etag = etag;
    replace(this.#about(person), this.#news);
    if (!element("room-person").hidden) document.title = `${person.name} – Visage`;
    if (isOther) element("person-changes").replaceChildren(...(person.trained ? [trainedNote(person)] : this.#changes(person)));
  }

  #about(person) {
    const facts = [
      [words.photosFact, photosOf(person)],
      [words.nearMisses, words.nearMissCount(person.near_misses)],
      person.created && [words.created, dateOf(person.created)],
      person.changed && [words.changed, dateOf(person.changed)],
    ].filter(Boolean);
    return [
      make("div", { class: "who" }, portrait(this.#api, person), make("div", {}, title(nameView(person.name)), qualityView(person))),
      make("dl", { class: "facts" }, ...facts.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value)))),
      make("ul", { class: "advice" }, ...adviceFor(person).map((sentence) => make("li", {}, sentence))),
      person.lookalikes.length > 0 && lookalikesView(person.lookalikes),
      person.near_misses > 0 && make("div", {}, button(words.forgetNearMisses, () => this.#forgetNearMisses())),
      make("h2", {}, words.addPhotosTitle),
    ].filter(Boolean);
  }

  #changes({ name }) {
    const input = make("input", { maxlength: "100", autocomplete: "off", spellcheck: "false", dir: "auto", value: name });
    const problem = make("p", { class: "notice", role: "alert", hidden: true });
    const onsubmit = (event) => {
      event.preventDefault();
      this.#rename(input.value.trim(), problem);
    };
    const field = make("label", { class: "field" }, make("span", {}, words.newName), input);
    return [
      make("form", { class: "line", onsubmit }, field, make("button", { class: "button quiet" }, words.rename)),
      problem,
      make("div", { class: "line" }, button(words.removePerson, () => this.#remove(problem), "button danger")),
    ];
  }

  async #forgetNearMisses() {
    try {
      this.#show(await forgetNearMisses(this.#api, this.#id, this.#etag));
      this.#say(words.nearMissesForgotten);
    } catch (failure) {
      this.#refused(failure, this.#news);
    }
  }

  async #rename(name, problem) {
    if (!name) return tell(problem, words.nameMissing, true);
    tell(problem, "");
    try {
      this.#show(await renamePerson(this.#api, this.#id, name, this.#etag));
      this.#say(words.renamed(name));
    } catch (failure) {
      this.#refused(failure, problem);
    }
  }

  async #remove(problem) {
    const { name, photos, near_misses: nearMisses } = this.#person;
    const consequences = [words.removeGoes(photos, nearMisses), words.removeSoon, words.removeCopies];
    if (!(await ask(words.removeQuestion(name), consequences, words.removePerson))) return;
    tell(problem, "");
    try {
      const gone = await removePerson(this.#api, this.#id, this.#etag);
      this.#id = "";
      this.#onRemoved(words.removed(gone.name, dateOf(gone.gone_on)));
    } catch (failure) {
      this.#refused(failure, problem);
    }
  }

  /** After another owner's change, the new state is shown. */
  async #refused(failure, problem) {
    if (failure.type !== "changed-meanwhile") return tellFailure(problem, failure);
    this.#person = undefined; // so that the form has the new name
    await this.#load();
    this.#say(failure.message);
  }
}

/** The focus stays on the title. */
function replace(about, ...others) {
  const hadFocus = document.activeElement === element("person-title");
  element("person").replaceChildren(...about, ...others);
  if (hadFocus) element("person-title").focus({ preventScroll: true });
}

const title = (content) => make("h1", { id: "person-title", tabindex: "-1" }, content);

function lookalikesView(lookalikes) {
  const link = ({ id, name }) => make("a", { href: roomOf(id) }, nameView(name));
  return make("p", { class: "lookalikes" }, words.lookalikes, ...lookalikes.flatMap((each) => [" ", link(each)]));
}

function trainedNote({ name }) {
  const command = `visage forget BUNDLE ${/^[\w-]+$/.test(name) ? name : `"${name.replace(/["\\$`]/g, "\\$&")}"`}`;
  return make("div", { class: "notice calm" }, make("p", {}, words.trainedNote), make("code", { dir: "ltr" }, command));
}
