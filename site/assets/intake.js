// The ways to bring photos into the page: choose files, drop them anywhere, or paste them.

/**
 * @param {HTMLInputElement} input
 * @param {(files: File[], folders: string[]) => void} onFiles  gets the files, and the names of folders that were dropped
 * @param {() => void} onNothing  a drop had neither. A paste without a file is ignored: it may be a text
 */
export function watchIntake(input, onFiles, onNothing) {
  watchInput(input, (files) => onFiles(files, []));
  document.addEventListener("paste", ({ clipboardData: { files } }) => files.length && onFiles([...files], []));
  watchDrops((transfer) => {
    const folders = foldersOf(transfer);
    const files = [...transfer.files].filter(({ name }) => !folders.includes(name));
    if (files.length || folders.length) onFiles(files, folders);
    else onNothing();
  });
}

/**
 * @param {HTMLInputElement} input
 * @param {(files: File[]) => void} onFiles
 */
export function watchInput(input, onFiles) {
  const take = () => {
    const files = [...input.files];
    input.value = ""; // choosing the same photo again shall be a change
    if (files.length) onFiles(files);
  };
  input.addEventListener("change", take);
  take(); // files that were chosen while the page was still loading
}

/** A browser lists a folder among the files, as a file that can't be read. */
function foldersOf({ items }) {
  const entries = [...items].map((item) => item.webkitGetAsEntry?.());
  return entries.filter((entry) => entry?.isDirectory).map(({ name }) => name);
}

/** Marks drags that start in this page: its own text and pictures can't be dropped here. */
const OWN_DRAG_TYPE = "application/x-visage";

function watchDrops(onDrop) {
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
    if (!isOwnDrag(event)) onDrop(event.dataTransfer);
  });
}

const isOwnDrag = ({ dataTransfer }) => dataTransfer.types.includes(OWN_DRAG_TYPE);
