// A chosen file becomes the bytes to send: as it is where it fits, as a smaller upright JPEG where it doesn't.
import { tooLarge, unreadableFile } from "./failure.js";

/** Lambda takes 6 MB a call and gets the photo as base64, so the API takes this much. */
export const MAX_PHOTO_BYTES = 4_500_000;

/** Longest sides to try, in pixels: the first keeps every face the detector could find, the second always fits. */
const SIDES = [2048, 1024];
const JPEG_QUALITY = 0.9;

/**
 * @param {Blob} file
 * @returns {Promise<Blob>} at most MAX_PHOTO_BYTES
 * @throws {import("./failure.js").Failure} when the file can't be read, or is too large and can't be decoded here
 */
export async function prepare(file) {
  return file.size > MAX_PHOTO_BYTES ? shrink(file) : copy(file);
}

/**
 * The size that fits a square of that side, proportions kept; never enlarged.
 * @param {{width: number, height: number}} size
 * @param {number} side
 */
export function fit({ width, height }, side) {
  const scale = Math.min(1, side / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

/** Reads the bytes now, so that a folder or a vanished file isn't mistaken for a broken network later. */
async function copy(file) {
  try {
    return new Blob([await file.arrayBuffer()], { type: file.type });
  } catch {
    throw unreadableFile();
  }
}

async function shrink(file) {
  const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" }).catch(() => null);
  if (!bitmap) throw tooLarge(file.size, MAX_PHOTO_BYTES);
  try {
    for (const side of SIDES) {
      const jpeg = await encode(bitmap, fit(bitmap, side));
      if (jpeg.size <= MAX_PHOTO_BYTES) return jpeg;
    }
  } finally {
    bitmap.close();
  }
  throw tooLarge(file.size, MAX_PHOTO_BYTES);
}

/** @returns {Promise<Blob>} JPEG; what was transparent becomes white */
function encode(bitmap, { width, height }) {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  context.fillStyle = "#fff";
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, width, height);
  return canvas.convertToBlob({ type: "image/jpeg", quality: JPEG_QUALITY });
}
