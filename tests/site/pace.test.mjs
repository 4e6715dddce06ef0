// When frames of the camera are sent: one at a time, at the service's pace, and until the visitor stops.
import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import "./english.mjs";
import { Failure } from "../../site/assets/failure.js";
import { FASTEST, Pace, askRepeatedly } from "../../site/assets/pace.js";

beforeEach(() => mock.timers.enable({ apis: ["setTimeout", "Date"] }));
afterEach(() => mock.timers.reset());

/** A service whose answers take `ms`; `failures` are thrown first. Tells when it was asked. */
function service(ms, failures = []) {
  const asked = { at: [], open: 0, mostOpen: 0 };
  asked.ask = async (signal) => {
    asked.at.push(Date.now());
    asked.mostOpen = Math.max(asked.mostOpen, (asked.open += 1));
    await new Promise((resolve) => setTimeout(resolve, ms));
    asked.open -= 1;
    signal.throwIfAborted();
    if (failures.length) throw failures.shift();
    return "answer";
  };
  return asked;
}

function start(asked, options = {}) {
  const controller = new AbortController();
  const told = { answers: [], waits: [] };
  const finished = askRepeatedly({
    ask: asked.ask,
    onAnswer: (_, { isSlowed }) => told.answers.push(isSlowed),
    onWait: (wait) => told.waits.push(wait),
    signal: controller.signal,
    random: () => 1,
    now: () => Date.now(),
    ...options,
  }).then(() => null, (error) => error);
  return { ...told, finished, stop: () => controller.abort() };
}

async function pass(ms) {
  for (let passed = 0; passed < ms; passed += 10) {
    mock.timers.tick(10);
    for (let turn = 0; turn < 8; turn += 1) await null;
  }
}

const gaps = (times) => times.slice(1).map((time, index) => time - times[index]);
const busy = (waitMs = 0) => new Failure("The service is busy.", { retryable: true, waitMs });

test("a quick service is asked four times a second", async () => {
  const asked = service(100);
  const live = start(asked);
  await pass(2000);
  live.stop();
  assert.equal(FASTEST, 4);
  assert.deepEqual(new Set(gaps(asked.at)), new Set([250]));
});

test("the owner may want fewer frames", async () => {
  const asked = service(100);
  const live = start(asked, { framesPerSecond: 2 });
  await pass(3000);
  live.stop();
  assert.deepEqual(new Set(gaps(asked.at)), new Set([500]));
});

test("a slow service is never asked twice at once, and has a break after each answer", async () => {
  const asked = service(800);
  const live = start(asked);
  await pass(5000);
  live.stop();
  assert.equal(asked.mostOpen, 1);
  assert.deepEqual(new Set(gaps(asked.at)), new Set([1000]));
});

test("after a slow start the pace is quick at once", async () => {
  const asked = service(100);
  const { ask } = asked;
  asked.ask = async (signal) => {
    if (!asked.at.length) await new Promise((resolve) => setTimeout(resolve, 4000));
    return ask(signal);
  };
  const live = start(asked);
  await pass(7000);
  live.stop();
  assert.deepEqual(gaps(asked.at).slice(1, 4), [250, 250, 250]);
});

test("a busy service is left alone for as long as it says and longer, and asked less often then", async () => {
  const asked = service(100, [busy(3000)]);
  const live = start(asked);
  await pass(6000);
  live.stop();
  assert.deepEqual(live.waits, [{ ms: 4000, reason: "The service is busy." }]);
  assert.equal(gaps(asked.at)[0], 4100);
  assert.equal(gaps(asked.at)[1], 500);
  assert.equal(live.answers[0], true);
});

test("the pace comes back while the service answers", async () => {
  const asked = service(100, [busy()]);
  const live = start(asked);
  await pass(8000);
  live.stop();
  assert.equal(gaps(asked.at).at(-1), 250);
  assert.equal(live.answers.at(-1), false);
});

test("a pace gets slower up to a limit", () => {
  const pace = new Pace(4);
  for (let times = 0; times < 20; times += 1) pace.slowDown();
  assert.equal(pace.answered(0), 4000);
  const slow = new Pace(0.1);
  slow.slowDown();
  assert.equal(slow.answered(0), 10_000);
});

test("a service that doesn't answer is asked five times, and the last failure is told", async () => {
  const asked = service(10, Array.from({ length: 9 }, () => busy()));
  const live = start(asked);
  await pass(20_000);
  assert.equal((await live.finished).message, "The service is busy.");
  assert.equal(asked.at.length, 5);
  assert.deepEqual(live.waits.map(({ ms }) => ms), [1000, 2000, 4000, 8000]);
});

test("failures that are not in a row don't end it", async () => {
  const asked = service(10);
  const { ask } = asked;
  asked.ask = async (signal) => {
    await ask(signal);
    if (asked.at.length % 2) throw new Failure("The connection was lost.", { retryable: true });
  };
  const live = start(asked, { random: () => 0 });
  await pass(10_000);
  assert.ok(asked.at.length > 10);
  live.stop();
});

test("a failure that will happen again ends it at once", async () => {
  const asked = service(10, [new Failure("The service doesn’t accept this website.")]);
  const live = start(asked);
  await pass(1000);
  assert.match((await live.finished).message, /accept/);
  assert.equal(asked.at.length, 1);
});

test("nothing is asked or told after a stop, whether it waits for an answer or between two", async () => {
  for (const when of [50, 150]) {
    const asked = service(100);
    const live = start(asked);
    await pass(when);
    const told = live.answers.length;
    live.stop();
    await pass(3000);
    assert.equal((await live.finished).name, "AbortError");
    assert.equal(asked.at.length, 1);
    assert.equal(live.answers.length, told);
  }
});
