// Takes a photo with the camera, in a dialog with a live preview.
import { make } from "./dom.js";
import { encode } from "./shrink.js";

/** @returns {string} why this page can't have the camera; empty when it may try */
export function cameraUnavailable() {
  if (!globalThis.isSecureContext) return "The camera works only when this page is opened with https.";
  if (!navigator.mediaDevices?.getUserMedia) return "This browser doesn’t let pages use a camera.";
  return "";
}

/**
 * @param {HTMLDialogElement} dialog  an empty one; it is filled, opened, and left empty
 * @returns {Promise<File | null>} a JPEG; null when nobody took one
 */
export function takePhoto(dialog) {
  return new Camera(dialog).photo();
}

/**
 * What to say when the camera doesn't start.
 * @param {{name: string}} error  as getUserMedia rejects
 * @returns {string}
 */
export function cameraProblem({ name }) {
  return PROBLEMS.get(name) ?? "The camera didn’t start. Try again, or choose a photo instead.";
}

const REFUSED = "This page may not use the camera. Allow it in the browser’s settings for this page, then try again.";
const MISSING = "No camera was found. Connect one and try again, or choose a photo instead.";
const BUSY = "The camera is in use. Close other programs that use it, then try again.";
const LOST = "The camera stopped. Check that it is connected and that no other program uses it, then try again.";

/** https://w3c.github.io/mediacapture-main/#dom-mediadevices-getusermedia */
const PROBLEMS = new Map([
  ["NotAllowedError", REFUSED],
  ["SecurityError", REFUSED],
  ["NotFoundError", MISSING],
  ["OverconstrainedError", MISSING],
  ["NotReadableError", BUSY],
  ["AbortError", BUSY],
]);

/**
 * Which camera comes after this one: on a phone the one that faces the other way, else the next of all.
 * @param {{facingMode?: string, deviceId?: string}} current  the settings of its track
 * @param {{deviceId: string}[]} cameras
 * @returns {MediaTrackConstraints}
 */
export function otherCamera({ facingMode, deviceId }, cameras) {
  if (facingMode) return { facingMode: { ideal: facingMode === "user" ? "environment" : "user" } };
  const index = cameras.findIndex((camera) => camera.deviceId === deviceId);
  return { deviceId: { exact: cameras[(index + 1) % cameras.length].deviceId } };
}

/** The question is who somebody else is, so the camera on the back comes first. */
const FIRST = { facingMode: { ideal: "environment" } };

/** More than recognition needs would only make the preview stutter. */
const SIZE = { width: { ideal: 1920 }, height: { ideal: 1080 } };

class Camera {
  /** Which camera was last asked for: an answer to an earlier request is not wanted any more. */
  #wanted = FIRST;
  #stream = null;
  #cameras = [];
  #photo = null;

  constructor(dialog) {
    this.dialog = dialog;
    this.video = make("video", { playsinline: true, muted: true, autoplay: true });
    this.video.muted = true; // the attribute alone doesn't mute an element that a script made
    this.note = make("p", { class: "camera-note", role: "status" });
    this.again = button("button", "Try again", () => this.#restart());
    this.cancel = button("button quiet", "Cancel", () => dialog.close());
    this.shutter = button("shutter", "", () => this.#shoot());
    this.shutter.setAttribute("aria-label", "Take the photo");
    this.other = button("button quiet", "Switch", () => this.#switch());
    this.other.setAttribute("aria-label", "Switch to another camera");
    this.other.hidden = true;
  }

  /** @returns {Promise<File | null>} when the dialog is closed again */
  photo() {
    const { dialog, video, note, again, cancel, shutter, other } = this;
    dialog.replaceChildren(
      make("div", { class: "viewfinder" }, video, make("div", { class: "camera-message" }, note, again)),
      make("div", { class: "camera-controls" }, cancel, shutter, other),
    );
    const closed = new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
    this.#start(FIRST);
    dialog.showModal();
    return closed.then(() => this.#finish());
  }

  #restart() {
    this.cancel.focus(); // the button that was pressed is about to disappear
    this.#start(FIRST);
  }

  async #start(camera) {
    this.#wanted = camera;
    this.#stop();
    this.#wait("Starting the camera. Your browser may ask you to allow it.");
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ video: { ...SIZE, ...camera }, audio: false });
      if (this.#wanted !== camera || !this.dialog.open) return stop(stream);
      await this.#show(stream);
    } catch (error) {
      if (this.#wanted === camera && this.dialog.open) this.#explain(cameraProblem(error));
    }
  }

  async #show(stream) {
    this.#stream = stream;
    const [track] = stream.getVideoTracks();
    track.onended = () => this.#explain(LOST);
    this.video.classList.toggle("mirrored", track.getSettings().facingMode !== "environment");
    this.video.srcObject = stream;
    await this.video.play();
    this.#cameras = (await navigator.mediaDevices.enumerateDevices()).filter(({ kind }) => kind === "videoinput");
    if (this.#stream === stream) this.#ready();
  }

  #ready() {
    this.note.textContent = "";
    this.shutter.disabled = false;
    this.other.hidden = this.#cameras.length < 2;
    if (document.activeElement !== this.other) this.shutter.focus();
  }

  #wait(sentence) {
    this.note.textContent = sentence;
    this.again.hidden = true;
    this.shutter.disabled = true;
  }

  #explain(problem) {
    this.#stop();
    this.#wait(problem);
    this.other.hidden = true;
    this.again.hidden = false;
    this.again.focus();
  }

  #switch() {
    if (this.#stream) this.#start(otherCamera(this.#stream.getVideoTracks()[0].getSettings(), this.#cameras));
  }

  async #shoot() {
    this.shutter.disabled = true;
    this.video.pause();
    try {
      this.#photo = await this.#frame();
      this.dialog.close();
    } catch (error) {
      this.#explain(cameraProblem(error));
    }
  }

  /** What the camera sees: only the preview is mirrored. */
  async #frame() {
    const { videoWidth: width, videoHeight: height } = this.video;
    const jpeg = await encode(this.video, { width, height });
    return new File([jpeg], "camera.jpg", { type: jpeg.type });
  }

  #stop() {
    if (this.#stream) stop(this.#stream);
    this.#stream = this.video.srcObject = null;
  }

  #finish() {
    this.#stop();
    this.dialog.replaceChildren();
    return this.#photo;
  }
}

function button(className, words, press) {
  return make("button", { type: "button", class: className, onclick: press }, words);
}

function stop(stream) {
  for (const track of stream.getTracks()) {
    track.onended = null;
    track.stop();
  }
}
