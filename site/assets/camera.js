// Takes a photo with the camera, in a dialog with a live preview that can name the faces in it.
import { cameraWords } from "./camera-words.js";
import { make } from "./dom.js";
import { Live } from "./live.js";
import { encode } from "./shrink.js";
import { words } from "./words.js";

/**
 * @param {HTMLDialogElement} dialog  is empty before and after
 * @param {ConstructorParameters<typeof Live>[1] | null} live  how faces are named in the running picture; null for not at all
 * @returns {Promise<File | null>} a JPEG; null if no photo was taken
 */
export function takePhoto(dialog, live) {
  return new Camera(dialog, live).photo();
}

/**
 * @param {{name: string}} error  of getUserMedia
 * @returns {string} why the camera didn't start, and what to do
 */
export function cameraProblem({ name }) {
  return cameraWords[PROBLEMS.get(name) ?? "cameraFailed"];
}

/** The words for each error: https://w3c.github.io/mediacapture-main/#dom-mediadevices-getusermedia */
const PROBLEMS = new Map([
  ["NotAllowedError", "cameraRefused"],
  ["SecurityError", "cameraRefused"],
  ["NotFoundError", "cameraMissing"],
  ["OverconstrainedError", "cameraMissing"],
  ["NotReadableError", "cameraBusy"],
  ["AbortError", "cameraBusy"],
]);

/**
 * The next camera: on a phone the one that faces the other way, elsewhere the next in the list.
 * @param {{facingMode?: string, deviceId?: string}} current  settings of the current camera's track
 * @param {{deviceId: string}[]} cameras
 * @returns {MediaTrackConstraints}
 */
export function otherCamera({ facingMode, deviceId }, cameras) {
  if (facingMode) return { facingMode: { ideal: facingMode === "user" ? "environment" : "user" } };
  const index = cameras.findIndex((camera) => camera.deviceId === deviceId);
  return { deviceId: { exact: cameras[(index + 1) % cameras.length].deviceId } };
}

/** Visitors take photos of other people, so a phone starts with the camera on its back. */
const BACK_CAMERA = { facingMode: { ideal: "environment" } };

/** Enough for recognition. A larger size makes the preview slow. */
const SIZE = { width: { ideal: 1920 }, height: { ideal: 1080 } };

class Camera {
  /** The camera that was requested last. Streams of earlier requests are stopped when they arrive. */
  #requested = BACK_CAMERA;
  #stream = null;
  #cameras = [];
  #photo = null;

  constructor(dialog, live) {
    this.dialog = dialog;
    this.video = make("video", { playsinline: true, muted: true, autoplay: true });
    this.video.muted = true; // the attribute alone doesn't mute an element that a script creates
    this.live = live && new Live(this.video, live);
    this.message = make("p", { class: "camera-note", role: "status" });
    this.retryButton = button("button", words.tryAgain, () => this.#restart());
    this.cancelButton = button("button quiet", words.cancel, () => dialog.close());
    this.shutterButton = button("shutter", "", () => this.#takePhoto());
    this.shutterButton.setAttribute("aria-label", cameraWords.takeThePhoto);
    this.switchButton = button("button quiet", cameraWords.switchCamera, () => this.#switch());
    this.switchButton.setAttribute("aria-label", cameraWords.switchCameraHint);
    this.switchButton.hidden = true;
  }

  /** @returns {Promise<File | null>} resolves when the dialog closes */
  photo() {
    const { dialog, video, message, retryButton, cancelButton, shutterButton, switchButton } = this;
    dialog.replaceChildren(
      make(
        "div",
        { class: "viewfinder" },
        video,
        make("div", { class: "camera-message" }, message, retryButton),
        ...(this.live?.elements ?? []),
      ),
      make("div", { class: "camera-controls" }, cancelButton, shutterButton, switchButton),
    );
    const closed = new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
    this.#start(BACK_CAMERA);
    dialog.showModal();
    return closed.then(() => this.#finish());
  }

  #restart() {
    this.cancelButton.focus(); // the pressed button will be hidden and would lose the focus
    this.#start(BACK_CAMERA);
  }

  async #start(camera) {
    this.#requested = camera;
    this.#stop();
    this.#showMessage(cameraWords.cameraStarting);
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ video: { ...SIZE, ...camera }, audio: false });
      if (this.#requested !== camera || !this.dialog.open) return stop(stream);
      await this.#show(stream);
    } catch (error) {
      if (this.#requested === camera && this.dialog.open) this.#showProblem(cameraProblem(error));
    }
  }

  async #show(stream) {
    this.#stream = stream;
    const [track] = stream.getVideoTracks();
    track.onended = () => this.#showProblem(cameraWords.cameraLost);
    const isMirrored = track.getSettings().facingMode !== "environment";
    this.video.classList.toggle("mirrored", isMirrored);
    this.video.srcObject = stream;
    await this.video.play();
    this.#cameras = (await navigator.mediaDevices.enumerateDevices()).filter(({ kind }) => kind === "videoinput");
    if (this.#stream !== stream) return;
    this.live?.cameraStarted(isMirrored);
    this.#ready();
  }

  #ready() {
    this.message.textContent = "";
    this.shutterButton.disabled = false;
    this.switchButton.hidden = this.#cameras.length < 2;
    if (document.activeElement !== this.switchButton) this.shutterButton.focus();
  }

  #showMessage(sentence) {
    this.message.textContent = sentence;
    this.retryButton.hidden = true;
    this.shutterButton.disabled = true;
  }

  #showProblem(problem) {
    this.#stop();
    this.#showMessage(problem);
    this.switchButton.hidden = true;
    this.retryButton.hidden = false;
    this.retryButton.focus();
  }

  #switch() {
    if (this.#stream) this.#start(otherCamera(this.#stream.getVideoTracks()[0].getSettings(), this.#cameras));
  }

  async #takePhoto() {
    this.shutterButton.disabled = true;
    this.live?.cameraStopped();
    this.video.pause();
    try {
      this.#photo = await this.#captureFrame();
      this.dialog.close();
    } catch (error) {
      this.#showProblem(cameraProblem(error));
    }
  }

  /** Not mirrored: only the preview is. */
  async #captureFrame() {
    const { videoWidth: width, videoHeight: height } = this.video;
    const jpeg = await encode(this.video, { width, height });
    return new File([jpeg], "camera.jpg", { type: jpeg.type });
  }

  #stop() {
    this.live?.cameraStopped();
    if (this.#stream) stop(this.#stream);
    this.#stream = this.video.srcObject = null;
  }

  #finish() {
    this.#stop();
    this.live?.close();
    this.dialog.replaceChildren();
    return this.#photo;
  }
}

function button(className, text, onclick) {
  return make("button", { type: "button", class: className, onclick }, text);
}

function stop(stream) {
  for (const track of stream.getTracks()) {
    track.onended = null;
    track.stop();
  }
}
