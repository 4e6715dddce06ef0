// Wires the page up: a photo comes in, it is shown, prepared and sent, and the newest one's answer is drawn.
import { recognize } from "./api.js";
import { loadConfig } from "./config.js";
import { Failure, nothingDropped } from "./failure.js";
import { watchIntake } from "./intake.js";
import { showAnswer, showBusy, showEmpty, showFailure, showPhoto } from "./page.js";
import { prepare } from "./photo.js";

let newest = new AbortController();
let again = () => {};

/** Runs a piece of work that the next one replaces; what an outdated one finds is thrown away. */
async function only(work) {
  newest.abort();
  const { signal } = (newest = new AbortController());
  again = () => only(work);
  try {
    await work(signal);
  } catch (error) {
    if (!signal.aborted) report(error);
  }
}

function report(error) {
  if (error instanceof Failure) return showFailure(error);
  showFailure(new Failure("Something broke in this page. Reload it and try again."));
  throw error;
}

/** @param {File} [file] */
const ask = (file) =>
  only(async (signal) => {
    if (!file) throw nothingDropped();
    showBusy();
    const [photo, { api }] = await Promise.all([prepare(file), loadConfig(), showPhoto(file, signal)]);
    const recognition = await recognize(api, photo, signal);
    if (!signal.aborted) showAnswer(recognition);
  });

/** Says at once when this website can't work, rather than after the first photo. */
async function start(signal) {
  await loadConfig();
  if (!signal.aborted) showEmpty();
}

watchIntake(document.getElementById("file"), ask);
document.getElementById("retry").addEventListener("click", () => {
  document.getElementById("file").focus({ preventScroll: true }); // the button is about to disappear
  again();
});
only(start);
