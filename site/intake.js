// The ways a photo gets into the page: the file chooser, a drop anywhere, a paste.

/**
 * @param {HTMLInputElement} input
 * @param {(file: File | undefined) => void} take  called with the photo, with nothing when a drop held none
 */
export function watchIntake(input, take) {
  input.addEventListener("change", () => {
    const [file] = input.files;
    input.value = ""; // so that choosing the same photo again is a change
    if (file) take(file);
  });
  document.addEventListener("paste", ({ clipboardData }) => {
    if (clipboardData.files.length) take(clipboardData.files[0]);
  });
  watchDrops(take);
}

function watchDrops(take) {
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    document.body.classList.add("dragging");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) document.body.classList.remove("dragging");
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("dragging");
    take(event.dataTransfer.files[0]);
  });
}
