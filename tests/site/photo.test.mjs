// How a chosen file is prepared for sending. The browser's decoder and canvas are fakes.
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import "./english.mjs";
import { MAX_UPLOAD_BYTES, prepare } from "../../site/assets/photo.js";
import { MAX_PHOTO_BYTES, fit, shrink } from "../../site/assets/shrink.js";

const signal = new AbortController().signal;

/** A photo that no fake browser decodes: the begin of a HEIC file. */
const HEIC = "\0\0\0\x18ftypheic";

/**
 * Fakes a browser that decodes every file to this size, and whose JPEGs have this many bytes a pixel. `pixel` is what it
 * gives back for a pixel that was drawn as rgb(40, 120, 200).
 */
function browser({ width, height, bytesAPixel = 0.3, pixel = [40, 120, 200, 255] }) {
  const seen = { encoded: [], open: 0 };
  globalThis.createImageBitmap = async (_file, { imageOrientation }) => {
    assert.equal(imageOrientation, "from-image");
    seen.open += 1;
    return { width, height, close: () => (seen.open -= 1) };
  };
  globalThis.OffscreenCanvas = class {
    constructor(width, height) {
      Object.assign(this, { width, height });
    }

    getContext() {
      return {
        fillRect: () => {},
        drawImage: () => seen.encoded.push([this.width, this.height]),
        getImageData: () => ({ data: pixel }),
      };
    }

    async convertToBlob({ type }) {
      return new Blob([new Uint8Array(this.width * this.height * bytesAPixel)], { type });
    }
  };
  return seen;
}

afterEach(() => {
  delete globalThis.createImageBitmap;
  delete globalThis.OffscreenCanvas;
  delete globalThis.Worker;
});

test("a photo's longer side becomes the limit, its proportions stay", () => {
  assert.deepEqual(fit({ width: 4000, height: 3000 }, 2048), { width: 2048, height: 1536 });
  assert.deepEqual(fit({ width: 3000, height: 4000 }, 2048), { width: 1536, height: 2048 });
});

test("a small photo is never enlarged", () => {
  assert.deepEqual(fit({ width: 640, height: 480 }, 2048), { width: 640, height: 480 });
});

test("a panorama keeps at least one pixel", () => {
  assert.deepEqual(fit({ width: 90_000, height: 3 }, 2048), { width: 2048, height: 1 });
});

test("a phone's photo becomes a smaller JPEG that is shown as it is sent", async () => {
  const seen = browser({ width: 3024, height: 4032 });
  const { blob, preview, size } = await prepare(new Blob(["photo"], { type: "image/png" }), signal);
  assert.deepEqual(seen, { encoded: [[1536, 2048]], open: 0 });
  assert.equal(blob.type, "image/jpeg");
  assert.equal(preview, blob);
  assert.deepEqual(size, { width: 3024, height: 4032 });
});

test("a small photo is encoded again at its own size, so that its metadata is gone", async () => {
  const seen = browser({ width: 640, height: 480 });
  await prepare(new Blob(["photo"]), signal);
  assert.deepEqual(seen.encoded, [[640, 480]]);
});

test("a photo that is still too large is made smaller until it fits", async () => {
  const seen = browser({ width: 2048, height: 2048, bytesAPixel: 5 });
  const { blob } = await prepare(new Blob(["photo"]), signal);
  assert.deepEqual(seen.encoded, [[2048, 2048], [1024, 1024], [512, 512]]);
  assert.ok(blob.size <= MAX_PHOTO_BYTES);
});

test("a browser that runs out of memory can't decode the photo, and keeps nothing open", async () => {
  const seen = browser({ width: 9000, height: 9000 });
  globalThis.OffscreenCanvas.prototype.getContext = () => null;
  assert.equal(await shrink(new Blob(["photo"])), null);
  assert.equal(seen.open, 0);
});

test("a film is not even decoded", async () => {
  const seen = browser({ width: 1920, height: 1080 });
  assert.equal(await shrink({ size: 2_000_000_000 }), null);
  assert.deepEqual(seen.encoded, []);
});

test("a file that can't be decoded and is just small enough is sent as it is", async () => {
  const photo = new Blob([HEIC, new Uint8Array(MAX_UPLOAD_BYTES - HEIC.length)], { type: "image/heic" });
  const { blob, preview, size } = await prepare(photo, signal);
  assert.deepEqual([blob.size, blob.type, preview, size], [MAX_UPLOAD_BYTES, "image/heic", null, undefined]);
});

test("a file that can't be decoded and is too large is a failure", async () => {
  const photo = new Blob([HEIC, new Uint8Array(MAX_UPLOAD_BYTES)]);
  await assert.rejects(prepare(photo, signal), { name: "Failure", type: "too-large" });
});

test("a file that can't be read is a failure with a sentence", async () => {
  const gone = { arrayBuffer: () => Promise.reject(new DOMException("", "NotFoundError")) };
  const folder = { size: 4096, type: "", slice: () => gone };
  await assert.rejects(prepare(folder, signal), { name: "Failure", type: "unreadable-file" });
});

for (const [name, content] of [["an empty file", ""], ["a PDF", "%PDF-1.7"], ["a video", "\0\0\0\x18ftypmp42"], ["a text", "Dear"]]) {
  test(`${name} is a failure with a sentence, and is not sent`, async () => {
    await assert.rejects(prepare(new Blob([content]), signal), { name: "Failure", type: "no-photo" });
  });
}

