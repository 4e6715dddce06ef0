// Limits what this page asks of the service: how many requests run at once, when the next may start, and how many failed
// ones are repeated.

/** Requests of all kinds at once. Each one may start another instance of the service, and two keep the next one busy. */
const MAX_AT_ONCE = 2;

/**
 * How long newer photos wait for the request of a photo that they replaced. A cold start takes some seconds; the instance
 * that it starts then answers at once, so a second start would be slower and twice the work.
 */
const HANDOVER_MS = 10_000;

/** A visitor who changes photos more quickly than this is still choosing. */
const SETTLE_MS = 500;

/** Retries of all requests together, for a service that is dead. Each answer allows one more, up to this number. */
const MAX_RETRIES = 10;

/** The reason of an abort: the visitor has chosen newer photos. */
export class Replaced extends Error {}

export class Traffic {
  /** Requests that the service works on, also those whose answer nobody waits for. */
  #running = new Set();
  /** Requests that the next one waits for: the visitor has replaced their photos. */
  #handingOver = new Set();
  /** Starts of requests that wait, the oldest first. */
  #waiting = [];
  #pauses = 0;
  #retries = MAX_RETRIES;

  /**
   * Waits until one more request may start.
   * @param {AbortSignal} signal
   * @returns {Promise<Slot>}
   * @throws the signal's reason, as soon as it is aborted
   */
  start(signal) {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const leave = () => {
        this.#waiting.splice(this.#waiting.indexOf(enter), 1);
        this.#settle(signal.reason);
        reject(signal.reason);
      };
      const enter = () => {
        signal.removeEventListener("abort", leave);
        resolve(this.#slot());
      };
      signal.addEventListener("abort", leave, { once: true });
      this.#waiting.push(enter);
      this.#admit();
    });
  }

  /** The service asks for a pause: nothing starts until it is over. @param {number} ms */
  pause(ms) {
    if (!ms) return;
    this.#pauses += 1;
    setTimeout(() => {
      this.#pauses -= 1;
      this.#admit();
    }, ms);
  }

  /** @returns {boolean} whether one more request may be repeated, which is then counted */
  takeRetry() {
    if (!this.#retries) return false;
    this.#retries -= 1;
    return true;
  }

  /** The service has answered. */
  allowRetry() {
    this.#retries = Math.min(this.#retries + 1, MAX_RETRIES);
  }

  #admit() {
    const mayStart = () => !this.#pauses && !this.#handingOver.size && this.#running.size < MAX_AT_ONCE;
    while (this.#waiting.length && mayStart()) this.#waiting.shift()();
  }

  /**
   * @typedef {object} Slot  the right to have one request running
   * @property {(result?: unknown) => void} end  the request is over, with an answer or the reason why there is none
   * @property {(reason: unknown) => void} abandon  nobody waits for the answer any more, but the service goes on
   */

  /** @returns {Slot} */
  #slot() {
    const slot = {
      end: (result) => {
        this.#running.delete(slot);
        this.#settle(result);
        this.#stopWaitingFor(slot);
      },
      abandon: (reason) => {
        if (!(reason instanceof Replaced)) return;
        this.#handingOver.add(slot);
        setTimeout(() => this.#stopWaitingFor(slot), HANDOVER_MS);
      },
    };
    this.#running.add(slot);
    return slot;
  }

  /** Lets a visitor who replaces photos finish. */
  #settle(reason) {
    if (reason instanceof Replaced) this.pause(SETTLE_MS);
  }

  #stopWaitingFor(slot) {
    this.#handingOver.delete(slot);
    this.#admit();
  }
}

/** The traffic of this page. */
export const traffic = new Traffic();
