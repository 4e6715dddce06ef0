// Photos on their way: how many at once, what is told of each, and that nothing is lost on the way.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Failure } from "../../site/assets/failure.js";
import { Queue } from "../../site/assets/queue.js";

const ANSWER = { faces: [] };
const settled = () => new Promise((resolve) => setTimeout(resolve, 5));

/** A queue whose service answers when the test says so. */
function queue({ prepare = async (file) => ({ blob: file, preview: file }) } = {}) {
  const asked = [];
  const recognize = (blob, options) =>
    new Promise((resolve, reject) => {
      options.signal.addEventListener("abort", () => reject(options.signal.reason));
      asked.push({ blob, ...options, resolve, reject });
    });
  const made = new Queue({ prepare, recognize });
  const told = [];
  made.addEventListener("change", ({ detail }) => told.push(detail.state));
  return { made, asked, told };
}

test("a photo is prepared, sent, worked on and answered, and each is told", async () => {
  const { made, asked, told } = queue();
  made.replace(["photo"]);
  await settled();
  asked[0].onProgress(0.5);
  assert.equal(made.items[0].progress, 0.5);
  asked[0].onSent();
  asked[0].resolve(ANSWER);
  await settled();
  assert.equal(made.items[0].recognition, ANSWER);
  assert.deepEqual([...new Set(told)], ["preparing", "sending", "working", "answered"]);
});

test("two photos are on their way at once, the others wait for their turn", async () => {
  const { made, asked } = queue();
  made.replace(["a", "b", "c"]);
  await settled();
  assert.deepEqual(asked.map(({ blob }) => blob), ["a", "b"]);
  asked[1].resolve(ANSWER);
  await settled();
  assert.deepEqual(asked.map(({ blob }) => blob), ["a", "b", "c"]);
});

test("a photo that can't be prepared fails alone", async () => {
  const prepare = async (file) => (file === "bad" ? Promise.reject(new Failure("Unreadable.")) : { blob: file, preview: null });
  const { made, asked } = queue({ prepare });
  made.replace(["bad", "good"]);
  await settled();
  asked[0].resolve(ANSWER);
  await settled();
  assert.deepEqual(made.items.map(({ state }) => state), ["failed", "answered"]);
  assert.equal(made.items[0].failure.message, "Unreadable.");
});

test("new photos take the place of those before, whose answers are not told any more", async () => {
  const { made, asked, told } = queue();
  made.replace(["old"]);
  await settled();
  const { signal } = asked[0];
  made.replace(["new"]);
  assert.ok(signal.aborted);
  await settled();
  told.length = 0;
  asked[0].onProgress(1);
  assert.deepEqual(told, []);
  assert.equal(asked[1].blob, "new");
});

test("a cancelled photo stops, makes room for the next, and can be sent again without being read again", async () => {
  let prepared = 0;
  const prepare = async (file) => ((prepared += 1), { blob: file, preview: file });
  const { made, asked } = queue({ prepare });
  made.replace(["a", "b", "c"]);
  await settled();
  made.cancel(made.items[0]);
  await settled();
  assert.equal(made.items[0].state, "cancelled");
  assert.equal(asked[2].blob, "c");
  asked[1].resolve(ANSWER);
  made.retry(made.items[0]);
  await settled();
  assert.equal(asked[3].blob, "a");
  assert.equal(prepared, 3);
});

test("what failed for the lack of a connection is sent when it is back, and nothing else", async () => {
  const { made, asked } = queue();
  made.replace(["a", "b"]);
  await settled();
  asked[0].reject(new Failure("Offline.", { type: "offline", retryable: true }));
  asked[1].reject(new Failure("No face.", { type: "no-face" }));
  await settled();
  made.reconnect();
  await settled();
  assert.deepEqual(asked.map(({ blob }) => blob), ["a", "b", "a"]);
});

test("the service's pauses are told with how long they are", async () => {
  const { made, asked } = queue();
  made.replace(["a"]);
  await settled();
  asked[0].onWait({ attempt: 1, ms: 3000, reason: "busy" });
  assert.deepEqual([made.items[0].state, made.items[0].pauseMs], ["pausing", 3000]);
});

test("what keeps a photo away is told in its place", async () => {
  const { made, asked } = queue();
  made.replace(["old"]);
  await settled();
  made.fail(new Failure("Gone."));
  assert.ok(asked[0].signal.aborted);
  assert.deepEqual(made.items.map(({ state, failure }) => [state, failure.message]), [["failed", "Gone."]]);
});

test("something that held no photo says so", () => {
  const { made } = queue();
  made.replace([]);
  assert.equal(made.items[0].state, "failed");
  assert.match(made.items[0].failure.message, /no photo/i);
});
