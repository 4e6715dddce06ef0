// Recognises photos, and lets the owner correct the answers.
import { alignedFace } from "../api.js";
import { Page, loadSeveral } from "../page.js";
import { prepare } from "../photo.js";
import { Queue } from "../queue.js";
import { recognize } from "./api.js";
import { CorrectionView } from "./correction.js";

export class RecogniseRoom {
  #api;
  #queue;
  #page;
  #waiting;

  /** @param {string} api  @param {import("./waiting.js").Waiting} waiting */
  constructor(api, waiting) {
    this.#api = api;
    this.#waiting = waiting;
    this.#queue = new Queue({
      prepare,
      recognize: (blob, options) => recognize(api, blob, options),
      turn: async (...photo) => (await import("../turn.js")).turn(...photo),
    });
    this.#page = new Page((item) => this.#actions(item), (item) => {
      this.#queue.remove(item);
      this.#page.remove(item);
    });
    this.#queue.addEventListener("change", ({ detail: item }) => this.#page.update(item));
  }

  enter() {
    const { items } = this.#queue;
    if (items.length) document.body.dataset.view = "photo";
  }

  leave() {
    document.body.dataset.view = "empty";
  }

  /** @param {Blob[]} files */
  take(files) {
    if (files.length > 1) loadSeveral();
    const chosenAt = document.activeElement;
    this.#queue.replace(files);
    this.#page.show(this.#queue.items, { chosenAt });
  }

  retry() {
    this.#queue.retryFailed(({ needsKey, type }) => needsKey || type === "offline");
  }

  get hasWork() {
    return false;
  }

  #actions(item) {
    const { items } = this.#queue;
    const about = { api: this.#api, photo: item.sent, waiting: this.#waiting, again: () => this.#queue.retry(item) };
    return {
      api: this.#api,
      cancel: () => this.#queue.cancel(item),
      retry: () => this.#queue.retry(item),
      allowMetadata: () => this.#queue.allowMetadata(),
      several: items.length > 1,
      alignedFace: (number) => alignedFace(this.#api, item.sent, number),
      extra: (face, number) => new CorrectionView(face, number, about).element,
    };
  }
}
