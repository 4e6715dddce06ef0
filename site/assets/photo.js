// A chosen file becomes the bytes to send: a small upright JPEG without metadata, or the file itself where this
// browser can't decode it.
import { tooLarge, unreadableFile } from "./failure.js";
import { MAX_PHOTO_BYTES, shrink } from "./shrink.js";

/**
 * @typedef {object} Prepared
 * @property {Blob} blob  to send; at most MAX_PHOTO_BYTES
 * @property {Blob | null} preview  the same, null when it is the file as it came and can't be shown here
 * @property {boolean} shrunk  whether it has fewer pixels than the file
 */

/** Re-encodes one photo after another: decoded, one of a phone takes 200 MB. */
class Darkroom {
  #worker = null;
  #turn = Promise.resolve();

  /** @returns {ReturnType<typeof shrink>} */
  develop(file, signal) {
    const work = this.#turn.then(() => {
      signal.throwIfAborted();
      return this.#shrink(file);
    });
    this.#turn = work.catch(() => {});
    return work;
  }

  async #shrink(file) {
    if (!globalThis.Worker || !globalThis.OffscreenCanvas) return shrink(file);
    try {
      this.#worker ??= new Worker(new URL("./photo-worker.js", import.meta.url), { type: "module" });
      return await ask(this.#worker, file);
    } catch {
      this.#worker?.terminate();
      this.#worker = null; // the next photo gets another
      return shrink(file);
    }
  }
}

const darkroom = new Darkroom();

/**
 * @param {Blob} file
 * @param {AbortSignal} signal
 * @returns {Promise<Prepared>}
 * @throws {import("./failure.js").Failure} when the file can't be read, or is too large and can't be decoded here
 * @throws {DOMException} an AbortError, at once, when `signal` is aborted
 */
export function prepare(file, signal) {
  return unlessAborted(prepared(file, signal), signal);
}

async function prepared(file, signal) {
  const photo = await darkroom.develop(file, signal);
  return photo ? { ...photo, preview: photo.blob } : { blob: await copy(file), preview: null, shrunk: false };
}

/** Reads the bytes now, so that a folder or a vanished file isn't mistaken for a broken network later. */
async function copy(file) {
  const bytes = await file.slice(0, MAX_PHOTO_BYTES).arrayBuffer().catch(() => null);
  if (!bytes?.byteLength) throw unreadableFile();
  if (file.size > MAX_PHOTO_BYTES) throw tooLarge(file.size, MAX_PHOTO_BYTES);
  return new Blob([bytes], { type: file.type });
}

/** @returns {ReturnType<typeof shrink>} the worker's answer; rejects when the worker itself breaks */
function ask(worker, file) {
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
    const stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}
