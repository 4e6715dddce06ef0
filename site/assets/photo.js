// Turns a chosen file into the bytes to send: a small upright JPEG without metadata, or the file as it is if this
// browser can't decode it.
import { noPhoto, tooLarge, unreadableFile } from "./failure.js";
import { kindOf } from "./kind.js";
import { shrink } from "./shrink.js";

/**
 * @typedef {object} Prepared
 * @property {Blob} blob  the bytes to send; at most MAX_UPLOAD_BYTES
 * @property {Blob | null} preview  the same, without metadata; null if the browser can't open the file, so that the bytes
 *   are those of the file, metadata included
 * @property {import("./boxes.js").Size} [size]  of the upright photo in the file; missing if the browser can't open it
 */

/**
 * A photo that takes longer than this to decode is treated like one that the browser can't decode. On two busy cores
 * Chromium took 3 s for 12 megapixels and 4 s for 48.
 */
const LIMIT_MS = 20_000;

/** Limit of what goes through S3. */
export const MAX_UPLOAD_BYTES = 50_000_000;

/** Re-encodes photos one at a time, because a decoded phone photo takes 200 MB. */
class Encoder {
  #worker = null;
  /** Browsers learned module workers after modules, and canvases in workers later still. */
  #workersWork = Boolean(globalThis.Worker && globalThis.OffscreenCanvas);
  #last = Promise.resolve();

  /** @returns {ReturnType<typeof shrink>} null also if it takes too long */
  encode(file, signal) {
    const work = this.#last.then(() => this.#encodeNext(file, signal));
    this.#last = work.catch(() => {});
    return work;
  }

  async #encodeNext(file, signal) {
    if (signal.aborted) throw signal.reason;
    try {
      return (await this.#shrinkInWorker(file, signal)) ?? (await within(shrink(file), signal));
    } catch (error) {
      if (error instanceof TooLate) return null;
      throw error;
    }
  }

  /** @returns {ReturnType<typeof shrink>} null also if there is no worker that works */
  async #shrinkInWorker(file, signal) {
    if (!this.#workersWork) return null;
    const channel = new MessageChannel();
    try {
      this.#worker ??= new Worker(new URL("./photo-worker.js", import.meta.url), { type: "module" });
      return await within(shrinkIn(this.#worker, file, channel), signal);
    } catch (error) {
      this.#worker?.terminate(); // it may still be at work; the next photo gets a new one
      this.#worker = null;
      if (signal.aborted || error instanceof TooLate) throw error;
      this.#workersWork = false;
      return null;
    } finally {
      channel.port1.close();
    }
  }
}

/** Decoding took too long. In the page itself such work can't be ended, but nothing waits for it. */
class TooLate extends Error {}

const encoder = new Encoder();

/**
 * @param {Blob} file
 * @param {AbortSignal} signal
 * @returns {Promise<Prepared>}
 * @throws {import("./failure.js").Failure} if the file can't be read or is no photo, or is too large and can't be decoded
 * @throws the reason of `signal`, as soon as it is aborted
 */
export function prepare(file, signal) {
  return unlessAborted(prepareFile(file, signal), signal);
}

async function prepareFile(file, signal) {
  const photo = await encoder.encode(file, signal);
  return photo ? { ...photo, preview: photo.blob } : { blob: await readBytes(file), preview: null };
}

/**
 * Returns the bytes of a photo that this browser can't decode; nothing else is sent. They are read now: later, a deleted
 * file would look like a network failure.
 */
async function readBytes(file) {
  const kind = await kindOf(file);
  if (kind !== "photo") throw noPhoto([kind]);
  const bytes = await file.slice(0, MAX_UPLOAD_BYTES).arrayBuffer().catch(() => null);
  if (!bytes?.byteLength) throw unreadableFile();
  if (file.size > MAX_UPLOAD_BYTES) throw tooLarge(file.size, MAX_UPLOAD_BYTES);
  return new Blob([bytes], { type: file.type });
}

/** @returns {ReturnType<typeof shrink>} rejects if the worker fails */
function shrinkIn(worker, file, { port1, port2 }) {
  return new Promise((resolve, reject) => {
    port1.onmessage = ({ data }) => resolve(data);
    worker.onerror = reject;
    worker.postMessage(file, [port2]);
  });
}

/** Rejects with TooLate after LIMIT_MS, or with the signal's reason as soon as it is aborted. */
function within(work, signal) {
  let timer;
  const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new TooLate()), LIMIT_MS)));
  return unlessAborted(Promise.race([work, late]), signal).finally(() => clearTimeout(timer));
}

function unlessAborted(work, signal) {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
