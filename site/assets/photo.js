// Turns a chosen file into the bytes to send: a small upright JPEG without metadata, or the file as it is if this
// browser can't decode it.
import { noPhoto, tooLarge, unreadableFile } from "./failure.js";
import { kindOf } from "./kind.js";
import { MAX_PHOTO_BYTES, shrink } from "./shrink.js";

/**
 * @typedef {object} Prepared
 * @property {Blob} blob  the bytes to send; at most MAX_PHOTO_BYTES
 * @property {Blob | null} preview  the same, without metadata; null if the browser can't open the file, so that the bytes
 *   are those of the file, metadata included
 * @property {boolean} shrunk  whether it has fewer pixels than the file
 */

/** Re-encodes photos one at a time, because a decoded phone photo takes 200 MB. */
class Encoder {
  #worker = null;
  #last = Promise.resolve();

  /** @returns {ReturnType<typeof shrink>} */
  encode(file, signal) {
    const work = this.#last.then(() => {
      signal.throwIfAborted();
      return this.#shrinkInWorker(file);
    });
    this.#last = work.catch(() => {});
    return work;
  }

  async #shrinkInWorker(file) {
    if (!globalThis.Worker || !globalThis.OffscreenCanvas) return shrink(file);
    try {
      this.#worker ??= new Worker(new URL("./photo-worker.js", import.meta.url), { type: "module" });
      return await shrinkIn(this.#worker, file);
    } catch {
      this.#worker?.terminate();
      this.#worker = null; // the next photo gets a new one
      return shrink(file);
    }
  }
}

const encoder = new Encoder();

/**
 * @param {Blob} file
 * @param {AbortSignal} signal
 * @returns {Promise<Prepared>}
 * @throws {import("./failure.js").Failure} if the file can't be read or is no photo, or is too large and can't be decoded
 * @throws {DOMException} an AbortError, as soon as `signal` is aborted
 */
export function prepare(file, signal) {
  return unlessAborted(prepareFile(file, signal), signal);
}

async function prepareFile(file, signal) {
  const photo = await encoder.encode(file, signal);
  return photo ? { ...photo, preview: photo.blob } : { blob: await readBytes(file), preview: null, shrunk: false };
}

/**
 * Returns the bytes of a photo that this browser can't decode; nothing else is sent. They are read now: later, a deleted
 * file would look like a network failure.
 */
async function readBytes(file) {
  const kind = await kindOf(file);
  if (kind !== "photo") throw noPhoto([kind]);
  const bytes = await file.slice(0, MAX_PHOTO_BYTES).arrayBuffer().catch(() => null);
  if (!bytes?.byteLength) throw unreadableFile();
  if (file.size > MAX_PHOTO_BYTES) throw tooLarge(file.size, MAX_PHOTO_BYTES);
  return new Blob([bytes], { type: file.type });
}

/** @returns {ReturnType<typeof shrink>} rejects if the worker fails */
function shrinkIn(worker, file) {
  return new Promise((resolve, reject) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = ({ data }) => {
      port1.close();
      resolve(data);
    };
    worker.onerror = reject;
    worker.postMessage(file, [port2]);
  });
}

function unlessAborted(work, signal) {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
