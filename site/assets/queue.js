// The photos that were brought in, and each one's way from the file to its answer.
import { Failure, nothingDropped, pageError } from "./failure.js";

/** How many are on their way at once: every one more may start another instance of the service. */
const AT_ONCE = 2;

/** From then on waiting needs an explanation. */
const SLOW_MS = 2000;

/**
 * @typedef {object} Item  a photo
 * @property {Blob} file  as it was chosen
 * @property {"waiting" | "preparing" | "sending" | "working" | "pausing" | "answered" | "failed" | "cancelled"} state
 * @property {Blob | null} [preview]  upright, as soon as it is known; null where the browser can't show it
 * @property {Blob} [sent]  what the service gets
 * @property {number} progress  how much of it is sent, 0 to 1
 * @property {boolean} slow  whether the service has been at it for long
 * @property {number} [pauseMs]  how long until the next attempt
 * @property {import("./api.js").Recognition} [recognition]
 * @property {Failure} [failure]
 */

/**
 * Tells of every change of an item by a "change" event, its detail the item.
 * Knows nothing of the page; `prepare` and `recognize` are those of photo.js and api.js.
 */
export class Queue extends EventTarget {
  /** @type {Item[]} */
  items = [];
  #controllers = new Map();
  #prepare;
  #recognize;

  constructor({ prepare, recognize }) {
    super();
    this.#prepare = prepare;
    this.#recognize = recognize;
  }

  /** Forgets the photos there were, and starts with these. @param {Blob[]} files */
  replace(files) {
    if (!files.length) return this.refuse(nothingDropped());
    this.#start(files.map((file) => ({ file, state: "waiting", progress: 0, slow: false })));
  }

  /** Forgets the photos there were; there is none, for this reason. @param {Failure} failure */
  refuse(failure) {
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

  /** The connection is back: what failed for the lack of it is tried again. */
  reconnect() {
    this.items.filter((item) => item.failure?.type === "offline").forEach((item) => this.retry(item));
  }

  #start(items) {
    for (const item of this.items) this.#controllers.get(item)?.abort();
    this.items = items;
    this.#next();
  }

  #next() {
    const busy = this.items.filter((item) => this.#controllers.has(item)).length;
    const waiting = this.items.filter((item) => item.state === "waiting");
    for (const item of waiting.slice(0, Math.max(0, AT_ONCE - busy))) this.#run(item);
  }

  async #run(item) {
    const controller = new AbortController();
    const { signal } = controller;
    this.#controllers.set(item, controller);
    const change = (changes) => signal.aborted || this.#change(item, changes);
    try {
      change({ state: "preparing" });
      const { blob, preview } = item.sent ? { blob: item.sent, preview: item.preview } : await this.#prepare(item.file, signal);
      change({ sent: blob, preview });
      change({ recognition: await this.#ask(blob, signal, change), state: "answered" });
    } catch (error) {
      change({ state: "failed", failure: error instanceof Failure ? error : pageError() });
      if (!(error instanceof Failure) && !signal.aborted) reportError(error);
    } finally {
      if (this.#controllers.get(item) === controller) this.#controllers.delete(item);
      this.#next();
    }
  }

  async #ask(blob, signal, change) {
    let timer;
    const over = () => clearTimeout(timer);
    try {
      change({ state: "sending", progress: 0 });
      return await this.#recognize(blob, {
        signal,
        onProgress: (progress) => change({ state: "sending", progress, slow: false }),
        onSent: () => {
          over();
          change({ state: "working", slow: false });
          timer = setTimeout(() => change({ slow: true }), SLOW_MS);
        },
        onWait: ({ ms }) => {
          over();
          change({ state: "pausing", pauseMs: ms, slow: false });
        },
      });
    } finally {
      over();
    }
  }

  #change(item, changes) {
    Object.assign(item, changes);
    this.dispatchEvent(new CustomEvent("change", { detail: item }));
  }
}
