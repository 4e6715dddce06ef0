// Where the names or numbers of faces stand on the photo: inside it, and never over each other.

/** @typedef {import("./boxes.js").Box} Box */
/** @typedef {import("./boxes.js").Size} Size */

/**
 * @typedef {object} Tag  lengths in CSS pixels, as all in this module
 * @property {"name" | "number" | "dot" | "none"} kind
 * @property {number} left
 * @property {number} top
 * @property {number} width
 * @property {number} height
 */

/** Heights of numbers in rem, the largest first. */
const NUMBER_HEIGHTS = [1.625, 1.25, 1.0625, 0.875];

/** A second digit makes a number wider by this share of its height. */
const DIGIT_WIDTH = 0.45;

/** Size of the dot that stands for a number where there is no room, in rem. */
const DOT = 0.5;

/** A number takes at most these shares of its face's shorter side. */
const MAX_HEIGHT = 0.6;
const MAX_WIDTH = 0.9;

/** Between two tags, and between a name and its box. */
const GAP = 3;

/** Where a number's middle may stand, in shares of its box; the best first. */
const SPOTS = [[0.5, 1], [0, 1], [1, 1], [0.5, 0], [0, 0], [1, 0], [0, 0.5], [1, 0.5]];

/**
 * All names if there is room for each beside all faces. Otherwise numbers, and dots for faces that are smaller still.
 * @param {Box[]} boxes  in the order of their numbers
 * @param {Size} photo  as it is shown
 * @param {Size[]} names  the size of each name with its number
 * @param {number} rem
 * @returns {Tag[]} none of two overlap
 */
export function placeTags(boxes, photo, names, rem) {
  return placeNames(boxes, photo, names) ?? placeNumbers(boxes, photo, rem);
}

/**
 * The place of one name: below its box, or above it, or else in it.
 * @param {Box} box
 * @param {Size} photo
 * @param {Size} name
 * @param {(place: Box) => boolean} [isFree]
 * @returns {Box | undefined} undefined if none of the places is free
 */
export function placeName(box, photo, { width, height }, isFree = () => true) {
  const bottom = box.top + box.height;
  const tops = [bottom + GAP, box.top - GAP - height].filter((top) => top >= 0 && top + height <= photo.height);
  return [...tops, bottom - GAP - height]
    .map((top) => inside({ left: box.left + (box.width - width) / 2, top, width, height }, photo))
    .find(isFree);
}

function placeNames(boxes, photo, names) {
  const tags = [];
  for (const [index, box] of boxes.entries()) {
    const others = boxes.filter((each) => each !== box);
    const isFree = (place) => [...others, ...tags].every((each) => !overlap(each, place, GAP));
    const place = placeName(box, photo, names[index], isFree);
    if (!place) return null;
    tags.push({ kind: "name", ...place });
  }
  return tags;
}

/** Small faces come first: they have the fewest places. */
function placeNumbers(boxes, photo, rem) {
  const sides = boxes.map(shorterSide).sort((one, other) => one - other);
  const usual = NUMBER_HEIGHTS.findIndex((height) => height * rem <= MAX_HEIGHT * sides[sides.length >> 1]);
  const heights = usual < 0 ? [] : NUMBER_HEIGHTS.slice(usual);
  const tags = [];
  const order = [...boxes.keys()].sort((one, other) => shorterSide(boxes[one]) - shorterSide(boxes[other]));
  for (const index of order) {
    const sizes = [...numberSizes(heights, index + 1, shorterSide(boxes[index]), rem), { kind: "dot", width: DOT * rem, height: DOT * rem }];
    tags[index] = firstFree(sizes, boxes, index, photo, tags);
  }
  return tags;
}

function numberSizes(heights, number, side, rem) {
  const digits = String(number).length;
  return heights
    .map((height) => ({ kind: "number", width: height * rem * (1 + DIGIT_WIDTH * (digits - 1)), height: height * rem }))
    .filter(({ width, height }) => height <= MAX_HEIGHT * side && width <= MAX_WIDTH * side);
}

/** The largest tag that finds a free place, at the place where it covers least of the other faces. */
function firstFree(sizes, boxes, index, photo, tags) {
  const others = boxes.filter((_, other) => other !== index);
  const covered = (place) => others.reduce((sum, other) => sum + overlap(other, place), 0);
  for (const { kind, width, height } of sizes) {
    const free = SPOTS.map(([x, y]) => spot(boxes[index], x, y, width, height, photo))
      .filter((place) => tags.every((tag) => !overlap(tag, place, GAP)))
      .map((place) => ({ place, covered: covered(place) }))
      .sort((one, other) => one.covered - other.covered);
    if (free.length) return { kind, ...free[0].place };
  }
  return { kind: "none", left: 0, top: 0, width: 0, height: 0 };
}

const spot = (box, x, y, width, height, photo) =>
  inside({ left: box.left + x * box.width - width / 2, top: box.top + y * box.height - height / 2, width, height }, photo);

const shorterSide = ({ width, height }) => Math.min(width, height);

/** The area in which two boxes overlap, or come closer than `gap`. */
function overlap(one, other, gap = 0) {
  const x = Math.min(one.left + one.width, other.left + other.width) - Math.max(one.left, other.left) + gap;
  const y = Math.min(one.top + one.height, other.top + other.height) - Math.max(one.top, other.top) + gap;
  return Math.max(0, x) * Math.max(0, y);
}

/** Moves a box into the photo. */
function inside(box, photo) {
  const keep = (value, size, max) => Math.max(0, Math.min(value, max - size));
  return { ...box, left: keep(box.left, box.width, photo.width), top: keep(box.top, box.height, photo.height) };
}
