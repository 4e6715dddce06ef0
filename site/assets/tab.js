// What this tab keeps until it is closed: a small picture and the answer of each photo, so that they survive a reload and
// Back. The photo itself is not kept.
import { Failure } from "./failure.js";
import { encode, fit, openPhoto } from "./shrink.js";

/** @typedef {import("./queue.js").Item} Item */

/** Of the longer side of a kept picture, in pixels. It is enough to recognise a photo beside its answer. */
const MAX_SIDE = 480;
const QUALITY = 0.7;

/** Browsers let a website keep about 5 MB, and some count two bytes a character. About 70 photos fit. */
const MAX_CHARACTERS = 2_000_000;

const KEY = /^photo (\d+) (\d+)$/;

export class Tab {
  #storage;
  /** Pictures are made one after the other. */
  #last = Promise.resolve();

  /** @param {Storage} storage */
  constructor(storage) {
    this.#storage = storage;
  }

  /**
   * Keeps a photo that has its result: the answer at once, its small picture when that is made.
   * @param {Item} item
   * @param {number} choice  the same for photos that were chosen together, and higher for later ones
   * @param {() => boolean} isWanted  whether it still is when its picture is ready
   * @returns {Promise<void>}
   */
  keep(item, choice, isWanted) {
    const key = `photo ${choice} ${item.id}`;
    const { file, size, recognition, original, failure, preview } = item;
    const about = failure && { summary: failure.summary, advice: failure.advice, type: failure.type, requestId: failure.requestId };
    const result = { name: file.name, size, recognition, original, failure: about };
    if (isWanted()) this.#write(key, JSON.stringify(result)); // at once: the visitor may leave before its picture is made
    return (this.#last = this.#last.then(async () => {
      const picture = preview && (await smallPicture(preview));
      if (isWanted()) this.#write(key, JSON.stringify({ ...result, picture }));
    }));
  }

  /** @returns {number | undefined} the newest choice that is kept */
  get newest() {
    return this.#keys().at(-1)?.choice;
  }

  /** @param {number} choice  @returns {Item[]} in their order; their files are the small pictures */
  restore(choice) {
    return this.#keys().filter((key) => key.choice === choice).map(({ name, id }) => itemOf(this.#storage.getItem(name), id));
  }

  /** @param {Item} item  that was removed */
  drop({ id }) {
    for (const key of this.#keys()) if (key.id === id) this.#storage.removeItem(key.name);
  }

  /** Removes everything that is kept. */
  forget() {
    for (const { name } of this.#keys()) this.#storage.removeItem(name);
  }

  /** The oldest first. */
  #keys() {
    const keys = Object.keys(this.#storage).map((name) => name.match(KEY)).filter(Boolean);
    return keys.map(([name, choice, id]) => ({ name, choice: Number(choice), id: Number(id) })).sort((one, other) => one.choice - other.choice || one.id - other.id);
  }

  /** Removes the oldest until there is room. */
  #write(name, value) {
    const old = this.#keys().filter((key) => key.name !== name);
    let characters = old.reduce((sum, key) => sum + this.#storage.getItem(key.name).length, value.length);
    for (;;) {
      try {
        if (characters <= MAX_CHARACTERS) return this.#storage.setItem(name, value);
      } catch {
        // The browser has less room.
      }
      const oldest = old.shift();
      if (!oldest) return;
      characters -= this.#storage.getItem(oldest.name).length;
      this.#storage.removeItem(oldest.name);
    }
  }
}

/** @returns {Promise<string>} base64; empty if the browser can't make it */
async function smallPicture(blob) {
  const photo = await openPhoto(blob);
  try {
    const small = await encode(photo.picture, fit(photo, MAX_SIDE), QUALITY);
    const bytes = new Uint8Array(await small.arrayBuffer());
    return btoa(bytes.reduce((text, byte) => text + String.fromCharCode(byte), ""));
  } catch {
    return "";
  } finally {
    photo?.close();
  }
}

/** @returns {Item} its file is the small picture under the name of the photo */
function itemOf(text, id) {
  const { name = "", size, recognition, original, failure, picture } = JSON.parse(text);
  const bytes = Uint8Array.from(atob(picture ?? ""), (letter) => letter.charCodeAt(0));
  const file = new File([bytes], name, { type: "image/jpeg" });
  return {
    id,
    file,
    size,
    recognition,
    original,
    failure: failure && new Failure(failure.summary, failure),
    preview: picture ? file : null,
    state: recognition ? "answered" : "failed",
    progress: 1,
    slow: false,
    since: Date.now(),
  };
}
