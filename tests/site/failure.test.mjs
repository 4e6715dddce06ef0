// The sentences for each response that is not a success.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import "./english.mjs";
import * as failures from "../../site/assets/failure.js";

const { Failure, fromResponse, tooLarge } = failures;

const SENTENCES = /^[A-Z][^\n]*\.$/;
/** Without the problems that only owners meet: their page shows what the API says. */
const VISITORS = readFileSync("api/errors.py", "utf8").replace(/_OF_OWNERS: [^]*?\n}\n/, "");
const NAMES = [...VISITORS.matchAll(/Problem\(\s*\d{3},\s*"([a-z-]+)"/g)].map(([, name]) => name);
const problem = (name, about) => ({ type: `urn:visage:problem:${name}`, title: "Jargon", ...about });

test("the names of the API's problems are found in its source", () => {
  assert.ok(NAMES.includes("no-face") && NAMES.includes("internal-error") && NAMES.length > 10, NAMES.join());
});

for (const name of NAMES) {
  test(`${name} has sentences of its own that say what to do next`, () => {
    const failure = fromResponse({ status: 599, body: problem(name) });
    assert.equal(failure.type, name);
    assert.match(failure.message, SENTENCES);
    assert.doesNotMatch(failure.message, /599|undefined|Jargon/);
    assert.ok(failure.message.length > failure.summary.length, "nothing to do next");
  });
}

for (const name of ["unreadable-photo", "unsupported-format"]) {
  test(`${name} shows the API's own sentence, and then what to do next`, () => {
    const { message } = fromResponse({ status: 422, body: problem(name, { detail: "There is no face." }) });
    assert.match(message, /^There is no face\. [A-Z].*\.$/);
  });
}

for (const name of ["no-face", "image-missing", "bad-request", "too-large", "model-unavailable", "internal-error", "not-found"]) {
  test(`${name} doesn't show the API's sentence, which is for programmers`, () => {
    const { message } = fromResponse({ status: 400, body: problem(name, { detail: "Send multipart/form-data." }) });
    assert.doesNotMatch(message, /multipart/);
  });
}

test("an unknown problem shows the API's sentence", () => {
  const failure = fromResponse({ status: 422, body: problem("too-dark", { detail: "The photo is too dark." }) });
  assert.equal(failure.message, "The photo is too dark.");
  assert.equal(failure.type, "too-dark");
});

for (const status of [401, 403, 404, 413, 429, 500, 502, 503, 504]) {
  test(`API Gateway's own ${status} becomes sentences of ours`, () => {
    const { message, type } = fromResponse({ status, body: { message: "Internal jargon" } });
    assert.match(message, SENTENCES);
    assert.doesNotMatch(message, /jargon/);
    assert.equal(type, `http-${status}`);
  });
}

for (const body of [null, [], "Teapot", 7, {}, { type: 7, detail: [] }, { detail: " " }]) {
  test(`an unforeseen status with ${JSON.stringify(body)} still says something`, () => {
    assert.equal(fromResponse({ status: 418, body }).message, "The service answered with an error (418). Try again later.");
  });
}

test("the request id comes from the body, or else from the header", () => {
  assert.equal(fromResponse({ status: 500, body: { request_id: "body" }, requestId: "header" }).requestId, "body");
  assert.equal(fromResponse({ status: 500, body: { request_id: 7 }, requestId: "header" }).requestId, "header");
  assert.equal(fromResponse({ status: 500, body: null }).requestId, "");
});

test("trying again is offered only where it may help", () => {
  const retryable = (status) => fromResponse({ status, body: null }).retryable;
  assert.deepEqual([429, 500, 503, 504].map(retryable), [true, true, true, true]);
  assert.deepEqual([400, 403, 404, 413, 422].map(retryable), [false, false, false, false, false]);
});

test("another key may help where the API refuses this one, or has none", () => {
  const needsKey = (status, body = null) => fromResponse({ status, body }).needsKey;
  assert.deepEqual([needsKey(401), needsKey(401, problem("key-revoked")), needsKey(403, problem("key-scope"))], [true, true, true]);
  assert.deepEqual([needsKey(403), needsKey(422, problem("no-face"))], [false, false]);
});

test("the page repeats temporary failures by itself, after the time that the server names", () => {
  const wait = (status) => fromResponse({ status, body: null, retryAfterMs: 5000 }).waitMs;
  assert.deepEqual([429, 502, 503, 504].map(wait), Array(4).fill(5000));
  assert.deepEqual([400, 422, 500].map(wait), Array(3).fill(undefined));
  assert.equal(failures.unreachable().waitMs, 0);
  assert.equal(failures.interrupted().waitMs, undefined);
});

test("a failure has a summary without the advice", () => {
  const failure = fromResponse({ status: 429, body: null });
  assert.equal(failure.summary, "Too many photos are being sent right now.");
  assert.equal(failure.message, `${failure.summary} Wait a moment and try again.`);
});

const own = Object.entries(failures).filter(([name]) => !["Failure", "fromResponse", "noPhoto"].includes(name));

for (const [name, make] of own) {
  test(`${name} is a failure with a type of its own, and says what to do next`, () => {
    const failure = make(7_340_000, 4_500_000);
    assert.ok(failure instanceof Failure);
    assert.match(failure.message, SENTENCES);
    assert.ok(failure.type && failure.message.length > failure.summary.length);
    assert.equal(own.filter(([, other]) => other(1, 1).type === failure.type).length, 1);
  });
}

for (const kinds of [["pdf"], ["video"], ["folder"], ["empty"], ["unreadable"], ["other"], ["pdf", "video"]]) {
  test(`a choice of ${kinds.join(" and ")} says what it is and what to do next`, () => {
    const failure = failures.noPhoto(kinds);
    assert.match(failure.message, SENTENCES);
    assert.ok(failure.message.length > failure.summary.length);
    assert.equal(failure.retryable, false);
  });
}

test("the failure of a photo that is too large names its size and the limit", () => {
  assert.match(tooLarge(7_340_000, 4_500_000).message, /7\.3 MB.*4\.5 MB/);
});
