// How far a photo is made smaller before it is sent.
import assert from "node:assert/strict";
import { test } from "node:test";

import { MAX_PHOTO_BYTES, fit, prepare } from "../../site/photo.js";

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

test("a photo that just fits is sent as it is", async () => {
  const photo = new Blob([new Uint8Array(MAX_PHOTO_BYTES)], { type: "image/heic" });
  const prepared = await prepare(photo);
  assert.equal(prepared.size, MAX_PHOTO_BYTES);
  assert.equal(prepared.type, "image/heic");
});

test("a file that can't be read is a failure with a sentence", async () => {
  const folder = { size: 4096, type: "", arrayBuffer: () => Promise.reject(new Error("NotReadableError")) };
  await assert.rejects(prepare(folder), { name: "Failure", message: /can’t be read/ });
});
