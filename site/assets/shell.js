// The page as an app: its service worker, and the photos that other apps share with it.

/** How long the page waits for the service worker. */
const ANSWER_MS = 5000;

/**
 * Registers the service worker once the page has loaded. A browser that allows none still shows the page.
 * @returns {Promise<void>}
 */
export async function registerWorker() {
  if (!navigator.serviceWorker) return; // without https
  if (document.readyState !== "complete") await new Promise((resolve) => addEventListener("load", resolve, { once: true }));
  await navigator.serviceWorker.register("sw.js", { updateViaCache: "none" }).catch(() => {});
}

/**
 * @returns {Promise<File[] | null>} what another app has shared with this page; empty if it is no longer there, null if
 *   the page was not opened by sharing
 */
export async function takeShared() {
  const number = new URLSearchParams(location.search).get("shared");
  if (!number) return null;
  history.replaceState(history.state, "", location.pathname); // reloading the page must not ask again
  const worker = navigator.serviceWorker?.controller;
  return worker ? ask(worker, number) : [];
}

function ask(worker, number) {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    const finish = (photos) => {
      port1.close();
      resolve(photos);
    };
    setTimeout(finish, ANSWER_MS, []);
    port1.onmessage = ({ data }) => finish(data);
    worker.postMessage(number, [port2]);
  });
}
