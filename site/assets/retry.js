// Repeats an attempt after a temporary failure, with exponential backoff and full jitter.
// https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
import { offline } from "./failure.js";

const MAX_RETRIES = 3;
const FIRST_BACKOFF_MS = 1000;
const MAX_RETRY_AFTER_MS = 30_000;

/**
 * @typedef {object} Wait
 * @property {number} attempt  1 before the first retry
 * @property {number} ms
 * @property {string} reason  what happened, in a sentence
 */

/**
 * @template T
 * @param {() => Promise<T>} attempt  is repeated if it throws a Failure with `waitMs`
 * @param {{signal: AbortSignal, onWait?: (wait: Wait) => void, random?: () => number}} options
 * @returns {Promise<T>}
 * @throws {import("./failure.js").Failure}
 * @throws {DOMException} an AbortError, as soon as `signal` is aborted
 */
export async function withRetries(attempt, { signal, onWait = () => {}, random = Math.random }) {
  for (let retry = 1; ; retry += 1) {
    signal.throwIfAborted();
    if (!navigator.onLine) throw offline();
    try {
      return await attempt();
    } catch (failure) {
      if (failure.waitMs === undefined || retry > MAX_RETRIES) throw failure;
      const ms = failure.waitMs + backoff(retry, random);
      onWait({ attempt: retry, ms, reason: failure.summary });
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

function sleep(ms, signal) {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
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
