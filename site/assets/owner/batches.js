// Divides photos of a person into requests that the service can answer in time.
import { MAX_PHOTO_BYTES } from "../shrink.js";

/** API Gateway waits 30 s for an answer. A photo takes up to half a second, and a cold start some seconds. */
const MAX_PHOTOS = 10;

/**
 * @template {{sent: Blob}} T
 * @param {T[]} photos
 * @returns {T[][]} in their order; a photo that is too large for a request is alone, and goes through S3
 */
export function batches(photos) {
  const found = [];
  let bytes = Infinity;
  for (const photo of photos) {
    bytes += photo.sent.size;
    if (bytes > MAX_PHOTO_BYTES || found[found.length - 1].length === MAX_PHOTOS) {
      found.push([]);
      bytes = photo.sent.size;
    }
    found[found.length - 1].push(photo);
  }
  return found;
}
