// Shares an answer as a picture that is drawn in the browser and not uploaded, and saves files.
import { canShare } from "./answer.js";
import { clip } from "./boxes.js";
import { isKnown, nameOf } from "./sentences.js";
import { makeCanvas, openPhoto } from "./shrink.js";
import { words } from "./words.js";

/** @param {Blob} picture  @returns {Promise<string>} a sentence about the result; empty if the visitor cancelled */
export async function share(picture) {
  const file = new File([picture], "who-is-this.jpg", { type: "image/jpeg" });
  if (canShare()) {
    const ignoreCancel = (error) => (error.name === "AbortError" ? "" : Promise.reject(error));
    return navigator.share({ files: [file] }).then(() => words.shared, ignoreCancel);
  }
  download(file);
  return words.saved;
}

/** Saves a file where the browser saves downloads. @param {File} file */
export function download(file) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = file.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** A larger photo is drawn from its smaller copy: 50 megapixels take 200 MB when they are decoded. */
const MAX_OPEN_PIXELS = 50_000_000;

/** The largest canvas of phones: Safari on iOS draws nothing on a larger one. */
const MAX_CANVAS_PIXELS = 4096 * 4096;

/**
 * Draws the photo in its own size, where the memory allows it, with a box and a name for each face.
 * @param {import("./queue.js").Item} item
 * @returns {Promise<Blob>} JPEG
 */
export async function resultImage({ file, preview, recognition: { faces, image } }) {
  const photo = (await openOriginal(file, image)) ?? (await openPhoto(preview));
  try {
    const scale = Math.min(1, Math.sqrt(MAX_CANVAS_PIXELS / (photo.width * photo.height)));
    const canvas = makeCanvas(Math.floor(photo.width * scale), Math.floor(photo.height * scale));
    const context = canvas.getContext("2d");
    context.fillStyle = "#fff"; // behind transparent pixels
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(photo.picture, 0, 0, canvas.width, canvas.height);
    context.scale(canvas.width / image.width, canvas.height / image.height);
    const unit = Math.max(image.width, image.height) / 400;
    for (const face of faces) drawBox(context, clip(face.box, image), isKnown(face), unit);
    for (const face of faces) drawName(context, face, image, unit);
    return await canvas.convertToBlob({ type: "image/jpeg", quality: 0.92 });
  } finally {
    photo.close();
  }
}

/** @returns {Promise<import("./shrink.js").OpenPhoto | null>} null if it is too large, or gone */
async function openOriginal(file, { width, height }) {
  return file && width * height <= MAX_OPEN_PIXELS ? openPhoto(file) : null;
}

/** Adds a rectangle with round corners to the path; older browsers draw square ones. */
function roundRect(context, left, top, width, height, radius) {
  context.beginPath();
  if (context.roundRect) context.roundRect(left, top, width, height, radius);
  else context.rect(left, top, width, height);
}

function drawBox(context, { left, top, width, height }, known, unit) {
  roundRect(context, left, top, width, height, 2 * unit);
  context.setLineDash(known ? [] : [3 * unit, 2 * unit]);
  for (const [color, lineWidth] of [["rgb(0 0 0 / 50%)", 2.4], ["#fff", 1.4]]) {
    context.strokeStyle = color;
    context.lineWidth = lineWidth * unit;
    context.stroke();
  }
}

function drawName(context, face, image, unit) {
  const box = clip(face.box, image);
  context.font = `600 ${9 * unit}px system-ui, sans-serif`;
  context.textBaseline = "middle";
  const width = context.measureText(nameOf(face)).width + 10 * unit;
  const height = 15 * unit;
  const left = Math.max(0, Math.min(box.left + (box.width - width) / 2, image.width - width));
  const top = Math.min(box.top + box.height + 3 * unit, image.height - height);
  roundRect(context, left, top, width, height, height / 2);
  context.fillStyle = isKnown(face) ? "#0b6b5f" : "#2b2a27";
  context.fill();
  context.fillStyle = "#fff";
  context.fillText(nameOf(face), left + 5 * unit, top + height / 2);
}
