// Names the faces in the running picture of the camera: only when the visitor asks for it, and while they watch.
import { toPercent } from "./boxes.js";
import { cameraWords } from "./camera-words.js";
import { make } from "./dom.js";
import { Failure, pageError } from "./failure.js";
import { labelPosition } from "./label.js";
import { FASTEST, askRepeatedly } from "./pace.js";
import { encode, fit } from "./shrink.js";
import { contain, follow, mirror } from "./tracks.js";
import { format, words } from "./words.js";

/**
 * Longest side of a frame in pixels. The detector looks at no more, and a face one metre from a laptop has 150 of these.
 * A frame has 30 to 60 kB, so four a second need no more than a video call.
 */
export const FRAME_SIDE = 640;

/** After this time without a sign of the visitor, the page asks whether they are still there. */
const ABSENT_MS = 3 * 60_000;

/** Boxes go away when no answer came for so long: by then the faces are somewhere else. */
const STALE_MS = 2500;

/** A screen reader is told about new names this often at most. */
const ANNOUNCE_MS = 4000;

/** After this time without an answer the page says that the service may be starting. */
const SLOW_MS = 2000;

/** HTMLMediaElement.HAVE_CURRENT_DATA */
const HAS_PICTURE = 2;

const NO_FACES = { faces: [], image: { width: 1, height: 1 } };

/** What starts and stops with the dialog of the camera. */
export class Live {
  /** Stops the requests; null while there are none. @type {AbortController | null} */
  #asking = null;
  /** Removes the listeners when the dialog closes. */
  #closing = new AbortController();
  #hasCamera = false;
  #isMirrored = false;
  #isAbsent = false;
  /** @type {import("./tracks.js").Track[]} */
  #tracks = [];
  /** The box on the screen of each track. */
  #elements = new Map();
  #announced = { names: "", at: -Infinity };
  /** Timers: of the boxes, and of the visitor. */
  #stale;
  #absent;
  #lastAnswer = 0;

