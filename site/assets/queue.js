// The chosen photos, and the steps of each from the file to the answer.
import { inPixelsOf } from "./boxes.js";
import { Failure, pageError } from "./failure.js";
import { Replaced } from "./traffic.js";

/** Photos that are prepared and sent in parallel. Each one may start another instance of the service. */
const MAX_PARALLEL = 2;

/** After so many photos in a row that the service didn't answer, the others are not sent. */
const MAX_UNANSWERED = 3;

/** After this time the page explains why the answer takes long. */
const SLOW_MS = 2000;

/**
 * @typedef {object} Item  a photo
 * @property {number} id  later photos have higher ones, also after a reload
 * @property {Blob} file  the file as it was chosen; of a photo from before a reload, and of one that was turned, its small
 *   picture
 * @property {"waiting" | "preparing" | "asking" | "sending" | "working" | "pausing" | "answered" | "failed" | "cancelled"} state
 *   asking: the photo would be sent with its metadata, and the visitor has to agree
 * @property {Blob | null} [preview]  the upright photo without metadata, once it is prepared; null if the browser can't
 *   open the file
 * @property {Blob} [sent]  the bytes that are sent
 * @property {import("./boxes.js").Size} [size]  of the upright photo in the file; missing if the browser can't open it
 * @property {number} progress  how much has been sent, 0 to 1
 * @property {boolean} slow  whether the answer takes longer than SLOW_MS
 * @property {number} since  when the state began, in milliseconds since 1970
 * @property {number} [pauseMs]  how long a pause takes until the next attempt
 * @property {import("./types.js").Recognition} [recognition]  in pixels of the photo in the file
 * @property {import("./types.js").Recognition} [original]  of a photo that was turned: in pixels of the photo that was chosen
 * @property {Failure} [failure]  of the photo, or of the last attempt during a pause
 */

/** @param {Item} item  @returns the answer in pixels of the photo as it was chosen, to be copied or saved */
export const originalAnswer = ({ original, recognition }) => original ?? recognition;

/** @param {Item} item  @returns {boolean} whether nothing more happens to it by itself */
export const isDone = ({ state }) => ["answered", "failed", "cancelled"].includes(state);

/** @param {Item} item  @returns {boolean} whether trying again would give the same result */
export const isFinal = ({ state, failure }) => state === "answered" || (state === "failed" && !failure.retryable);

/**
 * Sends a "change" event whenever an item changes; its `detail` is the item.
 * `prepare`, `recognize` and `turn` are the functions of photo.js, api.js and turn.js.
 */
export class Queue extends EventTarget {
  /** @type {Item[]} */
  items = [];
  #lastId = Date.now();
  #controllers = new Map();
  /** Whether the visitor has agreed to send these photos with their metadata, where it can't be removed. */
  #metadataAllowed = false;
  /** Photos in a row that the service didn't answer. */
  #unanswered = 0;
  /** Photos that were not sent because the service didn't answer those before. @type {Item[]} */
  #heldBack = [];
  #isAway = false;
  #prepare;
  #recognize;
  #turn;

  constructor({ prepare, recognize, turn }) {
    super();
    this.#prepare = prepare;
    this.#recognize = recognize;
    this.#turn = turn;
  }

