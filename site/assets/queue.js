// The chosen photos, and the steps of each from the file to the answer.
import { Failure, pageError } from "./failure.js";

/** Photos sent in parallel. Each one may start another instance of the service. */
const MAX_PARALLEL = 2;

/** After this time the page explains why the answer takes long. */
const SLOW_MS = 2000;

/**
 * @typedef {object} Item  a photo
 * @property {Blob} file  the file as it was chosen
 * @property {"waiting" | "preparing" | "asking" | "sending" | "working" | "pausing" | "answered" | "failed" | "cancelled"} state
 *   asking: the photo would be sent with its metadata, and the visitor has to agree
 * @property {Blob | null} [preview]  the upright photo without metadata, once it is prepared; null if the browser can't
 *   open the file
 * @property {Blob} [sent]  the bytes that are sent
 * @property {number} progress  how much has been sent, 0 to 1
 * @property {boolean} slow  whether the answer takes longer than SLOW_MS
 * @property {number} [pauseMs]  how long until the next attempt
 * @property {import("./api.js").Recognition} [recognition]
 * @property {Failure} [failure]
 */

/**
 * Sends a "change" event whenever an item changes; its `detail` is the item.
 * `prepare` and `recognize` are the functions of photo.js and api.js.
 */
export class Queue extends EventTarget {
  /** @type {Item[]} */
  items = [];
  #controllers = new Map();
  /** Whether the visitor has agreed to send these photos with their metadata, where it can't be removed. */
  #metadataAllowed = false;
  #prepare;
  #recognize;

  constructor({ prepare, recognize }) {
    super();
    this.#prepare = prepare;
    this.#recognize = recognize;
  }

  /** Replaces all photos. @param {Blob[]} files */
  replace(files) {
    this.#start(files.map((file) => ({ file, state: "waiting", progress: 0, slow: false })));
  }

  /** Replaces all photos by a failure. @param {Failure} failure */
  fail(failure) {
    this.#start([{ state: "failed", failure, progress: 0, slow: false }]);
  }

  /** @param {Item} item */
  cancel(item) {
    this.#controllers.get(item)?.abort();
    this.#change(item, { state: "cancelled" });
    this.#next();
  }

  /** @param {Item} item */
  retry(item) {
    this.#change(item, { state: "waiting", failure: undefined, progress: 0, slow: false });
    this.#next();
  }

  /** Sends all photos whose metadata can't be removed as they are. */
  allowMetadata() {
    this.#metadataAllowed = true;
    this.items.filter(({ state }) => state === "asking").forEach((item) => this.#change(item, { state: "waiting" }));
    this.#next();
  }

  /** Tries the photos again that failed because there was no connection. */
  reconnect() {
    this.items.filter((item) => item.failure?.type === "offline").forEach((item) => this.retry(item));
  }

  #start(items) {
    for (const item of this.items) this.#controllers.get(item)?.abort();
    this.items = items;
    this.#metadataAllowed = false;
    this.#next();
  }

  #next() {
    const busy = this.items.filter((item) => this.#controllers.has(item)).length;
    const waiting = this.items.filter((item) => item.state === "waiting");
    for (const item of waiting.slice(0, Math.max(0, MAX_PARALLEL - busy))) this.#run(item);
  }

  async #run(item) {
    const controller = new AbortController();
    const { signal } = controller;
    this.#controllers.set(item, controller);
    const change = (changes) => signal.aborted || this.#change(item, changes);
    try {
      change({ state: "preparing" });
      const prepared = item.sent ? { blob: item.sent, preview: item.preview } : await this.#prepare(item.file, signal);
      const { blob, preview } = prepared;
      change({ sent: blob, preview });
      if (!preview && !this.#metadataAllowed) return change({ state: "asking" });
      change({ recognition: await this.#send(blob, signal, change), state: "answered" });
    } catch (error) {
      change({ state: "failed", failure: error instanceof Failure ? error : pageError() });
      if (!(error instanceof Failure) && !signal.aborted) reportError(error);
    } finally {
      if (this.#controllers.get(item) === controller) this.#controllers.delete(item);
      this.#next();
    }
  }

  async #send(blob, signal, change) {
    let timer;
    const stopTimer = () => clearTimeout(timer);
    try {
      change({ state: "sending", progress: 0 });
      return await this.#recognize(blob, {
        signal,
        onProgress: (progress) => change({ state: "sending", progress, slow: false }),
        onSent: () => {
          stopTimer();
          change({ state: "working", slow: false });
          timer = setTimeout(() => change({ slow: true }), SLOW_MS);
        },
        onWait: ({ ms }) => {
          stopTimer();
          change({ state: "pausing", pauseMs: ms, slow: false });
        },
      });
    } finally {
      stopTimer();
    }
  }

  #change(item, changes) {
    Object.assign(item, changes);
    this.dispatchEvent(new CustomEvent("change", { detail: item }));
  }
}
