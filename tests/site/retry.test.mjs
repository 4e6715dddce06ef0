// When an attempt is repeated, after how long, and when it fails for good.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import "./english.mjs";
import { Failure } from "../../site/assets/failure.js";
import { backoff, withRetries as withRetriesOf, retryAfterMs } from "../../site/assets/retry.js";

const NOW = Date.parse("Wed, 21 Oct 2026 07:28:00 GMT");
const temporary = (waitMs = 0) => new Failure("Busy.", { advice: "Try again.", waitMs });
const permanent = () => new Failure("Broken.");
const never = () => new AbortController().signal;
const noJitter = () => 0;

/** A traffic that notes the pauses that are asked for, and allows this number of retries. */
function fakeTraffic(retries = Infinity) {
  const traffic = { pauses: [], answers: 0, pause: (ms) => traffic.pauses.push(ms), allowRetry: () => (traffic.answers += 1) };
  traffic.takeRetry = () => (retries -= 1) >= 0;
  return traffic;
}

const withRetries = (attempt, options) => withRetriesOf(attempt, { traffic: fakeTraffic(), ...options });

function online(onLine) {
  Object.defineProperty(globalThis, "navigator", { value: { onLine }, configurable: true });
}

beforeEach(() => online(true));

/** An attempt that fails with these errors, then succeeds. */
function failing(...errors) {
  const attempt = async () => {
    attempt.made += 1;
    if (attempt.made <= errors.length) throw errors[attempt.made - 1];
    return "answer";
  };
  attempt.made = 0;
  return attempt;
}

test("the limit of the wait doubles, and every shorter wait is equally likely", () => {
  assert.deepEqual([1, 2, 3].map((retry) => backoff(retry, () => 1)), [1000, 2000, 4000]);
  assert.deepEqual([1, 2, 3].map((retry) => backoff(retry, () => 0.25)), [250, 500, 1000]);
  assert.equal(backoff(3, () => 0), 0);
});

for (const [header, ms] of [
  ["5", 5000],
  [" 5 ", 5000],
  ["0", 0],
  ["31", 30_000],
  ["99999999999999999999", 30_000],
  ["Wed, 21 Oct 2026 07:28:04 GMT", 4000],
  ["Wed, 21 Oct 2026 08:28:00 GMT", 30_000],
  ["Wed, 21 Oct 2026 07:27:00 GMT", 0],
  ["soon", 0],
  ["", 0],
  [null, 0],
]) {
  test(`Retry-After: ${header} means ${ms} ms`, () => assert.equal(retryAfterMs(header, NOW), ms));
}

test("an attempt that succeeds is not repeated", async () => {
  const attempt = failing();
  assert.equal(await withRetries(attempt, { signal: never() }), "answer");
  assert.equal(attempt.made, 1);
});

test("a temporary failure is repeated three times, and each wait is reported", async () => {
  const waits = [];
  const attempt = failing(temporary(), temporary(20), temporary());
  const answer = await withRetries(attempt, { signal: never(), random: noJitter, onWait: (wait) => waits.push(wait) });
  assert.equal(answer, "answer");
  assert.deepEqual(
    waits.map(({ attempt, ms, failure }) => [attempt, ms, failure.summary]),
    [[1, 0, "Busy."], [2, 20, "Busy."], [3, 0, "Busy."]],
  );
});

test("the jitter is added to the server's wait, so that clients don't return all at once", async () => {
  const waits = [];
  await withRetries(failing(temporary(10)), { signal: never(), random: () => 0.005, onWait: ({ ms }) => waits.push(ms) });
  assert.deepEqual(waits, [15]);
});

test("the fourth failure is final", async () => {
  const attempt = failing(temporary(), temporary(), temporary(), temporary(), temporary());
  await assert.rejects(withRetries(attempt, { signal: never(), random: noJitter }), { message: "Busy. Try again." });
  assert.equal(attempt.made, 4);
});

test("a failure is final when the page has no retry left", async () => {
  const attempt = failing(temporary(), temporary(), temporary());
  const work = withRetries(attempt, { signal: never(), random: noJitter, traffic: fakeTraffic(1) });
  await assert.rejects(work, { message: "Busy. Try again." });
  assert.equal(attempt.made, 2);
});

test("the wait that the service asks for is for all requests of the page, also after the last attempt", async () => {
  const traffic = fakeTraffic(1);
  await assert.rejects(withRetries(failing(temporary(3), temporary(7)), { signal: never(), random: noJitter, traffic }));
  assert.deepEqual([traffic.pauses, traffic.answers], [[3, 7], 0]);
});

test("only an answer counts as one", async () => {
  const traffic = fakeTraffic();
  await withRetries(failing(temporary()), { signal: never(), random: noJitter, traffic });
  assert.equal(traffic.answers, 1);
});

test("a permanent failure is not repeated", async () => {
  const attempt = failing(permanent());
  await assert.rejects(withRetries(attempt, { signal: never() }), { message: "Broken." });
  assert.equal(attempt.made, 1);
});

test("an error in the page's own code is not repeated", async () => {
  const attempt = failing(new TypeError("undefined is not a function"));
  await assert.rejects(withRetries(attempt, { signal: never() }), TypeError);
  assert.equal(attempt.made, 1);
});

test("no attempt is made offline", async () => {
  online(false);
  const attempt = failing();
  await assert.rejects(withRetries(attempt, { signal: never() }), { type: "offline", retryable: true });
  assert.equal(attempt.made, 0);
});

test("going offline during a wait ends the attempts", async () => {
  const attempt = failing(temporary());
  await assert.rejects(withRetries(attempt, { signal: never(), random: noJitter, onWait: () => online(false) }), { type: "offline" });
  assert.equal(attempt.made, 1);
});

test("no attempt is made after an abort", async () => {
  const attempt = failing();
  await assert.rejects(withRetries(attempt, { signal: AbortSignal.abort() }), { name: "AbortError" });
  assert.equal(attempt.made, 0);
});

for (const [when, abort] of [
  ["as a wait begins", (controller) => controller.abort()],
  ["during a wait", (controller) => setTimeout(() => controller.abort())],
]) {
  test(`an abort ${when} ends the attempts at once`, async () => {
    const controller = new AbortController();
    const attempt = failing(temporary(30_000));
    const work = withRetries(attempt, { signal: controller.signal, onWait: () => abort(controller) });
    await assert.rejects(work, { name: "AbortError" });
    assert.equal(attempt.made, 1);
  });
}
