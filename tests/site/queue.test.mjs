// The queue of photos: how many are sent in parallel, the states of each, and that no photo is lost.
import assert from "node:assert/strict";
import { test } from "node:test";

import "./english.mjs";
import { Failure } from "../../site/assets/failure.js";
import { Queue } from "../../site/assets/queue.js";

const ANSWER = { faces: [], image: { width: 4, height: 3 } };
/** Resolves when all promises that can settle now have settled: setImmediate runs after every microtask. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

/** A queue whose API answers when the test says so. */
function queue({ prepare = async (file) => ({ blob: file, preview: file }), turn } = {}) {
  const requests = [];
  const recognize = (blob, options) =>
    new Promise((resolve, reject) => {
      options.signal.addEventListener("abort", () => reject(options.signal.reason));
      options.onStart();
      requests.push({ blob, ...options, resolve, reject });
    });
  const made = new Queue({ prepare, recognize, turn });
  const states = [];
  made.addEventListener("change", ({ detail }) => states.push(detail.state));
  return { made, requests, states };
}

test("each step of a photo is reported: prepared, sent, worked on, answered", async () => {
  const { made, requests, states } = queue();
  made.replace(["photo"]);
  await settled();
  requests[0].onProgress(0.5);
  assert.equal(made.items[0].progress, 0.5);
  requests[0].onSent();
  requests[0].resolve(ANSWER);
  await settled();
  assert.equal(made.items[0].recognition, ANSWER);
  assert.deepEqual([...new Set(states)], ["preparing", "waiting", "sending", "working", "answered"]);
});

test("two photos are sent in parallel, and the others wait", async () => {
  const { made, requests } = queue();
  made.replace(["a", "b", "c"]);
  await settled();
  assert.deepEqual(requests.map(({ blob }) => blob), ["a", "b"]);
  requests[1].resolve(ANSWER);
  await settled();
  assert.deepEqual(requests.map(({ blob }) => blob), ["a", "b", "c"]);
});

test("a photo that can't be prepared doesn't stop the others", async () => {
  const prepare = async (file) => (file === "bad" ? Promise.reject(new Failure("Unreadable.")) : { blob: file, preview: file });
  const { made, requests } = queue({ prepare });
  made.replace(["bad", "good"]);
  await settled();
  requests[0].resolve(ANSWER);
  await settled();
  assert.deepEqual(made.items.map(({ state }) => state), ["failed", "answered"]);
  assert.equal(made.items[0].failure.message, "Unreadable.");
});

test("new photos replace the earlier ones, whose requests are aborted", async () => {
  const { made, requests, states } = queue();
  made.replace(["old"]);
  await settled();
  const { signal } = requests[0];
  made.replace(["new"]);
  assert.ok(signal.aborted);
  await settled();
  states.length = 0;
  requests[0].onProgress(1);
  assert.deepEqual(states, []);
  assert.equal(requests[1].blob, "new");
});

test("a cancelled photo lets the next one start, and can be sent again without being prepared again", async () => {
  let prepared = 0;
  const prepare = async (file) => ((prepared += 1), { blob: file, preview: file });
  const { made, requests } = queue({ prepare });
  made.replace(["a", "b", "c"]);
  await settled();
  made.cancel(made.items[0]);
  await settled();
  assert.equal(made.items[0].state, "cancelled");
  assert.equal(requests[2].blob, "c");
  requests[1].resolve(ANSWER);
  made.retry(made.items[0]);
  await settled();
  assert.equal(requests[3].blob, "a");
  assert.equal(prepared, 3);
});

test("photos that failed offline are sent when the connection is back, and no others", async () => {
  const { made, requests } = queue();
  made.replace(["a", "b"]);
  await settled();
  requests[0].reject(new Failure("Offline.", { type: "offline", retryable: true }));
  requests[1].reject(new Failure("No face.", { type: "no-face" }));
  await settled();
  made.retryFailed(({ type }) => type === "offline");
  await settled();
  assert.deepEqual(requests.map(({ blob }) => blob), ["a", "b", "a"]);
});