  /**
   * @param {HTMLVideoElement} video
   * @param {object} options
   * @param {(frame: Blob, signal: AbortSignal) => Promise<import("./types.js").Recognition>} options.recognize
   * @param {number} [options.framesPerSecond]  at most
   */
  constructor(video, { recognize, framesPerSecond = FASTEST }) {
    Object.assign(this, { video, recognize, framesPerSecond: Math.min(framesPerSecond, FASTEST) });
    this.boxes = make("div", { class: "live-boxes", "aria-hidden": "true" });
    const described = { "aria-labelledby": "live-name", "aria-describedby": "live-hint" };
    this.toggle = make("input", { type: "checkbox", role: "switch", ...described, onchange: () => this.#proceed() });
    const name = make("span", { id: "live-name" }, cameraWords.live);
    const hint = make("span", { id: "live-hint" }, cameraWords.liveHint);
    this.label = make("label", { class: "live-switch", hidden: true }, this.toggle, name, hint);
    this.note = make("p", { class: "live-note", role: "status" });
    this.names = make("p", { class: "offscreen", role: "status" });
    this.goOn = make("button", { type: "button", class: "button", onclick: () => this.#comeBack() }, cameraWords.goOn);
    this.question = make("div", { class: "live-question", hidden: true }, make("p", { role: "status" }), this.goOn);
    this.#watch();
  }

  /** @returns {HTMLElement[]} for the viewfinder */
  get elements() {
    return [this.boxes, this.label, this.note, this.names, this.question];
  }

  /** The camera shows a picture. @param {boolean} isMirrored  whether the visitor sees it as in a mirror */
  cameraStarted(isMirrored) {
    this.#isMirrored = isMirrored;
    this.#hasCamera = true;
    this.label.hidden = false;
    this.#fit();
    this.#update();
  }

  /** The camera is off, or shows a still. */
  cameraStopped() {
    this.#hasCamera = false;
    this.label.hidden = true;
    this.#proceed();
  }

  /** The dialog is closed. */
  close() {
    this.toggle.checked = false;
    this.#update();
    this.#closing.abort();
    clearTimeout(this.#absent);
  }

  #watch() {
    const { signal } = this.#closing;
    document.addEventListener("visibilitychange", () => this.#update(), { signal });
    for (const sign of ["pointermove", "pointerdown", "keydown"]) document.addEventListener(sign, () => this.#seen(), { signal });
    this.video.addEventListener("resize", () => this.#fit(), { signal }); // a phone was turned
    const observer = new ResizeObserver(() => this.#fit());
    observer.observe(this.video);
    signal.addEventListener("abort", () => observer.disconnect());
  }

  /** Lays the boxes over the picture, which leaves bars beside it or above it. */
  #fit() {
    const { videoWidth, videoHeight, clientWidth, clientHeight } = this.video;
    const { width, height } = contain({ width: videoWidth, height: videoHeight }, { width: clientWidth, height: clientHeight });
    this.boxes.style.width = `${width}px`;
    this.boxes.style.height = `${height}px`;
  }

  /** Starts or stops, whatever has changed. */
  #update() {
    const isWatched = this.#hasCamera && !document.hidden && !this.#isAbsent;
    if (this.toggle.checked && isWatched) this.#start();
    else this.#stop();
  }

  #start() {
    if (this.#asking) return;
    this.#asking = new AbortController();
    this.#seen();
    this.note.textContent = "";
    this.#run(this.#asking.signal);
  }

  #stop() {
    this.#asking?.abort();
    this.#asking = null;
    clearTimeout(this.#stale);
    this.#draw([]);
    this.names.textContent = "";
    this.#announced = { names: "", at: -Infinity };
    this.note.textContent = "";
  }

  async #run(signal) {
    try {
      await askRepeatedly({
        signal,
        framesPerSecond: this.framesPerSecond,
        ask: () => this.#askAboutFrame(signal),
        onAnswer: (answer, { isSlowed }) => this.#show(answer, isSlowed),
        onWait: ({ ms, reason }) => this.#say(`${reason} ${words.pausing(Math.max(1, Math.round(ms / 1000)))}`),
      });
    } catch (error) {
      if (!signal.aborted) this.#giveUp(error);
    }
  }

  async #askAboutFrame(signal) {
    const { video } = this;
    if (video.readyState < HAS_PICTURE || video.srcObject?.getVideoTracks()[0].muted) return NO_FACES;
    const size = fit({ width: video.videoWidth, height: video.videoHeight }, FRAME_SIDE);
    const frame = await encode(video, size);
    if (signal.aborted) throw signal.reason;
    const slow = setTimeout(() => this.#say(words.slow), SLOW_MS);
    try {
      return await this.recognize(frame, signal);
    } catch (error) {
      if (error.type === "no-face") return NO_FACES;
      throw error;
    } finally {
      clearTimeout(slow);
    }
  }

  #show({ faces, image }, isSlowed) {
    const found = faces.map((face) => {
      const box = toPercent(face.box, image);
      return { face, box: this.#isMirrored ? mirror(box) : box };
    });
    this.#draw(follow(this.#tracks, found));
    this.#announce();
    this.#say(isSlowed ? cameraWords.liveSlower : "");
    clearTimeout(this.#stale);
    this.#stale = setTimeout(() => this.#draw([]), STALE_MS);
  }

  /** Boxes move for as long as it takes until the next answer. */
  #draw(tracks) {
    const now = performance.now();
    this.boxes.style.setProperty("--glide", `${Math.min(now - this.#lastAnswer, 600)}ms`);
    this.#lastAnswer = now;
    for (const track of this.#tracks) if (!tracks.includes(track)) this.#remove(track);
    for (const track of tracks) this.#place(track);
    this.#tracks = tracks;
  }

  #remove(track) {
    this.#elements.get(track)?.remove();
    this.#elements.delete(track);
  }

  #place(track) {
    const { box, name } = track;
    const element = this.#elements.get(track) ?? this.boxes.appendChild(make("div", {}, make("span", {}, make("span", { class: "name", dir: "auto" }))));
    this.#elements.set(track, element);
    const { vertical, horizontal } = labelPosition(box);
    element.className = name ? "box known" : "box";
    for (const [side, value] of Object.entries(box)) element.style[side] = `${value}%`;
    element.firstChild.className = `tag ${vertical} ${horizontal}`;
    element.firstChild.hidden = name === undefined;
    element.firstChild.firstChild.textContent = name ?? words.unknown;
  }

  #announce() {
    const settled = this.#tracks.filter(({ name }) => name !== undefined);
    if (settled.length < this.#tracks.length) return;
    const known = [...new Set(settled.map(({ name }) => name).filter(Boolean))].sort(format.compare);
    const names = known.length ? format.list(known) : settled.length ? words.nobody : cameraWords.liveNoFace;
    const now = performance.now();
    if (names === this.#announced.names || now - this.#announced.at < ANNOUNCE_MS) return;
    this.#announced = { names, at: now };
    this.names.textContent = names;
  }

  /** The same sentence is not set again: a screen reader would read it again. */
  #say(sentence) {
    if (this.note.textContent !== sentence) this.note.textContent = sentence;
  }

  /** @param {Error} error  switches the requests off, and says why */
  #giveUp(error) {
    if (!(error instanceof Failure)) reportError(error);
    this.toggle.checked = false;
    this.#update();
    this.#say((error instanceof Failure ? error : pageError()).message);
  }

  #seen() {
    clearTimeout(this.#absent);
    if (!this.#isAbsent) this.#absent = setTimeout(() => this.#askWhetherThere(), ABSENT_MS);
  }

  #askWhetherThere() {
    if (!this.#asking) return;
    this.#isAbsent = true;
    this.#update();
    this.question.hidden = false;
    this.question.firstChild.textContent = cameraWords.stillThere;
    this.goOn.focus();
  }

  #comeBack() {
    this.toggle.focus(); // the pressed button will be hidden
    this.#proceed();
  }

  /** The visitor is there. */
  #proceed() {
    this.#isAbsent = false;
    this.question.hidden = true;
    this.question.firstChild.textContent = "";
    this.#update();
  }
}
