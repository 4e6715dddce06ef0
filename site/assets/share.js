// Copies and shares an answer: as text, or as a picture that is drawn in the browser and not uploaded.
import { clip } from "./boxes.js";
import { isKnown, nameOf } from "./sentences.js";
import { words } from "./words.js";

/** @param {string} api  @returns {string} a command that sends a photo to the same API */
export const curl = (api) => `curl -F image=@photo.jpg ${api}/recognize`;

/** @param {string} text  @throws {Error} if the browser does not allow it */
export async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // Without https there is no navigator.clipboard.
  const area = document.createElement("textarea");
  const focused = document.activeElement;
  area.value = text;
  area.className = "offscreen";
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  focused?.focus();
  if (!copied) throw new Error("not copied");
}

/** @returns {boolean} whether this browser can share pictures with other apps */
export const canShare = () => Boolean(navigator.canShare?.({ files: [new File([], "a.jpg", { type: "image/jpeg" })] }));

/** @param {Blob} picture  @returns {Promise<string>} a sentence about the result; empty if the visitor cancelled */
export async function share(picture) {
  const file = new File([picture], "who-is-this.jpg", { type: "image/jpeg" });
  if (canShare()) {
    const ignoreCancel = (error) => (error.name === "AbortError" ? "" : Promise.reject(error));
    return navigator.share({ files: [file] }).then(() => words.shared, ignoreCancel);
  }
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = file.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  return words.saved;
}

/**
 * Draws the photo with a box and a name for each face.
 * @param {Blob} photo
 * @param {import("./api.js").Recognition} recognition
 * @returns {Promise<Blob>} JPEG
 */
export async function resultImage(photo, { faces, image }) {
  const bitmap = await createImageBitmap(photo);
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext("2d");
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  context.scale(canvas.width / image.width, canvas.height / image.height);
  const unit = Math.max(image.width, image.height) / 400;
  for (const face of faces) drawBox(context, clip(face.box, image), isKnown(face), unit);
  for (const face of faces) drawName(context, face, image, unit);
  return canvas.convertToBlob({ type: "image/jpeg", quality: 0.92 });
}

function drawBox(context, { left, top, width, height }, known, unit) {
  context.beginPath();
  context.roundRect(left, top, width, height, 2 * unit);
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
  context.beginPath();
  context.roundRect(left, top, width, height, height / 2);
  context.fillStyle = isKnown(face) ? "#0b6b5f" : "#2b2a27";
  context.fill();
  context.fillStyle = "#fff";
  context.fillText(nameOf(face), left + 5 * unit, top + height / 2);
}