test("a pause before the next attempt is reported with its length and its reason", async () => {
  const { made, requests } = queue();
  made.replace(["a"]);
  await settled();
  const failure = new Failure("Busy.", { waitMs: 0 });
  requests[0].onWait({ attempt: 1, ms: 3000, failure });
  const { state, pauseMs, failure: reported } = made.items[0];
  assert.deepEqual([state, pauseMs, reported], ["pausing", 3000, failure]);
  requests[0].onStart();
  assert.equal(made.items[0].failure, undefined);
});

test("a failure replaces all photos", async () => {
  const { made, requests } = queue();
  made.replace(["old"]);
  await settled();
  made.fail(new Failure("Gone."));
  assert.ok(requests[0].signal.aborted);
  assert.deepEqual(made.items.map(({ state, failure }) => [state, failure.message]), [["failed", "Gone."]]);
});

const keepsMetadata = async (file) => ({ blob: file, preview: null });

test("a photo whose metadata can't be removed waits until the visitor agrees, and the next one starts", async () => {
  const prepare = async (file) => (file === "heic" ? keepsMetadata(file) : { blob: file, preview: file });
  const { made, requests } = queue({ prepare });
  made.replace(["heic", "a", "b"]);
  await settled();
  assert.equal(made.items[0].state, "asking");
  assert.deepEqual(requests.map(({ blob }) => blob), ["a", "b"]);
  requests[0].resolve(ANSWER);
  made.allowMetadata();
  await settled();
  assert.equal(requests[2].blob, "heic");
});

test("one agreement is for all photos of a choice, and for none of the next choice", async () => {
  const { made, requests } = queue({ prepare: keepsMetadata });
  made.replace(["a", "b", "c"]);
  await settled();
  assert.deepEqual(made.items.map(({ state }) => state), ["asking", "asking", "asking"]);
  made.allowMetadata();
  await settled();
  requests[0].resolve(ANSWER);
  requests[1].resolve(ANSWER);
  await settled();
  assert.deepEqual(requests.map(({ blob }) => blob), ["a", "b", "c"]);
  made.replace(["d"]);
  await settled();
  assert.equal(made.items[0].state, "asking");
});

test("a photo that the visitor does not send with its metadata is asked about again", async () => {
  const { made, requests } = queue({ prepare: keepsMetadata });
  made.replace(["a"]);
  await settled();
  made.cancel(made.items[0]);
  assert.equal(made.items[0].state, "cancelled");
  made.retry(made.items[0]);
  await settled();
  assert.equal(made.items[0].state, "asking");
  assert.deepEqual(requests, []);
});

test("an answer is in pixels of the photo in the file, whose smaller copy was sent", async () => {
  const prepare = async (file) => ({ blob: file, preview: file, size: { width: 400, height: 300 } });
  const { made, requests } = queue({ prepare });
  made.replace(["a"]);
  await settled();
  requests[0].resolve({ faces: [{ box: { left: 1, top: 1, width: 2, height: 1 } }], image: ANSWER.image });
  await settled();
  const { faces, image } = made.items[0].recognition;
  assert.deepEqual(faces[0].box, { left: 100, top: 100, width: 200, height: 100 });
  assert.deepEqual(image, { width: 400, height: 300 });
});

test("a replaced photo is never sent, whatever it was doing", async () => {
  const prepared = [];
  const prepare = (file) => new Promise((resolve) => prepared.push(() => resolve({ blob: file, preview: file })));
  const { made, requests } = queue({ prepare });
  made.replace(["old", "older"]);
  await settled();
  made.replace(["new"]);
  await settled();
  prepared.forEach((finish) => finish());
  await settled();
  assert.deepEqual(requests.map(({ blob }) => blob), ["new"]);
});

