// Tells screen readers how the photos are getting on: every step of one photo, and of several how far they are.
import { isDone } from "./queue.js";
import { announcement, overview, progress } from "./sentences.js";
import { words } from "./words.js";

/** Between two sentences about several photos. A visitor needs about as long to hear one and go on reading. */
const PAUSE_MS = 10_000;

/** @typedef {import("./queue.js").Item} Item */

export class Announcer {
  #status;
  #saidAt = 0;
  #done = 0;
  #hasAsked = false;

  /** @param {HTMLElement} status  a live region */
  constructor(status) {
    this.#status = status;
  }

  /** Other photos are shown. @param {Item[]} items */
  begin(items) {
    this.#hasAsked = false;
    this.#done = items.filter(isDone).length;
    if (items.length > 1) this.#say(overview(items));
  }

  /** A photo has changed. @param {Item} item  @param {Item[]} items */
  update(item, items) {
    const sentence = items.length > 1 ? this.#sentenceOfSeveral(item, items) : sentenceOf(item);
    if (sentence) this.#say(sentence);
  }

  #sentenceOfSeveral(item, items) {
    const done = items.filter(isDone).length;
    const hasNews = done !== this.#done || item.state === "pausing";
    const isEnd = done === items.length && done !== this.#done;
    if (item.state === "asking" && !this.#hasAsked) {
      this.#hasAsked = true;
      return progress(item);
    }
    if (!isEnd && !(hasNews && Date.now() - this.#saidAt >= PAUSE_MS)) return "";
    this.#done = done;
    return item.state === "pausing" ? progress(item) : overview(items);
  }

  #say(sentence) {
    this.#saidAt = Date.now();
    this.#status.textContent = sentence;
  }
}

function sentenceOf(item) {
  const { state, recognition, failure, slow } = item;
  if (state === "answered") return announcement(recognition.faces);
  if (state === "failed") return failure.message;
  if (state === "asking") return progress(item);
  return state === "working" || state === "pausing" ? progress(item) + (slow ? ` ${words.stillWorking}` : "") : "";
}
