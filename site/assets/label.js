// Where a face's label fits in the picture of the camera.

/** @typedef {import("./boxes.js").Box} Box */

/**
 * The position of a box's label: below the box if the photo has room there, and growing towards the middle.
 * @param {Box} box  in percent
 * @returns {{vertical: "below" | "above" | "inside", horizontal: "start" | "end"}}
 */
export function labelPosition(box) {
  const spaceBelow = 100 - box.top - box.height;
  const vertical = spaceBelow >= LABEL_HEIGHT_PERCENT ? "below" : box.top >= LABEL_HEIGHT_PERCENT ? "above" : "inside";
  return { vertical, horizontal: box.left + box.width / 2 > 50 ? "end" : "start" };
}

/** Height that a label needs, in percent of the photo's height; also enough on a phone held upright. */
const LABEL_HEIGHT_PERCENT = 10;
