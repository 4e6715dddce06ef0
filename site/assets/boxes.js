// Geometry of face boxes: from pixels of the upright photo to percent of the photo, and their order.

/** @typedef {{left: number, top: number, width: number, height: number}} Box */
/** @typedef {{width: number, height: number}} Size */

/**
 * The part of a box that lies inside the photo. A face at the edge may have a box that crosses it.
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
 * Converts a box to percent of the photo, so that it fits at every display size.
 * @param {Box} box
 * @param {Size} image  the size of the photo that the box was measured in
 * @returns {Box}
 */
export function toPercent(box, image) {
  const { left, top, width, height } = clip(box, image);
  return {
    left: (100 * left) / image.width,
    top: (100 * top) / image.height,
    width: (100 * width) / image.width,
    height: (100 * height) / image.height,
  };
}

/**
 * Converts an answer about a smaller copy of a photo to pixels of the photo itself.
 * @param {Size} size  of the photo
 * @param {import("./types.js").Recognition} recognition  of the copy
 * @returns {import("./types.js").Recognition}
 */
export function inPixelsOf({ width, height }, recognition) {
  const { image, faces } = recognition;
  if (image.width === width && image.height === height) return recognition;
  const x = (value) => Math.round((value * width) / image.width);
  const y = (value) => Math.round((value * height) / image.height);
  const convert = (box) => {
    const [left, top] = [x(box.left), y(box.top)];
    return { left, top, width: x(box.left + box.width) - left, height: y(box.top + box.height) - top };
  };
  const convertAll = (points) => Object.fromEntries(Object.entries(points).map(([name, at]) => [name, { x: x(at.x), y: y(at.y) }]));
  return {
    ...recognition,
    faces: faces.map((face) => ({ ...face, box: convert(face.box), ...(face.landmarks && { landmarks: convertAll(face.landmarks) }) })),
    image: { ...image, width, height },
  };
}

/** Faces of one row may be this share of their mean height below the row's middle. */
const SAME_ROW = 0.6;

/**
 * The order in which one reads: rows from top to bottom, and each row in the direction of the visitor's language.
 * @template {{box: Box}} T
 * @param {T[]} faces
 * @param {boolean} [fromRight]
 * @returns {T[]}
 */
export function inReadingOrder(faces, fromRight = false) {
  /** @type {T[][]} */
  const rows = [];
  for (const face of [...faces].sort((one, other) => middle(one).y - middle(other).y)) {
    const row = rows[rows.length - 1];
    const isSameRow = row && middle(face).y - mean(row.map((each) => middle(each).y)) < SAME_ROW * mean(row.map(({ box }) => box.height));
    if (isSameRow) row.push(face);
    else rows.push([face]);
  }
  const sign = fromRight ? -1 : 1;
  return rows.flatMap((row) => row.sort((one, other) => sign * (middle(one).x - middle(other).x)));
}

const middle = ({ box: { left, top, width, height } }) => ({ x: left + width / 2, y: top + height / 2 });
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

const clamp = (value, max) => Math.min(Math.max(value, 0), max);
