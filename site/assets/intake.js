// The ways a photo gets into the page: the file chooser, a drop anywhere, a paste.

/**
 * @param {HTMLInputElement} input
 * @param {(files: File[]) => void} take  called with the photos; with none when a drop or a paste held no file
 */
export function watchIntake(input, take) {
  input.addEventListener("change", () => {
    const photos = photosOf(input.files);
    input.value = ""; // so that choosing the same photo again is a change
    if (photos.length) take(photos);
  });
  document.addEventListener("paste", ({ clipboardData }) => take(photosOf(clipboardData.files)));
  watchDrops(take);
}

/**
 * What of a choice may be photos; all of it when nothing may, so that somebody is told.
 * @param {Iterable<File>} files
 * @returns {File[]}
 */
export function photosOf(files) {
  const all = [...files];
  const photos = all.filter(({ type }) => !type || type.startsWith("image/")); // few systems know the type of HEIC
  return photos.length ? photos : all;
}

/** Marks what is dragged from this page itself: its text and its pictures are nothing to drop here. */
const OWN = "application/x-visage";

function watchDrops(take) {
  let entered = null; // the element under the pointer: its neighbour is entered before it is left itself
  const mark = (element) => {
    entered = element;
    document.body.classList.toggle("dragging", element !== null);
  };
  const on = (type, handle) => document.addEventListener(type, (event) => handle(event));
  on("dragstart", ({ dataTransfer }) => dataTransfer.setData(OWN, "1"));
  on("dragenter", (event) => mark(isOwn(event) ? null : event.target));
  on("dragleave", ({ target }) => target === entered && mark(null));
  on("dragover", (event) => {
    event.preventDefault();
    event.dataTransfer.dropEffect = isOwn(event) ? "none" : "copy";
  });
  on("drop", (event) => {
    event.preventDefault();
    mark(null);
    if (!isOwn(event)) take(photosOf(event.dataTransfer.files));
  });
}

const isOwn = ({ dataTransfer }) => dataTransfer.types.includes(OWN);