test("a photo that waits for its turn to be sent is not started twice", async () => {
  const { made, requests } = queue();
  made.replace(["a", "b", "c"]);
  await settled();
  for (const item of made.items.slice(0, 2)) item.state = "waiting"; // before onStart, which this fake calls at once
  requests[0].resolve(ANSWER);
  await settled();
  assert.deepEqual(requests.map(({ blob }) => blob), ["a", "b", "c"]);
});

const dead = () => new Failure("Gone.", { type: "unreachable", retryable: true });

test("after three photos in a row without an answer the others are not sent, and one button tries them all again", async () => {
  const { made, requests } = queue();
  made.replace(["a", "b", "c", "d", "e", "f", "g"]);
  await settled();
  for (let number = 0; number < 4; number += 1) {
    requests[number].reject(dead());
    await settled();
  }
  assert.deepEqual(requests.map(({ blob }) => blob), ["a", "b", "c", "d"]);
  assert.ok(made.items.every(({ state, failure }) => state === "failed" && failure.message === "Gone."));
  made.retry(made.items[6]);
  for (let number = 4; number < 7; number += 1) {
    await settled();
    requests[number].resolve(ANSWER);
  }
  await settled();
  assert.deepEqual(requests.slice(4).map(({ blob }) => blob), ["e", "f", "g"]);
});

for (const [name, between] of [
  ["an answer", (request) => request.resolve(ANSWER)],
  ["a photo that is refused", (request) => request.reject(new Failure("No face.", { type: "no-face" }))],
]) {
  test(`${name} in between shows that the service is there, so all photos are sent`, async () => {
    const { made, requests } = queue();
    made.replace(["a", "b", "c", "d", "e"]);
    await settled();
    for (let number = 0; number < 5; number += 1) {
      if (number === 2) between(requests[number]);
      else requests[number].reject(dead());
      await settled();
    }
    assert.equal(requests.length, 5);
  });
}

test("a page that the visitor has left sends nothing, and goes on when the visitor returns", async () => {
  const { made, requests } = queue();
  made.replace(["a", "b", "c"]);
  await settled();
  requests[0].resolve(ANSWER);
  await settled();
  made.leave();
  await settled();
  assert.deepEqual(requests.map(({ signal }) => signal.aborted), [false, true, true]);
  assert.deepEqual(made.items.map(({ state }) => state), ["answered", "waiting", "waiting"]);
  made.resume();
  await settled();
  assert.deepEqual(requests.slice(3).map(({ blob }) => blob), ["b", "c"]);
});

const SIDEWAYS = { faces: [{ box: { left: 1, top: 0, width: 2, height: 1 } }], image: { width: 4, height: 3, rotation: 90 } };

test("a photo that lies sideways is turned, and its answer with it", async () => {
  const asked = [];
  const turned = { recognition: { faces: [], image: {} }, preview: new Blob(["turned"]), size: { width: 3, height: 4 } };
  const { made, requests } = queue({ turn: async (...what) => (asked.push(what), turned) });
  made.replace([new File(["photo"], "holiday.jpg")]);
  await settled();
  requests[0].resolve(SIDEWAYS);
  await settled();
  const [item] = made.items;
  assert.deepEqual(asked, [[item, SIDEWAYS]]);
  assert.equal(item.state, "answered");
  for (const [name, value] of Object.entries(turned)) assert.equal(item[name], value);
  assert.equal(await item.sent.text(), "photo");
});

test("a photo that can't be turned is shown as it is, with its answer", async () => {
  const errors = [];
  globalThis.reportError = (error) => errors.push(error.message);
  const { made, requests } = queue({ turn: async () => Promise.reject(new Error("no canvas")) });
  made.replace([new File(["photo"], "holiday.jpg")]);
  await settled();
  requests[0].resolve(SIDEWAYS);
  await settled();
  assert.equal(made.items[0].recognition, SIDEWAYS);
  assert.deepEqual(errors, ["no canvas"]);
});
