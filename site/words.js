// A Recognition in words: what the page's heading, its lines and the screen reader say.

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

const list = (names) =>
  names.length === 1 ? names[0] : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
