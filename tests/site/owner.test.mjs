// The parts of the owner's page that need no browser: how photos are divided into requests, and corrections that wait.
import assert from "node:assert/strict";
import { test } from "node:test";

import "./english.mjs";
import { batches } from "../../site/assets/owner/batches.js";
import { Waiting, isSameName } from "../../site/assets/owner/waiting.js";
import { Failure } from "../../site/assets/failure.js";

const photos = (...megabytes) => megabytes.map((size) => ({ sent: { size: size * 1_000_000 } }));
const sizes = (found) => found.map((batch) => batch.map(({ sent }) => sent.size / 1_000_000));

test("photos are divided in their order into requests that the service takes", () => {
  assert.deepEqual(sizes(batches(photos(1, 2, 1, 2, 4))), [[1, 2, 1], [2], [4]]);
  assert.deepEqual(batches([]), []);
});

test("a photo that is too large for a request is alone", () => {
  assert.deepEqual(sizes(batches(photos(1, 12, 1))), [[1], [12], [1]]);
});

test("no request has more than ten photos", () => {
  assert.deepEqual(batches(photos(...Array(23).fill(0.1))).map(({ length }) => length), [10, 10, 3]);
});

test("names that differ in case or in how they are written are one name", () => {
  assert.ok(isSameName("ADA Lovelace", "ada lovelace"));
  assert.ok(isSameName("Jos\u00e9", "Jose\u0301"));
  assert.ok(!isSameName("Ada", "Adam"));
});

/** The tab's storage, which may be full. */
class FakeStorage {
  setItem(name, value) {
    if (this.isFull) throw new Error("QuotaExceededError");
    this[name] = value;
  }
  getItem(name) {
    return this[name];
  }
  removeItem(name) {
    delete this[name];
  }
}

const correction = (name) => ({ kind: "is", id: "1", name, face: 2, photo: new Blob([new Uint8Array([0, 255, 7])]), key: name });
const unreachable = () => Promise.reject(new Failure("Gone.", { retryable: true }));
const refused = () => Promise.reject(new Failure("No.", { retryable: false }));

test("a correction that waits survives a reload with its photo", async () => {
  const storage = new FakeStorage();
  await new Waiting(storage, unreachable).add(correction("Ada"));
  const sent = [];
  const later = new Waiting(storage, async (each) => sent.push(each));
  await later.restore();
  await later.send();
  assert.deepEqual([sent.map(({ name, face, key }) => [name, face, key]), later.items, Object.keys(storage)], [[["Ada", 2, "Ada"]], [], []]);
  assert.deepEqual([...new Uint8Array(await sent[0].photo.arrayBuffer())], [0, 255, 7]);
});

test("while the service can't be reached, all corrections stay and one is tried", async () => {
  let tried = 0;
  const waiting = new Waiting(new FakeStorage(), () => (tried += 1) && unreachable());
  for (const name of ["Ada", "Grace"]) await waiting.add(correction(name));
  await waiting.send();
  assert.deepEqual([waiting.items.map(({ name, problem }) => [name, problem]), tried], [[["Ada", "Gone."], ["Grace", undefined]], 1]);
});

test("a correction that is refused stays with the reason, and the others are sent", async () => {
  const waiting = new Waiting(new FakeStorage(), ({ name }) => (name === "Ada" ? refused() : Promise.resolve()));
  for (const name of ["Ada", "Grace"]) await waiting.add(correction(name));
  await waiting.send();
  assert.deepEqual(waiting.items.map(({ name, problem, sending }) => [name, problem, sending]), [["Ada", "No.", false]]);
});

test("leaving the page loses only what the tab has no room for", async () => {
  const storage = new FakeStorage();
  const waiting = new Waiting(storage, unreachable);
  await waiting.add(correction("Ada"));
  assert.equal(waiting.wouldLose, false);
  storage.isFull = true;
  await waiting.add(correction("Grace"));
  assert.equal(waiting.wouldLose, true);
  waiting.drop(waiting.items[1]);
  assert.equal(waiting.wouldLose, false);
});

test("a browser that blocks storage keeps corrections in the page", async () => {
  const waiting = new Waiting(null, () => Promise.resolve());
  await waiting.restore();
  await waiting.add(correction("Ada"));
  assert.equal(waiting.wouldLose, true);
  await waiting.send();
  assert.deepEqual(waiting.items, []);
});
