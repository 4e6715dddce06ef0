// Asks about one frame of the camera after another: one at a time, and at a pace that the service can hold.
import { backoff, sleep } from "./retry.js";

/** Frames a second. More would cost the owner more and show nothing new: a face hardly moves in a quarter of a second. */
export const FASTEST = 4;

/** A service that answers slowly is given a break, which takes this share of the time of its answer. */
const BREAK = 0.25;

/** Time between two frames, at most, after the service has asked for fewer. */
const SLOWEST_MS = 4000;

/** After so many failures in a row there is no further attempt. */
const MAX_FAILURES = 4;

/** The time between frames. It doubles when the service is busy, and goes back by a tenth with each answer. */
export class Pace {
  #ms;
  #fastestMs;

  /** @param {number} framesPerSecond */
  constructor(framesPerSecond) {
    this.#ms = this.#fastestMs = 1000 / framesPerSecond;
  }

  /** Whether frames are sent less often because the service is busy. */
  get isSlowed() {
    return this.#ms > this.#fastestMs;
  }

  /** @param {number} ms  that the answer took  @returns {number} milliseconds until the next frame */
  answered(ms) {
    const pause = Math.max(this.#ms - ms, BREAK * ms);
    this.#ms = Math.max(this.#fastestMs, 0.9 * this.#ms);
    return pause;
  }

  /** The service was busy. */
  slowDown() {
    this.#ms = Math.max(this.#ms, Math.min(2 * this.#ms, SLOWEST_MS));
  }
}

/**
 * Asks until `signal` is aborted. After a failure it asks about a new frame: the old one is no longer true.
 * @template T
 * @param {object} options
 * @param {(signal: AbortSignal) => Promise<T>} options.ask
 * @param {(answer: T, about: {isSlowed: boolean}) => void} options.onAnswer
 * @param {(wait: {ms: number, reason: string}) => void} options.onWait  before the wait after a failure
 * @param {AbortSignal} options.signal
 * @param {number} [options.framesPerSecond]
 * @param {() => number} [options.random]  0 to 1
 * @param {() => number} [options.now]  milliseconds
 * @throws {import("./failure.js").Failure} the last one, if the service doesn't answer
 * @throws {DOMException} an AbortError, as soon as `signal` is aborted
 */
export async function askRepeatedly({ ask, onAnswer, onWait, signal, framesPerSecond = FASTEST, random = Math.random, now = () => performance.now() }) {
  const pace = new Pace(framesPerSecond);
  for (let failures = 0; ; ) {
    const start = now();
    let pauseMs;
    try {
      const answer = await ask(signal);
      if (signal.aborted) throw signal.reason;
      failures = 0;
      pauseMs = pace.answered(now() - start);
      onAnswer(answer, pace);
    } catch (failure) {
      if (signal.aborted) throw signal.reason;
      failures += 1;
      if (!failure.retryable || failures > MAX_FAILURES) throw failure;
      if (failure.waitMs !== undefined) pace.slowDown();
      pauseMs = (failure.waitMs ?? 0) + backoff(failures, random);
      onWait({ ms: pauseMs, reason: failure.summary });
    }
    await sleep(pauseMs, signal);
  }
}
