// Follows faces from one frame of the camera to the next, so that boxes and names don't jump.
import { isKnown } from "./sentences.js";

/** @typedef {import("./boxes.js").Box} Box */

/**
 * @typedef {object} Track  a face that is followed
 * @property {Box} box  where it was last
 * @property {string | null | undefined} name  null for a stranger; undefined until two frames agree
 * @property {string | null} heard  the name in the last frame that had the face
 * @property {boolean} missed  whether the last frame didn't have it
 */

/**
 * Boxes are made larger by this share on every side before they are compared: between two frames, half a second apart, a
 * head moves by up to its own width.
 */
const REACH = 0.25;

/** Boxes that share less of their common area, after that, are of two faces. */
const SAME_FACE = 0.1;

/**
 * @param {Box} one
 * @param {Box} other
 * @returns {number} intersection over union, 0 to 1
 */
export function overlap(one, other) {
  const shared = side(one.left, one.width, other.left, other.width) * side(one.top, one.height, other.top, other.height);
  const union = one.width * one.height + other.width * other.height - shared;
  return union > 0 ? shared / union : 0;
}

const side = (a, aLength, b, bLength) => Math.max(0, Math.min(a + aLength, b + bLength) - Math.max(a, b));

const grow = ({ left, top, width, height }) => ({
  left: left - REACH * width,
  top: top - REACH * height,
  width: width * (1 + 2 * REACH),
  height: height * (1 + 2 * REACH),
});

/**
 * @param {Track[]} tracks  are changed where a face goes on
 * @param {{box: Box, face: import("./types.js").Face}[]} found  the faces of a new frame
 * @returns {Track[]} the tracks to show now. A face that is missing in one frame only stays.
 */
export function follow(tracks, found) {
  const next = new Map(); // the track of each new face
  const pairs = tracks.flatMap((track) => found.map((face) => ({ track, face, share: overlap(grow(track.box), grow(face.box)) })));
  for (const { track, face } of pairs.filter(({ share }) => share >= SAME_FACE).sort((a, b) => b.share - a.share)) {
    if (!next.has(face) && ![...next.values()].includes(track)) next.set(face, track);
  }
  const seen = found.map(({ box, face }, index) => hear(next.get(found[index]), box, isKnown(face) ? face.label : null));
  const missing = tracks.filter((track) => !seen.includes(track) && !track.missed);
  return [...seen, ...missing.map((track) => Object.assign(track, { missed: true }))];
}

/** A name counts when two frames in a row agree: in a single one, a blurred stranger may look like somebody known. */
function hear(track = { name: undefined }, box, name) {
  return Object.assign(track, { box, name: track.heard === name ? name : track.name, heard: name, missed: false });
}

/** The box in a mirrored picture. @param {Box} box  in percent  @returns {Box} */
export function mirror(box) {
  return { ...box, left: 100 - box.left - box.width };
}

/**
 * @param {{width: number, height: number}} picture
 * @param {{width: number, height: number}} area
 * @returns {{width: number, height: number}} the size of the picture that is as large as the area allows, as of `object-fit: contain`
 */
export function contain(picture, area) {
  const scale = picture.width > 0 ? Math.min(area.width / picture.width, area.height / picture.height) : 0;
  return { width: picture.width * scale, height: picture.height * scale };
}