  /** Replaces all photos. @param {Blob[]} files */
  replace(files) {
    this.show(files.map((file) => this.#item({ file, state: "waiting" })));
  }

  /** Adds photos to those that are there. @param {Blob[]} files */
  add(files) {
    this.items = [...this.items, ...files.map((file) => this.#item({ file, state: "waiting" }))];
    this.#next();
  }

  /** @param {Item} item */
  remove(item) {
    this.items = this.items.filter((each) => each !== item);
    this.#heldBack = this.#heldBack.filter((each) => each !== item);
    this.#controllers.get(item)?.abort();
    this.#next();
  }

  /** Replaces all photos by a failure. @param {Failure} failure */
  fail(failure) {
    this.show([this.#item({ state: "failed", failure })]);
  }

  #item(about) {
    return { id: (this.#lastId += 1), progress: 0, slow: false, since: Date.now(), ...about };
  }

  /** @param {Item} item */
  cancel(item) {
    this.#controllers.get(item)?.abort();
    this.#change(item, { state: "cancelled" });
    this.#next();
  }

  /** Cancels every photo that has no result yet. To send one again sends them all. */
  cancelAll() {
    const open = this.items.filter((item) => !isDone(item));
    this.#heldBack.push(...open);
    for (const item of open) {
      this.#controllers.get(item)?.abort();
      this.#change(item, { state: "cancelled" });
    }
  }

  /** Tries a photo again, and those that were held back with it. @param {Item} item */
  retry(item) {
    const items = new Set([item, ...this.#heldBack]);
    this.#heldBack = [];
    this.#unanswered = 0;
    for (const each of items) this.#change(each, { state: "waiting", failure: undefined, progress: 0, slow: false });
    this.#next();
  }

  /** Sends all photos whose metadata can't be removed as they are. */
  allowMetadata() {
    this.#metadataAllowed = true;
    this.items.filter(({ state }) => state === "asking").forEach((item) => this.#change(item, { state: "waiting" }));
    this.#next();
  }

  /** Tries the photos again that failed for a reason that has gone. @param {(failure: Failure) => boolean} isGone */
  retryFailed(isGone) {
    const isMeant = ({ state, failure }) => state === "failed" && isGone(failure);
    this.items.filter(isMeant).forEach((item) => isMeant(item) && this.retry(item));
  }

  /** The visitor leaves the page, perhaps for a while: nothing is sent until `resume`. */
  leave() {
    this.#isAway = true;
    for (const [item, controller] of this.#controllers) {
      controller.abort();
      this.#change(item, { state: "waiting" });
    }
  }

  /** The visitor is back. */
  resume() {
    this.#isAway = false;
    this.#next();
  }

  /** Replaces all photos by these, which may have their results already. @param {Item[]} items */
  show(items) {
    for (const controller of this.#controllers.values()) controller.abort(new Replaced());
    this.items = items;
    this.#metadataAllowed = false;
    this.#unanswered = 0;
    this.#heldBack = [];
    this.#next();
  }

  #next() {
    if (this.#isAway) return;
    const busy = this.items.filter((item) => this.#controllers.has(item)).length;
    const waiting = this.items.filter((item) => item.state === "waiting" && !this.#controllers.has(item));
    for (const item of waiting.slice(0, Math.max(0, MAX_PARALLEL - busy))) this.#run(item);
  }

  async #run(item) {
    const controller = new AbortController();
    const { signal } = controller;
    this.#controllers.set(item, controller);
    const change = (changes) => signal.aborted || this.#change(item, changes);
    try {
      if (!item.sent) await this.#prepareItem(item, signal, change);
      if (!item.preview && !this.#metadataAllowed) return change({ state: "asking" });
      const recognition = await this.#send(item.sent, signal, change);
      this.#unanswered = 0;
      const answer = inPixelsOf(item.size ?? recognition.image, recognition);
      change({ ...(await this.#upright(item, answer)), state: "answered" });
    } catch (error) {
      if (!signal.aborted) this.#fail(item, error);
    } finally {
      if (this.#controllers.get(item) === controller) this.#controllers.delete(item);
      this.#next();
    }
  }

  /** Turns the picture and its answer if its faces lie sideways or upside down, and if the browser can do that. */
  async #upright(item, answer) {
    try {
      if (answer.image.rotation && item.preview) return await this.#turn(item, answer);
    } catch (error) {
      reportError(error);
    }
    return { recognition: answer };
  }

  async #prepareItem(item, signal, change) {
    change({ state: "preparing" });
    const { blob, preview, size } = await this.#prepare(item.file, signal);
    change({ sent: blob, preview, size });
    if (signal.aborted) throw signal.reason;
  }

  #fail(item, error) {
    const failure = error instanceof Failure ? error : pageError();
    this.#change(item, { state: "failed", failure });
    if (failure !== error) reportError(error);
    this.#unanswered = failure.retryable ? this.#unanswered + 1 : 0;
    if (this.#unanswered >= MAX_UNANSWERED) this.#holdBack(failure);
  }

  /** Fails the photos that have not begun, without a request: the service answers none. */
  #holdBack(failure) {
    const waiting = this.items.filter((item) => item.state === "waiting" && !this.#controllers.has(item));
    this.#heldBack.push(...waiting);
    for (const item of waiting) this.#change(item, { state: "failed", failure });
  }

  async #send(blob, signal, change) {
    let timer;
    const stopTimer = () => clearTimeout(timer);
    try {
      change({ state: "waiting" });
      return await this.#recognize(blob, {
        signal,
        onStart: () => change({ state: "sending", progress: 0, slow: false, failure: undefined }),
        onProgress: (progress) => change({ progress }),
        onSent: () => {
          stopTimer();
          change({ state: "working", slow: false });
          timer = setTimeout(() => change({ slow: true }), SLOW_MS);
        },
        onWait: ({ ms, failure }) => {
          stopTimer();
          change({ state: "pausing", pauseMs: ms, failure, slow: false });
        },
      });
    } finally {
      stopTimer();
    }
  }

  #change(item, changes) {
    if (changes.state && changes.state !== item.state) item.since = Date.now();
    Object.assign(item, changes);
    this.dispatchEvent(new CustomEvent("change", { detail: item }));
  }
}
