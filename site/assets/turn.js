// Turns a photo whose faces lie sideways or upside down, so that the visitor sees them upright.
import { makeCanvas, openPhoto } from "./shrink.js";

/**
 * @param {Blob} file
 * @param {number} degrees  clockwise: 90, 180 or 270
 * @returns {Promise<Blob>} JPEG
 */
export async function turn(file, degrees) {
  const photo = await openPhoto(file);
  try {
    const isOnItsSide = degrees % 180 !== 0;
    const canvas = makeCanvas(isOnItsSide ? photo.height : photo.width, isOnItsSide ? photo.width : photo.height);
    const context = canvas.getContext("2d");
    context.translate(canvas.width / 2, canvas.height / 2);
    context.rotate((degrees * Math.PI) / 180);
    context.drawImage(photo.picture, -photo.width / 2, -photo.height / 2, photo.width, photo.height);
    return await canvas.convertToBlob({ type: "image/jpeg", quality: 0.92 });
  } finally {
    photo.close();
  }
}
