// The sentences about answers, about the progress of a photo, and about the people that the model knows.

/** @typedef {import("./api.js").Face} Face */

export const NOBODY = "Nobody I know";

/**
 * @param {Face} face
 * @returns {string} the name to show; a face that isn't known gets no guess
 */
export function nameOf(face) {
  return isKnown(face) ? face.label : NOBODY;
}

/** @param {Face} face */
export function isKnown(face) {
  return face.known === true && Boolean(face.label);
}

/**
 * @param {number} probability  0 to 1
 * @returns {string} a percentage; never 100%, because the API rounds to four digits
 */
export function percent(probability) {
  if (probability >= 0.9995) return "over 99.9%";
  return `${Number((100 * probability).toFixed(1))}%`;
}

/**
 * @param {Face[]} faces
 * @returns {string} the names of the known people, or NOBODY
 */
export function headline(faces) {
  const names = [...new Set(faces.filter(isKnown).map(nameOf))];
  return names.length ? joinNames(names) : NOBODY;
}

/**
 * @param {Face[]} faces
 * @returns {string} the sentence under the headline; empty for one known face
 */
export function summary(faces) {
  const known = faces.filter(isKnown).length;
  if (faces.length === 1) return known ? "" : "There is one face in this photo. I don’t know this person.";
  if (known === 0) return `There are ${faces.length} faces in this photo. I don’t know any of these people.`;
  if (known === faces.length) return "I know everybody in this photo.";
  return `I know ${known} of the ${faces.length} faces in this photo.`;
}

export const INCOMPLETE = "The file of this photo ends early, so a small part of the photo may be missing.";

/**
 * @param {Face[]} faces
 * @returns {string} the whole answer, for screen readers
 */
export function announcement(faces) {
  if (faces.length === 1 && isKnown(faces[0])) return `${nameOf(faces[0])}, ${percent(faces[0].probability)}.`;
  return `${headline(faces)}. ${summary(faces)}`;
}

/**
 * @param {import("./queue.js").Item} item
 * @returns {string} the current step of a photo that has no answer yet
 */
export function progress({ state, progress, pauseMs }) {
  switch (state) {
    case "waiting": return "Waiting for its turn…";
    case "preparing": return "Getting the photo ready…";
    case "asking": return ASKING;
    case "sending": return `Sending… ${Math.round(100 * progress)}%`;
    case "working": return "Looking for faces…";
    case "pausing": return `The service is busy. Trying again in ${Math.max(1, Math.round(pauseMs / 1000))} s…`;
    default: return "You stopped this photo before there was an answer.";
  }
}

export const ASKING =
  "This browser can’t open this photo, so it can’t remove the place and time that the camera may have saved in it.";

/**
 * @param {import("./queue.js").Item} [item]  none before the first photo
 * @returns {string} what happens to the metadata of this photo; empty while that is not known
 */
export function metadataNote(item) {
  if (!item) return "Your browser removes the place and time from a photo before it is sent. If it can’t, this page asks you first.";
  if (item.preview) return "This page has removed the place and time that the camera saved in this photo.";
  const isSent = item.preview === null && ["sending", "working", "pausing", "answered", "failed"].includes(item.state);
  return isSent ? "This photo is sent as it is, with any place and time that the camera saved in it." : "";
}

const KINDS = new Map([
  ["pdf", "a PDF"],
  ["video", "a video"],
  ["folder", "a folder"],
  ["empty", "an empty file"],
  ["unreadable", "can’t be read"],
  ["other", "not a photo"],
]);

/** Files that are named one by one; of more, only the number is shown. */
const MAX_NAMED = 3;

/**
 * @param {{name: string, kind: import("./kind.js").Kind}[]} files  that are no photos
 * @returns {string} a sentence about them; empty if there are none
 */
export function leftOut(files) {
  if (!files.length) return "";
  const named = files.slice(0, MAX_NAMED).map(({ name, kind }) => `${name} (${KINDS.get(kind)})`);
  const more = files.length - named.length;
  return `Not sent: ${joinNames(more ? [...named, `${more} more`] : named)}.`;
}

export const NOTHING_DROPPED = "There was no file in what you dropped. Save the photo as a file, then choose that file.";

export const STARTING = "The service is starting. The first photo after a pause takes a few seconds.";

/**
 * @param {import("./queue.js").Item} item
 * @returns {string} the result in a few words, for the photo's thumbnail
 */
export function shortResult(item) {
  if (item.state === "answered") return headline(item.recognition.faces);
  return item.state === "failed" ? item.failure.message : progress(item);
}

/**
 * @param {Face} face
 * @returns {string} the sentence above the list of the likeliest people
 */
export function likeliestIntro(face) {
  return isKnown(face)
    ? "The likeliest people:"
    : "This face is not similar enough to anybody I know. The closest matches:";
}

/** A figure from fewer faces than this says too little to show it. */
const MIN_MEASURED_FACES = 20;

/**
 * @param {import("./api.js").Labels} labels
 * @returns {string[]} sentences about how well the model recognises people; none where too little was measured
 */
export function quality({ measured }) {
  const { held_out: heldOut, false_accept_rate: rate } = measured ?? {};
  const sentences = heldOut?.faces >= MIN_MEASURED_FACES ? heldOutSentences(heldOut) : [];
  if (rate > 0) sentences.push(`My limits are set so that at most one stranger in ${Math.round(1 / rate)} gets a wrong name.`);
  return sentences;
}

function heldOutSentences({ faces, name_right: nameRight, recognised }) {
  return [
    `I was tested with ${faces} faces that I had not learned from.`,
    `My best guess was right for ${Math.round(faces * nameRight)} of them.`,
    `I was sure enough to name ${Math.round(faces * recognised)} of them.`,
  ];
}

/**
 * @param {Record<string, number>} timing  milliseconds by step
 * @returns {[string, string][]} the name and the duration of each step, in the order in which they happen
 */
export function timings(timing) {
  const names = {
    decode: "Read the photo",
    detect: "Found the faces",
    align: "Aligned the faces",
    recognize: "Recognised the faces",
    total: "Total",
  };
  return Object.entries(names)
    .filter(([step]) => step in timing)
    .map(([step, name]) => [name, `${timing[step] < 10 ? timing[step].toFixed(1) : Math.round(timing[step])} ms`]);
}

/** @param {string[]} names */
const joinNames = (names) => new Intl.ListFormat("en-GB", { type: "conjunction" }).format(names);
