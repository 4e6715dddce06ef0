// When an attempt is made again, after how long, and when it is given up.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Failure } from "../../site/assets/failure.js";
import { backoff, withRetries, retryAfterMs } from "../../site/assets/retry.js";

const NOW = Date.parse("Wed, 21 Oct 2026 07:28:00 GMT");
const passing = (waitMs = 0) => new Failure("Busy.", { advice: "Try again.", waitMs });
const lasting = () => new Failure("Broken.");
const never = () => new AbortController().signal;
const atOnce = () => 0;

function online(onLine) {
  Object.defineProperty(globalThis, "navigator", { value: { onLine }, configurable: true });
}

beforeEach(() => online(true));

/** An attempt that fails in these ways, then succeeds. */
function failing(...errors) {
  const attempt = async () => {
    attempt.made += 1;
    if (attempt.made <= errors.length) throw errors[attempt.made - 1];
    return "answer";
  };
  attempt.made = 0;
  return attempt;
}

test("the longest wait doubles, and any shorter one is as likely", () => {
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

test("what works at once is not done again", async () => {
  const attempt = failing();
  assert.equal(await withRetries(attempt, { signal: never() }), "answer");
  assert.equal(attempt.made, 1);
});

test("what passes is tried three more times, each wait told before", async () => {
  const waits = [];
  const attempt = failing(passing(), passing(20), passing());
  const answer = await withRetries(attempt, { signal: never(), random: atOnce, onWait: (wait) => waits.push(wait) });
  assert.equal(answer, "answer");
  assert.deepEqual(waits, [
    { attempt: 1, ms: 0, reason: "Busy." },
    { attempt: 2, ms: 20, reason: "Busy." },
    { attempt: 3, ms: 0, reason: "Busy." },
  ]);
});

test("the server's wait comes before the jitter, so that not everybody returns at its end", async () => {
  const waits = [];
  await withRetries(failing(passing(10)), { signal: never(), random: () => 0.005, onWait: ({ ms }) => waits.push(ms) });
  assert.deepEqual(waits, [15]);
});

test("the fourth failure is final", async () => {
  const attempt = failing(passing(), passing(), passing(), passing(), passing());
  await assert.rejects(withRetries(attempt, { signal: never(), random: atOnce }), { message: "Busy. Try again." });
  assert.equal(attempt.made, 4);
});

test("what lasts is not tried again", async () => {
  const attempt = failing(lasting());
  await assert.rejects(withRetries(attempt, { signal: never() }), { message: "Broken." });
  assert.equal(attempt.made, 1);
});

test("an error of the page itself is not tried again", async () => {
  const attempt = failing(new TypeError("undefined is not a function"));
  await assert.rejects(withRetries(attempt, { signal: never() }), TypeError);
  assert.equal(attempt.made, 1);
});

test("offline, nothing is tried", async () => {
  online(false);
  const attempt = failing();
  await assert.rejects(withRetries(attempt, { signal: never() }), { type: "offline", retryable: true });
  assert.equal(attempt.made, 0);
});

test("going offline while waiting ends it", async () => {
  const attempt = failing(passing());
  await assert.rejects(withRetries(attempt, { signal: never(), random: atOnce, onWait: () => online(false) }), { type: "offline" });
  assert.equal(attempt.made, 1);
});

test("aborted before, nothing is tried", async () => {
  const attempt = failing();
  await assert.rejects(withRetries(attempt, { signal: AbortSignal.abort() }), { name: "AbortError" });
  assert.equal(attempt.made, 0);
});

for (const [when, abort] of [
  ["as a wait begins", (controller) => controller.abort()],
  ["during a wait", (controller) => setTimeout(() => controller.abort())],
]) {
  test(`aborted ${when}, it ends at once`, async () => {
    const controller = new AbortController();
    const attempt = failing(passing(30_000));
    const work = withRetries(attempt, { signal: controller.signal, onWait: () => abort(controller) });
    await assert.rejects(work, { name: "AbortError" });
    assert.equal(attempt.made, 1);
  });
}
