// Geometry of face boxes: pixels of the upright photo in, percentages of the photo as shown out.

/** @typedef {{left: number, top: number, width: number, height: number}} Box */
/** @typedef {{width: number, height: number}} Size */

/**
 * The part of a box that lies in the photo; a detector may see a face that the edge cuts.
 * @param {Box} box
 * @param {Size} image
 * @returns {Box}
 */
export function clip(box, image) {
  const left = clamp(box.left, image.width);
  const top = clamp(box.top, image.height);
  return {
    left,
    top,
    width: clamp(box.left + box.width, image.width) - left,
    height: clamp(box.top + box.height, image.height) - top,
  };
}

/**
 * Where to draw a box, in percent of the photo, so that it holds at any display size.
 * @param {Box} box
 * @param {Size} image  the size the box was measured in
 * @returns {Box}
 */
export function place(box, image) {
  const { left, top, width, height } = clip(box, image);
  return {
    left: (100 * left) / image.width,
    top: (100 * top) / image.height,
    width: (100 * width) / image.width,
    height: (100 * height) / image.height,
  };
}

/**
 * Which side of a placed box has room for its label: below unless the photo ends there, and growing inwards.
 * @param {Box} placed  in percent
 * @returns {{vertical: "below" | "above" | "inside", horizontal: "start" | "end"}}
 */
export function labelSide(placed) {
  const roomBelow = 100 - placed.top - placed.height;
  const vertical = roomBelow >= LABEL_ROOM ? "below" : placed.top >= LABEL_ROOM ? "above" : "inside";
  return { vertical, horizontal: placed.left + placed.width / 2 > 50 ? "end" : "start" };
}

/** Percent of the photo's height that a label needs, on a phone held upright too. */
const LABEL_ROOM = 10;

const clamp = (value, end) => Math.min(Math.max(value, 0), end);
