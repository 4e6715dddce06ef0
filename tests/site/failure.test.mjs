// Which sentence each answer that is no Recognition becomes.
import assert from "node:assert/strict";
import { test } from "node:test";

import { parseConfig } from "../../site/config.js";
import { Failure, fromResponse, tooLarge } from "../../site/failure.js";

test("a problem's own detail is the sentence", () => {
  const { message } = fromResponse(422, { type: "urn:visage:problem:no-face", detail: "There is no face." });
  assert.equal(message, "There is no face.");
});

test("a problem's request id is kept for the person to quote", () => {
  assert.equal(fromResponse(500, { detail: "Sorry.", request_id: "abc" }).requestId, "abc");
});

for (const status of [413, 429, 500, 502, 503, 504]) {
  test(`API Gateway's own ${status} becomes a sentence of ours`, () => {
    const { message } = fromResponse(status, { message: "Internal jargon" });
    assert.match(message, /^[A-Z].*\.$/);
    assert.doesNotMatch(message, /jargon/);
  });
}

test("an unforeseen status without JSON still says something", () => {
  assert.equal(fromResponse(418, null).message, "The server answered with an error (418).");
});

test("trying again is offered where it may help, and only there", () => {
  assert.equal(fromResponse(503, null).retryable, true);
  assert.equal(fromResponse(429, null).retryable, true);
  assert.equal(fromResponse(422, { detail: "There is no face." }).retryable, false);
});

test("a photo that can't be sent is told its size and the limit", () => {
  assert.match(tooLarge(7_340_000, 4_500_000).message, /7\.3 MB.*4\.5 MB/);
});

test("the API's address loses the slash at its end", () => {
  assert.deepEqual(parseConfig({ api: "https://api.example/stage/" }), { api: "https://api.example/stage" });
});

for (const config of [null, [], {}, { api: "" }, { api: 7 }, { api: "javascript:alert(1)" }, { api: "https://" }]) {
  test(`a config of ${JSON.stringify(config)} is a failure with a sentence`, () => {
    assert.throws(() => parseConfig(config), Failure);
  });
}