for (const [name, pixel, isEncoded] of [
  ["the drawn color", [40, 120, 200, 255], true],
  ["nearly the drawn color", [41, 118, 201, 255], true],
  ["white", [255, 255, 255, 255], false],
  ["noise", [40, 120, 77, 255], false],
]) {
  test(`a browser that reads back ${name} ${isEncoded ? "re-encodes photos" : "can't re-encode photos"}`, async () => {
    browser({ width: 640, height: 480, pixel });
    assert.equal((await prepare(new Blob([HEIC]), signal)).preview !== null, isEncoded);
  });
}

test("an aborted preparation rejects at once, and the next photo is prepared", async () => {
  browser({ width: 640, height: 480 });
  let finishDecoding;
  globalThis.createImageBitmap = () => new Promise((resolve) => (finishDecoding = resolve));
  const controller = new AbortController();
  const work = prepare(new Blob(["photo"]), controller.signal);
  await new Promise((resolve) => setImmediate(resolve)); // decoding has begun
  controller.abort();
  await assert.rejects(work, { name: "AbortError" });
  finishDecoding({ width: 1, height: 1, close() {} });
  browser({ width: 640, height: 480 });
  const next = await prepare(new Blob(["photo"]), signal);
  assert.equal(next.blob.type, "image/jpeg");
});

test("photos are decoded one after another", async () => {
  const seen = browser({ width: 640, height: 480 });
  const decode = globalThis.createImageBitmap;
  let most = 0;
  globalThis.createImageBitmap = async (...args) => {
    const bitmap = await decode(...args);
    most = Math.max(most, seen.open);
    return bitmap;
  };
  await Promise.all([1, 2, 3].map(() => prepare(new Blob(["photo"]), signal)));
  assert.deepEqual([most, seen.encoded.length], [1, 3]);
});

/** A new copy of photo.js, in a browser whose worker answers as `respond` does. */
async function pageWithWorker(respond) {
  const seen = { begun: 0, ended: 0 };
  globalThis.Worker = class {
    constructor() {
      seen.begun += 1;
    }

    postMessage(file, [port]) {
      respond({ port, worker: this, begun: seen.begun });
    }

    terminate() {
      seen.ended += 1;
    }
  };
  const page = await import(`../../site/assets/photo.js?${(copies += 1)}`);
  return { seen, prepare: page.prepare };
}

let copies = 0;
const SHRUNK = { blob: new Blob(["small"]), size: { width: 4, height: 3 } };
const onlyTheFirstHangs = ({ port, begun }) => begun > 1 && port.postMessage(SHRUNK);
/** The port of a real MessageChannel, on which workers answer, delivers in a later turn of the event loop. */
const delivered = () => new Promise((resolve) => setImmediate(resolve));

test("a worker that never answers is ended after a time limit, and the later photos get a new one", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  browser({ width: 640, height: 480 });
  const { seen, prepare } = await pageWithWorker(onlyTheFirstHangs);
  const [stuck, next] = [prepare(new Blob([HEIC]), signal), prepare(new Blob(["photo"]), signal)];
  await delivered();
  context.mock.timers.tick(19_999);
  assert.deepEqual(seen, { begun: 1, ended: 0 });
  context.mock.timers.tick(1);
  assert.equal((await stuck).preview, null); // like a photo that this browser can't decode
  assert.deepEqual((await next).size, SHRUNK.size);
  assert.deepEqual(seen, { begun: 2, ended: 1 });
});

test("a photo that is cancelled while its worker is at work ends the worker, and the next one starts at once", async () => {
  browser({ width: 640, height: 480 });
  const { seen, prepare } = await pageWithWorker(onlyTheFirstHangs);
  const controller = new AbortController();
  const [stuck, next] = [prepare(new Blob(["photo"]), controller.signal), prepare(new Blob(["photo"]), signal)];
  await delivered();
  controller.abort();
  await assert.rejects(stuck, { name: "AbortError" });
  assert.deepEqual((await next).size, SHRUNK.size);
  assert.deepEqual(seen, { begun: 2, ended: 1 });
});

test("a photo that is cancelled before its turn never reaches the worker", async () => {
  browser({ width: 640, height: 480 });
  let asked = 0;
  const { prepare } = await pageWithWorker(() => (asked += 1));
  const controller = new AbortController();
  prepare(new Blob(["first"]), controller.signal).catch(() => {});
  prepare(new Blob(["second"]), controller.signal).catch(() => {});
  await delivered();
  controller.abort();
  await delivered();
  assert.equal(asked, 1);
});

test("where module workers don't start, the page re-encodes all photos itself", async () => {
  browser({ width: 640, height: 480 });
  const { seen, prepare } = await pageWithWorker(({ worker }) => worker.onerror(new Error("no modules")));
  for (const name of ["a", "b"]) assert.equal((await prepare(new Blob([name]), signal)).blob.type, "image/jpeg");
  assert.deepEqual(seen, { begun: 1, ended: 1 });
});

test("a photo that only the page can decode, and no worker, is decoded in the page", async () => {
  browser({ width: 640, height: 480 });
  const { prepare } = await pageWithWorker(({ port }) => port.postMessage(null));
  assert.equal((await prepare(new Blob(["photo"]), signal)).blob.type, "image/jpeg");
});

test("decoding in the page that never ends is given up, too", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  browser({ width: 640, height: 480 });
  globalThis.createImageBitmap = () => new Promise(() => {});
  const work = prepare(new Blob([HEIC]), signal);
  await delivered();
  context.mock.timers.tick(20_000);
  assert.equal((await work).preview, null);
});
