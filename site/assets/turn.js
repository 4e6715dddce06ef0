// Turns a photo whose faces lie sideways or upside down, and its answer, so that the visitor sees them upright.
import { makeCanvas, openPhoto } from "./shrink.js";

/**
 * @param {{file: Blob & {name: string}, preview: Blob}} item
 * @param {import("./types.js").Recognition} answer  in pixels of the photo as it lies
 * @returns what changes of the item: its picture, a file of it, its size and its answer, beside that for the photo as it lies
 */
export async function turn({ file, preview }, answer) {
  const turned = await turnPicture(preview, answer.image.rotation);
  const recognition = uprightAnswer(answer);
  const { width, height } = recognition.image;
  return { recognition, original: answer, preview: turned, file: new File([turned], file.name), size: { width, height } };
}

/**
 * @param {Blob} file
 * @param {number} degrees  clockwise: 90, 180 or 270
 * @returns {Promise<Blob>} JPEG
 */
async function turnPicture(file, degrees) {
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

/**
 * Converts an answer to pixels of the photo after that is turned clockwise, as its `rotation` says.
 * @param {import("./types.js").Recognition} recognition
 * @returns {import("./types.js").Recognition}
 */
export function uprightAnswer(recognition) {
  const { image: { width, height, rotation = 0 }, faces } = recognition;
  if (rotation <= 0) return recognition;
  return uprightAnswer({
    ...recognition,
    faces: faces.map((face) => turnedFace(face, height)),
    image: { ...recognition.image, width: height, height: width, rotation: rotation - 90 },
  });
}

/** A face of a photo of this height, after that is turned clockwise by 90 degrees. */
function turnedFace(face, photoHeight) {
  const { left, top, width, height } = face.box;
  const turned = { ...face, box: { left: photoHeight - top - height, top: left, width: height, height: width } };
  if (face.landmarks) {
    const points = Object.entries(face.landmarks).map(([name, { x, y }]) => [name, { x: photoHeight - y, y: x }]);
    turned.landmarks = Object.fromEntries(points);
  }
  if (face.pose) turned.pose = { ...face.pose, roll: ((face.pose.roll + 270) % 360) - 180 };
  return turned;
}
