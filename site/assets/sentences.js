// Which words fit an answer, the progress of a photo, or the people that the model knows.
import { inReadingOrder } from "./boxes.js";
import { isDone } from "./queue.js";
import { format, isFromRight, words } from "./words.js";

/** @typedef {import("./types.js").Face} Face */

/**
 * @param {Face} face
 * @returns {string} the name to show; a face that isn't known gets no guess
 */
export function nameOf(face) {
  return isKnown(face) ? face.label : words.unknown;
}

/** @param {Face} face */
export function isKnown(face) {
  return face.known === true && Boolean(face.label);
}

/**
 * @param {Face} face  a stranger
 * @returns {import("./types.js").Prediction[]} the most similar first; as the API orders them if it gives no similarities
 */
export function closest({ predictions }) {
  return [...predictions].sort((one, other) => (other.similarity ?? 0) - (one.similarity ?? 0));
}

/**
 * @param {number} probability  0 to 1
 * @returns {string} a percentage; never 100%, because the API rounds to four digits
 */
export function percent(probability) {
  return probability >= 0.9995 ? words.over(0.999) : format.percent(probability);
}

/** @param {Face[]} faces  @returns {Face[]} in the order of their numbers, which is the one in which the visitor reads */
export const inOrder = (faces) => inReadingOrder(faces, isFromRight());

/** Names in the heading; of more, only the number is shown. */
const MAX_NAMES = 3;

/** @param {Face[]} faces  @returns {string[]} the names of the known people, each once, and how many there are more */
export function knownNames(faces) {
  const names = [...new Set(inOrder(faces).filter(isKnown).map(nameOf))];
  const more = names.length - MAX_NAMES;
  return more > 0 ? [...names.slice(0, MAX_NAMES), words.morePeople(more)] : names;
}

/**
 * @param {Face[]} faces
 * @returns {string} the names of the known people, or that there are none
 */
export function headline(faces) {
  const names = knownNames(faces);
  return names.length ? format.list(names) : words.nobody;
}

/**
 * @param {Face[]} faces
 * @returns {string} the sentence under the headline; empty for one known face
 */
export function summary(faces) {
  const known = faces.filter(isKnown).length;
  if (faces.length === 1) return known ? "" : words.oneStranger;
  if (known === 0) return words.strangers(faces.length);
  return known === faces.length ? words.everybodyKnown : words.someKnown(known, faces.length);
}

/**
 * @param {Face[]} faces
 * @returns {string} the whole answer, for screen readers
 */
export function announcement(faces) {
  if (!faces.some(isKnown)) return summary(faces);
  return faces.length === 1 ? `${nameOf(faces[0])}, ${percent(faces[0].probability)}.` : `${headline(faces)}. ${summary(faces)}`;
}

/** A shorter wait than this is not counted. */
const MIN_COUNTED_S = 3;

/**
 * @param {import("./queue.js").Item} item
 * @param {number} [now]  milliseconds since 1970; without it, the sentence stays the same while the state does
 * @returns {string} the current step of a photo that has no answer yet
 */
export function progress({ state, progress, pauseMs, failure, since }, now = since) {
  const elapsed = Math.floor((now - since) / 1000);
  if (state === "sending") return words.sending(progress);
  if (state === "pausing") return `${failure.summary} ${words.pausing(Math.max(1, Math.round(pauseMs / 1000) - elapsed))}`;
  const isCounted = (state === "waiting" || state === "working") && elapsed >= MIN_COUNTED_S;
  return isCounted ? `${words[state]} ${format.seconds(elapsed)}` : words[state];
}

/**
 * @param {import("./queue.js").Item[]} items  at least one
 * @param {import("./queue.js").Item} current  the selected one
 * @returns {string} the title of the page: the selected photo's result, or how far several photos are
 */
export function title(items, current) {
  const done = items.filter(isDone).length;
  const results = { answered: () => headline(current.recognition.faces), failed: () => words.failed, asking: () => words.askingTitle };
  const result = () => results[current.state]?.() ?? words[current.state === "cancelled" ? "cancelled" : "working"];
  return `${items.length > 1 && done < items.length ? words.photosBegun(done + 1, items.length) : result()} – Visage`;
}

/**
 * @param {import("./queue.js").Item} item
 * @returns {string} what happens to the metadata of this photo; empty while that is not known
 */
export function metadataNote(item) {
  if (item.preview) return words.metadataRemoved;
  const isSent = item.preview === null && ["sending", "working", "pausing", "answered", "failed"].includes(item.state);
  return isSent ? words.metadataKept : "";
}

/**
 * @param {import("./queue.js").Item} item
 * @returns {"known" | "stranger" | "failed" | "open"} known: somebody in it is; open: it has no result yet
 */
export function groupOf(item) {
  if (item.state === "answered") return item.recognition.faces.some(isKnown) ? "known" : "stranger";
  return isDone(item) ? "failed" : "open";
}

/** @param {import("./queue.js").Item[]} items  @returns {Record<"all" | ReturnType<typeof groupOf>, number>} */
export function tally(items) {
  const counts = { all: items.length, known: 0, stranger: 0, failed: 0, open: 0 };
  for (const item of items) counts[groupOf(item)] += 1;
  return counts;
}

/** @param {import("./queue.js").Item[]} items  @returns {string} how far they are, and how many are known */
export function overview(items) {
  const { all, known, failed, open } = tally(items);
  const result = open ? words.photosDone(all - open, all, known) : words.photosKnown(known, all);
  return failed ? `${result} ${words.photosFailed(failed)}` : result;
}

/** Files that are named one by one; of more, only the number is shown. */
const MAX_NAMED = 3;

/**
 * @param {{name: string, kind: import("./kind.js").Kind}[]} files  that are no photos
 * @returns {string} a sentence about them; empty if there are none
 */
export function leftOut(files) {
  if (!files.length) return "";
  const named = files.slice(0, MAX_NAMED).map(({ name, kind }) => words.fileOfKind(name, words.kinds[kind]));
  const more = files.length - named.length;
  return words.notSent(more ? [...named, words.moreFiles(more)] : named);
}

/**
 * @param {import("./queue.js").Item} item
 * @returns {string} the result in a few words, for the photo's thumbnail
 */
export function shortResult(item) {
  if (item.state === "answered") return headline(item.recognition.faces);
  return item.state === "failed" ? item.failure.message : progress(item);
}

/** A figure from fewer faces than this says too little to show it. */
const MIN_MEASURED_FACES = 20;

/**
 * @param {import("./types.js").Labels} labels
 * @returns {string[]} sentences about how well the model recognises people; none where too little was measured
 */
export function quality({ measured }) {
  const { held_out: heldOut, false_accept_rate: rate } = measured ?? {};
  return [
    heldOut?.faces >= MIN_MEASURED_FACES && words.tested(heldOut.faces, Math.round(heldOut.faces * heldOut.recognised)),
    rate > 0 && words.wrongNames(Math.round(1 / rate)),
  ].filter(Boolean);
}

/**
 * @param {Record<string, number>} timing  milliseconds by step
 * @returns {[string, string][]} the name and the duration of each step, in the order in which they happen
 */
export function timings(timing) {
  return Object.entries(words.steps)
    .filter(([step]) => step in timing)
    .map(([step, name]) => [name, format.milliseconds(timing[step])]);
}
