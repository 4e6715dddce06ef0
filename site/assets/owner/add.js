// Adds somebody by a name and photos.
import { words } from "../words.js";
import { addPerson, addPhotos } from "./api.js";
import { Drafts } from "./drafts.js";

const element = (id) => document.getElementById(id);

export class AddRoom {
  #drafts;
  #api;
  /** Is set as soon as the person is there, while further photos are sent. */
  #id = "";

  /**
   * @param {string} api
   * @param {(added: import("./types.js").Added[], drafts: import("./drafts.js").Draft[]) => void} onAdded
   */
  constructor(api, onAdded) {
    this.#api = api;
    this.#drafts = new Drafts(element("add-drafts"), api, {
      label: words.addPersonButton,
      check: () => this.#hasName(),
      send: (photos, keyOf) => this.#send(photos, keyOf),
      onAdded: (added, drafts) => {
        onAdded(added, drafts);
        this.#clear();
      },
    });
    element("new-person").addEventListener("submit", (event) => event.preventDefault());
    element("new-name").addEventListener("input", () => this.#drafts.say(""));
  }

  enter() {}

  /** @param {Blob[]} files */
  take(files) {
    this.#drafts.add(files);
    if (!element("new-name").value.trim()) element("new-name").focus();
  }

  retry() {
    this.#drafts.retry();
  }

  get hasWork() {
    return this.#drafts.photos.length > 0;
  }

  #hasName() {
    if (element("new-name").value.trim()) return true;
    this.#drafts.say(words.nameMissing, true);
    element("new-name").focus();
    return false;
  }

  async #send(photos, keyOf) {
    if (this.#id) return addPhotos(this.#api, this.#id, photos, keyOf(this.#id));
    const name = element("new-name").value.trim();
    const added = await addPerson(this.#api, name, photos, keyOf(name));
    this.#id = added.person.id;
    return added;
  }

  #clear() {
    this.#id = "";
    element("new-name").value = "";
    this.#drafts.clear();
  }
}
