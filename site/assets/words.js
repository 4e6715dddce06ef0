// What the page says: of an answer, of a photo that is on its way, of the people it knows.

/** @typedef {import("./api.js").Face} Face */

export const NOBODY = "Nobody I know";

/**
 * The name to show for a face: never the nearest guess when the model doesn't know it.
 * @param {Face} face
 * @returns {string}
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
 * @returns {string} a percentage that never claims certainty: the API rounds to four digits
 */
export function percent(probability) {
  if (probability >= 0.9995) return "over 99.9%";
  return `${Number((100 * probability).toFixed(1))}%`;
}

/**
 * @param {Face[]} faces
 * @returns {string} the people in the photo, or that they are nobody known
 */
export function headline(faces) {
  const names = [...new Set(faces.filter(isKnown).map(nameOf))];
  return names.length ? list(names) : NOBODY;
}

/**
 * @param {Face[]} faces
 * @returns {string} one sentence under the heading
 */
export function summary(faces) {
  const known = faces.filter(isKnown).length;
  if (faces.length === 1) return known ? "" : "There is a face here, but not one of the people I was taught.";
  if (known === 0) return `There are ${faces.length} faces here, and none is anybody I was taught.`;
  if (known === faces.length) return `I know all ${faces.length} faces here.`;
  return `I know ${known} of the ${faces.length} faces here.`;
}

/**
 * @param {Face[]} faces
 * @returns {string} the whole answer, to be read aloud
 */
export function announcement(faces) {
  if (faces.length === 1 && isKnown(faces[0])) return `${nameOf(faces[0])}, ${percent(faces[0].probability)}.`;
  return `${headline(faces)}. ${summary(faces)}`;
}

/**
 * @param {import("./queue.js").Item} item
 * @returns {string} what happens to a photo that has no answer yet
 */
export function progress({ state, progress, pauseMs }) {
  switch (state) {
    case "waiting": return "Waiting for its turn…";
    case "preparing": return "Getting the photo ready…";
    case "sending": return `Sending… ${Math.round(100 * progress)}%`;
    case "working": return "Looking for faces…";
    case "pausing": return `The service is busy. Trying again in ${Math.max(1, Math.round(pauseMs / 1000))} s…`;
    default: return "Stopped before there was an answer.";
  }
}

export const STARTING = "A first photo after a pause takes some seconds: the service is starting.";

/**
 * @param {import("./queue.js").Item} item
 * @returns {string} the outcome in a few words, for a small picture of the photo
 */
export function outcome(item) {
  if (item.state === "answered") return headline(item.recognition.faces);
  return item.state === "failed" ? item.failure.message : progress(item);
}

/**
 * @param {Face} face
 * @returns {string} one sentence over the likeliest people
 */
export function likeliest(face) {
  return isKnown(face)
    ? "The likeliest of the people I know:"
    : "Not alike enough to be any of them. If it had to be one:";
}

/**
 * @param {import("./api.js").Labels} labels
 * @returns {string[]} how well the model does, a sentence a figure; none where nothing was measured
 */
export function quality({ measured }) {
  const { held_out: heldOut, false_accept_rate: rate } = measured ?? {};
  return [
    heldOut &&
      `Of ${heldOut.faces} ${heldOut.faces === 1 ? "face" : "faces"} that I had not learned from,` +
        ` I named ${count(heldOut, "name_right")} right,` +
        ` and ${count(heldOut, "recognised")} surely enough to say so.`,
    rate > 0 && `I am set to take no more than one stranger in ${Math.round(1 / rate)} for somebody I know.`,
  ].filter(Boolean);
}

const count = (heldOut, figure) => Math.round(heldOut.faces * heldOut[figure]);

/** Milliseconds of the steps, in the order in which they happen. @param {Record<string, number>} timing */
export function timings(timing) {
  const names = { decode: "Read the photo", detect: "Found the faces", align: "Straightened them", recognize: "Recognised them", total: "In all" };
  return Object.entries(names)
    .filter(([step]) => step in timing)
    .map(([step, name]) => [name, `${timing[step] < 10 ? timing[step].toFixed(1) : Math.round(timing[step])} ms`]);
}

/** @param {string[]} names */
const list = (names) => new Intl.ListFormat("en-GB", { type: "conjunction" }).format(names);
