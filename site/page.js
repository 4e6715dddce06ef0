// The page's states (empty, busy, answer, failure) and the only code that touches its elements.
import { labelSide, place } from "./boxes.js";
import { announcement, headline, isKnown, nameOf, percent, summary } from "./words.js";

/** @typedef {import("./api.js").Face} Face */
/** @typedef {import("./api.js").Recognition} Recognition */

const element = (id) => document.getElementById(id);

/**
 * Shows a newly chosen photo, or says that it can't be shown, and forgets all about the one before.
 * @param {Blob} file
 * @param {AbortSignal} signal  aborted when another photo has taken this one's place
 */
export async function showPhoto(file, signal) {
  const photo = element("photo");
  element("boxes").replaceChildren();
  if (photo.src) URL.revokeObjectURL(photo.src);
  photo.src = URL.createObjectURL(file);
  const shown = await photo.decode().then(() => true, () => false);
  if (signal.aborted) return;
  element("frame").style.setProperty("--width", photo.naturalWidth);
  element("frame").style.setProperty("--height", photo.naturalHeight);
  document.body.dataset.photo = shown ? "shown" : "unseen";
}

/** Nothing has been chosen yet. */
export function showEmpty() {
  enter("empty", "");
}

/** The photo is on its way. */
export function showBusy() {
  enter("busy", "Looking for faces…");
}

/** @param {Recognition} recognition */
export function showAnswer({ faces, image, model, timing_ms: timing }) {
  const numberOf = (index) => (faces.length > 1 ? index + 1 : 0);
  element("boxes").replaceChildren(...faces.map((face, index) => boxOf(face, image, numberOf(index))));
  element("answer").replaceChildren(
    make("h2", "", headline(faces)),
    make("p", "", summary(faces)),
    faces.length > 1 ? listOf(faces) : certaintyOf(faces[0]),
    make("p", "fine", provenance(model, timing)),
  );
  enter("answer", announcement(faces));
}

/** @param {import("./failure.js").Failure} failure */
export function showFailure(failure) {
  element("boxes").replaceChildren();
  element("reason").textContent = failure.message;
  element("reference").textContent = failure.requestId && `Reference: ${failure.requestId}`;
  element("retry").hidden = !failure.retryable;
  enter("failure", failure.message);
}

function enter(state, spoken) {
  document.body.dataset.state = state;
  element("status").textContent = spoken;
}

/** @param {number} number  the face's number in the list; 0 when it is the only one */
function boxOf(face, image, number) {
  const box = make("div", isKnown(face) ? "box known" : "box");
  const placed = place(face.box, image);
  for (const [side, value] of Object.entries(placed)) box.style[side] = `${value}%`;
  const { vertical, horizontal } = labelSide(placed);
  const tag = make("span", `tag ${vertical} ${horizontal}`);
  tag.append(...badge(number), make("span", "name", nameOf(face)));
  box.append(tag);
  return box;
}

function listOf(faces) {
  const list = make("ol", "faces");
  list.append(...faces.map((face, index) => lineOf(face, index + 1)));
  return list;
}

function lineOf(face, number) {
  const line = make("li", isKnown(face) ? "face known" : "face");
  line.append(...badge(number), make("span", "name", nameOf(face)));
  if (isKnown(face)) line.append(make("span", "share", percent(face.probability)), barOf(face.probability));
  return line;
}

/** For a face alone: its name is the heading already. */
function certaintyOf(face) {
  const line = make("p", "certainty");
  if (isKnown(face)) line.append(make("span", "share", `${percent(face.probability)} sure`), barOf(face.probability));
  return line;
}

function barOf(probability) {
  const bar = make("span", "bar");
  bar.ariaHidden = "true";
  bar.style.setProperty("--share", probability);
  return bar;
}

const badge = (number) => (number ? [make("span", "badge", String(number))] : []);

const provenance = (model, timing) =>
  [timing && `Answered in ${Math.round(timing.total)} ms`, model && `model ${model.version}`].filter(Boolean).join(" · ");

function make(tag, className, text = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}
