// Corrections that could not be sent: this tab keeps them until they are, and the owner can send them again.
import { make } from "../dom.js";
import { Failure } from "../failure.js";
import { words } from "../words.js";
import { addNearMiss, addPerson, addPhotos, listPeople, newKey } from "./api.js";
import { button, nameView } from "./parts.js";

/**
 * @typedef {object} Correction
 * @property {"is" | "new" | "not"} kind  the face is this person, is somebody new, or is not this person
 * @property {string} [id]  of the person, if it is known
 * @property {string} name
 * @property {number} face  from 1
 * @property {Blob} photo  as it was recognised
 * @property {string} key  of the request
 * @property {string} [problem]  why it was not sent
 * @property {string} [stored]  its name in the tab's storage
 * @property {boolean} [sending]
 */

const PREFIX = "correction ";

/**
 * Sends a correction.
 * @param {string} api
 * @param {Correction} correction
 * @returns {Promise<import("./types.js").Added>}
 * @throws {import("../failure.js").Failure}
 */
export async function deliver(api, { kind, id, name, face, photo, key }) {
  const photos = [{ blob: photo, face }];
  if (kind === "new") {
    return addPerson(api, name, photos, key).catch((failure) => {
      if (failure.type !== "name-taken" || !failure.body?.id) throw failure;
      return addPhotos(api, failure.body.id, photos, `${key}0`); // each request has a key of its own
    });
  }
  const known = id ?? (await idOf(api, name));
  return kind === "not" ? addNearMiss(api, known, photos[0], key) : addPhotos(api, known, photos, key);
}

/** Answers of an older deployment have names without ids. */
async function idOf(api, name) {
  const { people } = await listPeople(api, { name, limit: 100 });
  const found = people.find((person) => isSameName(person.name, name));
  if (!found) throw new Failure(...sentences("unknown-person"));
  return found.id;
}

const sentences = (type) => [words.problems[type][0], { advice: words.problems[type][1], type }];

const fold = (name) => name.normalize("NFKC").toLowerCase();

/** @param {string} one  @param {string} other  @returns {boolean} whether the service takes these for one name */
export const isSameName = (one, other) => fold(one) === fold(other);

/** @param {Omit<Correction, "key">} correction  @returns {Correction} */
export const makeCorrection = (correction) => ({ ...correction, key: newKey() });

/** @param {Correction} correction  @returns {string} */
export const correctionText = ({ kind, name }) => words.corrections[kind](name);

/** The corrections that wait. Sends a "change" event whenever they change. */
export class Waiting extends EventTarget {
  /** @type {Correction[]} */
  items = [];
  #storage;
  #deliver;

  /** @param {Storage | null} storage  of the tab; null if the browser blocks it  @param {(correction: Correction) => Promise<unknown>} send */
  constructor(storage, send) {
    super();
    this.#storage = storage;
    this.#deliver = send;
  }

  /** Reads what the tab has kept since before a reload. */
  async restore() {
    const names = this.#storage ? Object.keys(this.#storage).filter((name) => name.startsWith(PREFIX)).sort() : [];
    for (const name of names) {
      const { photo, ...correction } = JSON.parse(this.#storage.getItem(name));
      this.items.push({ ...correction, photo: await fromText(photo), stored: name });
    }
    this.#changed();
  }

  /** @param {Correction} correction */
  async add(correction) {
    this.items.push(correction);
    this.#changed();
    const name = `${PREFIX}${Date.now()} ${correction.key}`;
    const text = JSON.stringify({ ...correction, photo: await toText(correction.photo) });
    try {
      this.#storage?.setItem(name, text);
      correction.stored = this.#storage ? name : "";
    } catch {
      // There is no room: the page itself keeps it, and asks before it is left.
    }
  }

  /** @param {Correction} correction */
  drop(correction) {
    this.items = this.items.filter((each) => each !== correction);
    if (correction.stored) this.#storage.removeItem(correction.stored);
    this.#changed();
  }

  /** Whether leaving the page would lose one. */
  get wouldLose() {
    return this.items.some(({ stored }) => !stored);
  }

  /** Sends one again, or all. Those that the service refuses stay, with its reason. @param {Correction[]} [corrections] */
  async send(corrections = [...this.items]) {
    for (const correction of corrections) {
      if (correction.sending) continue;
      this.#change(correction, { sending: true, problem: "" });
      try {
        await this.#deliver(correction);
        this.drop(correction);
      } catch (failure) {
        this.#change(correction, { problem: failure.message });
        if (failure.retryable) return; // the others would fail too
      } finally {
        this.#change(correction, { sending: false });
      }
    }
  }

  #change(correction, changes) {
    Object.assign(correction, changes);
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}

/** Shows the corrections that wait in this place. @param {Waiting} waiting  @param {{section: HTMLElement, list: HTMLElement}} place */
export function showWaiting(waiting, { section, list }) {
  const row = (correction) => {
    const problem = correction.problem && make("span", { class: "fine alarm" }, correction.problem);
    const send = button(words.sendAgain, () => waiting.send([correction]));
    send.disabled = Boolean(correction.sending);
    return make("li", {}, make("span", { class: "name" }, nameView(correctionText(correction)), problem), send, button(words.discard, () => waiting.drop(correction), "link"));
  };
  const show = () => {
    const hadFocus = section.contains(document.activeElement);
    section.hidden = !waiting.items.length;
    list.replaceChildren(...waiting.items.map(row));
    if (hadFocus) (list.querySelector("button") ?? document.querySelector("main .room:not([hidden]) h1"))?.focus();
  };
  waiting.addEventListener("change", show);
  show();
}

async function toText(blob) {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  return btoa(bytes.reduce((text, byte) => text + String.fromCharCode(byte), ""));
}

async function fromText(text) {
  return new Blob([Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))], { type: "image/jpeg" });
}
