// How the page reads the config.json that a deployment writes.
import assert from "node:assert/strict";
import { test } from "node:test";

import "./english.mjs";
import { parseConfig } from "../../site/assets/config.js";

const PAGE = "https://visage.example/index.html";
const API = "https://api.example/stage";

test("the trailing slash of the API's address is removed", () => {
  assert.equal(parseConfig({ api: `${API}/` }, PAGE).api, API);
});

test("a path becomes an address on the website", () => {
  assert.equal(parseConfig({ api: "/api" }, PAGE).api, "https://visage.example/api");
});

for (const api of [undefined, "", 7, "api", "//elsewhere.example", "javascript:alert(1)", "https://", "https://%", "/"]) {
  test(`an API at ${JSON.stringify(api)} is a failure with a sentence`, () => {
    assert.throws(() => parseConfig({ api }, PAGE), { name: "Failure", type: "config-broken" });
  });
}

for (const config of [null, [], "config", 7]) {
  test(`a config of ${JSON.stringify(config)} is a failure with a sentence`, () => {
    assert.throws(() => parseConfig(config, PAGE), { name: "Failure", type: "config-broken" });
  });
}

test("without examples the list is empty", () => {
  assert.deepEqual(parseConfig({ api: API }, PAGE).examples, []);
  assert.deepEqual(parseConfig({ api: API, examples: "a.jpg" }, PAGE).examples, []);
});

test("examples are on this website, given as paths or addresses", () => {
  const paths = ["examples/1.jpg", "/examples/2.jpg", "https://visage.example/examples/3.jpg"];
  const examples = paths.map((path) => ({ photo: path, thumbnail: path.replace("jpg", "small.jpg") }));
  const addresses = [1, 2, 3].map((number) => `https://visage.example/examples/${number}`);
  assert.deepEqual(
    parseConfig({ api: API, examples }, PAGE).examples,
    addresses.map((address) => ({ photo: `${address}.jpg`, thumbnail: `${address}.small.jpg` })),
  );
});

for (const address of [
  "https://elsewhere.example/1.jpg",
  "//elsewhere.example/1.jpg",
  "http://visage.example/1.jpg",
  "javascript:alert(1)",
  "data:image/png;base64,AA",
  "blob:https://visage.example/1",
  "https://%",
  7,
  null,
  undefined,
]) {
  test(`an example at ${address} is left out, as a photo and as a thumbnail`, () => {
    const examples = [{ photo: address, thumbnail: "1.jpg" }, { photo: "1.jpg", thumbnail: address }, address];
    assert.deepEqual(parseConfig({ api: API, examples }, PAGE).examples, []);
  });
}

for (const [live, expected] of [[0, 0], [2, 2], [0.5, 0.5], [undefined, undefined], [null, undefined], ["2", undefined], [-1, undefined], [true, undefined]]) {
  test(`${JSON.stringify(live)} frames a second of the camera means ${expected}`, () => {
    assert.equal(parseConfig({ api: API, owner: { live } }, PAGE).live, expected);
  });
}
