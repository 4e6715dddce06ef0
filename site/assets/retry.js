// Repeats an attempt after a temporary failure, with exponential backoff and full jitter.
// https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
import { offline } from "./failure.js";
import { traffic as pageTraffic } from "./traffic.js";

/** Of one request. With the backoff they span at most 7 s, which is longer than most cold starts. */
const MAX_RETRIES = 3;
const FIRST_BACKOFF_MS = 1000;
const MAX_RETRY_AFTER_MS = 30_000;

/**
 * @typedef {object} Wait
 * @property {number} attempt  1 before the first retry
 * @property {number} ms
 * @property {import("./failure.js").Failure} failure  what happened
 */

/**
 * @template T
 * @param {() => Promise<T>} attempt  is repeated if it throws a Failure with `waitMs`
 * @param {object} options
 * @param {AbortSignal} options.signal
 * @param {(wait: Wait) => void} [options.onWait]  is called before each wait
 * @param {() => number} [options.random]  0 to 1
 * @param {import("./traffic.js").Traffic} [options.traffic]
 * @returns {Promise<T>}
 * @throws {import("./failure.js").Failure}
 * @throws the reason of `signal`, as soon as it is aborted
 */
export async function withRetries(attempt, { signal, onWait = () => {}, random = Math.random, traffic = pageTraffic }) {
  for (let retry = 1; ; retry += 1) {
    if (signal.aborted) throw signal.reason;
    if (!navigator.onLine) throw offline();
    try {
      const answer = await attempt();
      traffic.allowRetry();
      return answer;
    } catch (failure) {
      if (failure.waitMs === undefined) throw failure;
      traffic.pause(failure.waitMs); // the service asks all requests of this page to wait
      if (retry > MAX_RETRIES || !traffic.takeRetry()) throw failure;
      const ms = failure.waitMs + backoff(retry, random);
      onWait({ attempt: retry, ms, failure });
      await sleep(ms, signal);
    }
  }
}

/**
 * @param {number} retry  from 1
 * @param {() => number} random  0 to 1
 * @returns {number} milliseconds
 */
export function backoff(retry, random) {
  return Math.round(random() * FIRST_BACKOFF_MS * 2 ** (retry - 1));
}

/**
 * @param {string | null} header  Retry-After: seconds or a date
 * @param {number} now  milliseconds since 1970
 * @returns {number} milliseconds; 0 if there is no header or it can't be parsed
 */
export function retryAfterMs(header, now) {
  const ms = /^\s*\d+\s*$/.test(header ?? "") ? 1000 * Number(header) : Date.parse(header ?? "") - now;
  return Math.min(Math.max(ms || 0, 0), MAX_RETRY_AFTER_MS);
}

/**
 * @param {number} ms
 * @param {AbortSignal} signal
 * @returns {Promise<void>} rejects as soon as `signal` is aborted
 */
export function sleep(ms, signal) {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const abort = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", abort);
      resolve();
    }, ms);
    signal.addEventListener("abort", abort, { once: true });
  });
}
