// How many requests run at once, which one starts next, and how many retries all of them have.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Replaced, Traffic } from "../../site/assets/traffic.js";

/** Resolves when all promises that can settle now have settled: setImmediate runs after every microtask. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

/** Asks for a number of requests, and notes those that may start with the slot of each. */
function requests(traffic, count, { signal = new AbortController().signal } = {}) {
  const slots = new Map();
  for (let number = 0; number < count; number += 1) traffic.start(signal).then((slot) => slots.set(number, slot), () => {});
  return slots;
}

const started = async (slots) => settled().then(() => [...slots.keys()]);

test("two requests run at once, and the others start in their order", async () => {
  const slots = requests(new Traffic(), 4);
  assert.deepEqual(await started(slots), [0, 1]);
  slots.get(1).end();
  assert.deepEqual(await started(slots), [0, 1, 2]);
  slots.get(0).end();
  assert.deepEqual(await started(slots), [0, 1, 2, 3]);
});

test("a request that ends twice frees one place", async () => {
  const slots = requests(new Traffic(), 4);
  await settled();
  slots.get(0).end();
  slots.get(0).end();
  assert.deepEqual(await started(slots), [0, 1, 2]);
});

test("a request that is aborted while it waits never starts, and the next one takes its turn", async () => {
  const traffic = new Traffic();
  const running = requests(traffic, 2);
  const controller = new AbortController();
  const aborted = requests(traffic, 1, controller);
  const next = requests(traffic, 1);
  await settled();
  controller.abort();
  running.get(0).end();
  assert.deepEqual([await started(aborted), await started(next)], [[], [0]]);
});

test("a request that is aborted before it asks never starts", async () => {
  await assert.rejects(new Traffic().start(AbortSignal.abort()), { name: "AbortError" });
});

test("a request without a reader keeps its place, and another one may start", async () => {
  const slots = requests(new Traffic(), 3);
  await settled();
  slots.get(0).abandon(new DOMException("", "AbortError"));
  slots.get(1).end();
  assert.deepEqual(await started(slots), [0, 1, 2]);
});

for (const [name, end] of [
  ["until it is answered", (slot) => slot.end()],
  ["for 10 seconds", (_, timers) => timers.tick(10_000)],
]) {
  test(`a newer photo waits for the request of the photo that it replaced, ${name}`, async ({ mock }) => {
    mock.timers.enable({ apis: ["setTimeout"] });
    const traffic = new Traffic();
    const [slot] = [await traffic.start(new AbortController().signal)];
    slot.abandon(new Replaced());
    const newer = requests(traffic, 1);
    mock.timers.tick(9999);
    assert.deepEqual(await started(newer), []);
    end(slot, mock.timers);
    assert.deepEqual(await started(newer), [0]);
  });
}

test("a visitor who keeps replacing photos sends nothing until half a second after the last one", async ({ mock }) => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const traffic = new Traffic();
  const [first, second] = [new AbortController(), new AbortController()];
  const slot = await traffic.start(first.signal);
  slot.end(new Replaced()); // its upload was stopped
  const replaced = requests(traffic, 1, second);
  mock.timers.tick(400);
  second.abort(new Replaced());
  const newest = requests(traffic, 1);
  mock.timers.tick(499);
  assert.deepEqual([await started(replaced), await started(newest)], [[], []]);
  mock.timers.tick(1);
  assert.deepEqual(await started(newest), [0]);
});

test("nothing starts during a pause that the service asks for, and overlapping pauses end with the last", async ({ mock }) => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const traffic = new Traffic();
  traffic.pause(0);
  traffic.pause(5000);
  traffic.pause(8000);
  const slots = requests(traffic, 1);
  mock.timers.tick(7999);
  assert.deepEqual(await started(slots), []);
  mock.timers.tick(1);
  assert.deepEqual(await started(slots), [0]);
});

test("all requests together have ten retries, and each answer gives one back, up to ten", () => {
  const traffic = new Traffic();
  const taken = () => Array.from({ length: 20 }, () => traffic.takeRetry()).filter(Boolean).length;
  assert.equal(taken(), 10);
  traffic.allowRetry();
  assert.equal(taken(), 1);
  for (let answer = 0; answer < 50; answer += 1) traffic.allowRetry();
  assert.equal(taken(), 10);
});
