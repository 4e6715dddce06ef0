// Re-encodes a photo as a small upright JPEG without metadata, in a worker or in the page.

/** Limit of a request: Lambda takes 6 MB a call, and base64 makes a photo a third larger. */
export const MAX_PHOTO_BYTES = 4_500_000;

/** Longest side in pixels. It is enough for every face that the detector can find. */
const MAX_SIDE = 2048;
const JPEG_QUALITY = 0.92;

/** No photo is larger. Decoding a film would fill the memory. */
const MAX_FILE_BYTES = 150_000_000;

/** @typedef {import("./boxes.js").Size} Size */

/**
 * @typedef {object} Shrunk
 * @property {Blob} blob  a JPEG of at most MAX_PHOTO_BYTES
 * @property {Size} size  of the upright photo in the file
 */

/**
 * @param {Blob} file
 * @returns {Promise<Shrunk | null>} null if this browser can't decode it, has too little memory, or doesn't let pages read
 *   pictures
 */
export async function shrink(file) {
  let photo;
  try {
    photo = await openPhoto(file);
    return photo && canvasKeepsPixels() ? await compress(photo) : null;
  } catch {
    return null;
  } finally {
    photo?.close();
  }
}

/**
 * @typedef {Size & {picture: CanvasImageSource, close: () => void}} OpenPhoto  upright; `close` frees its memory
 *
 * @param {Blob} file
 * @returns {Promise<OpenPhoto | null>} null if this browser can't decode it
 */
export function openPhoto(file) {
  if (file.size > MAX_FILE_BYTES) return Promise.resolve(null);
  return openBitmap(file).catch(() => openImage(file)).catch(() => null);
}

async function openBitmap(file) {
  const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  return { picture: bitmap, width: bitmap.width, height: bitmap.height, close: () => bitmap.close() };
}

/**
 * For browsers whose createImageBitmap doesn't know `from-image` or reads fewer formats than their pages show. It fails in
 * a worker, which has no document.
 */
async function openImage(file) {
  const image = document.createElement("img");
  const address = URL.createObjectURL(file);
  const close = () => URL.revokeObjectURL(address);
  try {
    await new Promise((resolve, reject) => {
      Object.assign(image, { onload: resolve, onerror: reject, src: address });
    });
  } catch (error) {
    close();
    throw error;
  }
  return { picture: image, width: image.naturalWidth, height: image.naturalHeight, close };
}

/**
 * Scales a size down so that its longer side is at most `side`. Small sizes stay.
 * @param {{width: number, height: number}} size
 * @param {number} side
 */
export function fit({ width, height }, side) {
  const scale = Math.min(1, side / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

/**
 * @param {CanvasImageSource} picture
 * @param {{width: number, height: number}} size
 * @param {number} [quality]  0 to 1
 * @returns {Promise<Blob>} a JPEG of that size; transparent pixels become white
 */
export function encode(picture, { width, height }, quality = JPEG_QUALITY) {
  const canvas = makeCanvas(width, height);
  const context = canvas.getContext("2d");
  context.fillStyle = "#fff";
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, 0, 0, width, height);
  return canvas.convertToBlob({ type: "image/jpeg", quality });
}

async function compress({ picture, width, height }) {
  const size = { width, height };
  for (let side = MAX_SIDE; ; side /= 2) {
    const blob = await encode(picture, fit(size, side));
    if (blob.size <= MAX_PHOTO_BYTES) return { blob, size };
  }
}

/**
 * Whether a page gets back what it drew. Against tracking, Tor Browser and Firefox with resistFingerprinting give noise
 * or white instead; others change a color by 1 or 2 of 255.
 */
function canvasKeepsPixels() {
  const context = makeCanvas(1, 1).getContext("2d");
  const color = [40, 120, 200];
  context.fillStyle = `rgb(${color})`;
  context.fillRect(0, 0, 1, 1);
  const { data } = context.getImageData(0, 0, 1, 1);
  return color.every((value, channel) => Math.abs(value - data[channel]) < 8);
}

/** @returns {OffscreenCanvas}  or a replacement with the same methods */
export const makeCanvas = (width, height) =>
  globalThis.OffscreenCanvas ? new OffscreenCanvas(width, height) : pageCanvas(width, height);

/** A replacement for browsers without OffscreenCanvas: a page's canvas with its convertToBlob. */
function pageCanvas(width, height) {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  canvas.convertToBlob = ({ type, quality }) => new Promise((resolve) => canvas.toBlob(resolve, type, quality));
  return canvas;
}
