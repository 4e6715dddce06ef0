// The ways to bring photos into the page: choose files, drop them anywhere, or paste them.

/**
 * @param {HTMLInputElement} input
 * @param {(files: File[]) => void} onPhotos  gets an empty list if a drop or a paste had no file
 */
export function watchIntake(input, onPhotos) {
  input.addEventListener("change", () => {
    const photos = photosOf(input.files);
    input.value = ""; // choosing the same photo again shall be a change
    if (photos.length) onPhotos(photos);
  });
  document.addEventListener("paste", ({ clipboardData }) => onPhotos(photosOf(clipboardData.files)));
  watchDrops(onPhotos);
}

/**
 * The files that may be photos. Returns all files if none may be, so that the page can say why they fail.
 * @param {Iterable<File>} files
 * @returns {File[]}
 */
export function photosOf(files) {
  const all = [...files];
  const photos = all.filter(({ type }) => !type || type.startsWith("image/")); // most systems give HEIC no type
  return photos.length ? photos : all;
}

/** Marks drags that start in this page: its own text and pictures can't be dropped here. */
const OWN_DRAG_TYPE = "application/x-visage";

function watchDrops(onPhotos) {
  let entered = null; // the element under the pointer; the next one is entered before this one is left
  const setEntered = (element) => {
    entered = element;
    document.body.classList.toggle("dragging", element !== null);
  };
  const on = (type, handle) => document.addEventListener(type, (event) => handle(event));
  on("dragstart", ({ dataTransfer }) => dataTransfer.setData(OWN_DRAG_TYPE, "1"));
  on("dragenter", (event) => setEntered(isOwnDrag(event) ? null : event.target));
  on("dragleave", ({ target }) => target === entered && setEntered(null));
  on("dragover", (event) => {
    event.preventDefault();
    event.dataTransfer.dropEffect = isOwnDrag(event) ? "none" : "copy";
  });
  on("drop", (event) => {
    event.preventDefault();
    setEntered(null);
    if (!isOwnDrag(event)) onPhotos(photosOf(event.dataTransfer.files));
  });
}

const isOwnDrag = ({ dataTransfer }) => dataTransfer.types.includes(OWN_DRAG_TYPE);
