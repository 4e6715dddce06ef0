// The messages of the camera dialog, and which camera is next. The dialog itself is tested in a browser.
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import "./english.mjs";
import { cameraUnavailable } from "../../site/assets/has-camera.js";

const { cameraProblem, otherCamera } = await import("../../site/assets/camera.js"); // once the words are there

function browser({ isSecureContext, mediaDevices }) {
  globalThis.isSecureContext = isSecureContext;
  Object.defineProperty(globalThis, "navigator", { value: { mediaDevices }, configurable: true });
}

afterEach(() => delete globalThis.isSecureContext);

test("a page without https says that the camera needs it", () => {
  browser({ isSecureContext: false, mediaDevices: undefined });
  assert.match(cameraUnavailable(), /https/);
});

test("a browser without cameras says so", () => {
  browser({ isSecureContext: true, mediaDevices: {} });
  assert.match(cameraUnavailable(), /browser/);
});

test("a page that can try the camera gets no message", () => {
  browser({ isSecureContext: true, mediaDevices: { getUserMedia: () => {} } });
  assert.equal(cameraUnavailable(), "");
});

for (const [name, what] of [
  ["NotAllowedError", /Allow it/],
  ["SecurityError", /Allow it/],
  ["NotFoundError", /can’t find a camera/],
  ["OverconstrainedError", /can’t find a camera/],
  ["NotReadableError", /in use/],
  ["AbortError", /in use/],
  ["TypeError", /didn’t start/],
]) {
  test(`${name} says what to do next`, () => {
    assert.match(cameraProblem({ name }), what);
    assert.match(cameraProblem({ name }), /then try again\.$|choose a photo instead\.$/);
  });
}

test("a phone switches between its front and its back", () => {
  assert.deepEqual(otherCamera({ facingMode: "user" }, []), { facingMode: { ideal: "environment" } });
  assert.deepEqual(otherCamera({ facingMode: "environment" }, []), { facingMode: { ideal: "user" } });
});

test("a desktop goes from one camera to the next, and back to the first", () => {
  const cameras = [{ deviceId: "a" }, { deviceId: "b" }];
  assert.deepEqual(otherCamera({ deviceId: "a" }, cameras), { deviceId: { exact: "b" } });
  assert.deepEqual(otherCamera({ deviceId: "b" }, cameras), { deviceId: { exact: "a" } });
  assert.deepEqual(otherCamera({ deviceId: "gone" }, cameras), { deviceId: { exact: "a" } });
});
