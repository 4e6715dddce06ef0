// The service worker: keeps the files of this website, so that it opens without a network. It keeps no photo that a
// visitor has sent or shared, and no answer. Requests to other addresses, such as the API's, pass by it.

/**
 * The deployment fills this in.
 * @type {{version: string, assets: string[], others: Record<string, string>}} the names of assets say what is in them;
 *   the other files have their hash beside them
 */
const SITE = { version: "", assets: [], others: {} };

const CACHE = `visage-${SITE.version}`;

/** After this time without an answer, a page is shown as it was kept. */
const PATIENCE_MS = 3000;

/** How long shared photos wait for the page to take them. They are in memory only. */
const SHARED_MS = 60_000;

const SCOPE = new URL(self.registration.scope);

/** Photos that another app has shared, until the page takes them: by the number in the page's address. */
const shared = new Map();

/** Ids of pages that came from the cache. Their config.json must too: the page's policy allows the API that it names. */
const keptPages = new Set();

self.addEventListener("install", (event) => event.waitUntil(keepFiles().then(() => self.skipWaiting())));
self.addEventListener("activate", (event) => event.waitUntil(removeOldCaches()));

self.addEventListener("fetch", (event) => {
  const { method, url } = event.request;
  const name = nameOf(new URL(url));
  if (method === "POST" && name === "share") return receive(event);
  if (method !== "GET") return;
  if (name in SITE.others) event.respondWith(networkFirst(event, name));
  else if (SITE.assets.includes(name)) event.respondWith(cacheFirst(event.request));
  else if (name.startsWith("examples/")) event.respondWith(cacheFirst(event.request, { keep: true }));
});

self.addEventListener("message", ({ data: number, ports: [port] }) => {
  const { photos = [], taken } = shared.get(number) ?? {};
  port?.postMessage(photos);
  taken?.();
});

/** @returns {string} the file's name on this website; empty for other addresses */
function nameOf({ origin, pathname }) {
  if (origin !== SCOPE.origin || !pathname.startsWith(SCOPE.pathname)) return "";
  return pathname.slice(SCOPE.pathname.length) || "index.html";
}

/** Fails if a file is not of this deployment; then the browser tries again with the next page. */
async function keepFiles() {
  const others = Object.entries(SITE.others);
  const requests = others.map(([name, integrity]) => new Request(name, { integrity, cache: "no-cache" }));
  await (await caches.open(CACHE)).addAll([...SITE.assets, ...requests]);
}

async function removeOldCaches() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith("visage-") && name !== CACHE).map((name) => caches.delete(name)));
}

/** The network is first, so that no deployment can lock visitors in: the cache helps if there is no answer in time. */
async function networkFirst(event, name) {
  const cache = await caches.open(CACHE);
  const answer = keptPages.has(event.clientId) ? null : await inTime(fetch(event.request));
  if (answer && answer.status < 500) return answer;
  const kept = await cache.match(name);
  if (kept && event.resultingClientId) keptPages.add(event.resultingClientId);
  return kept ?? fetch(event.request);
}

/** @returns {Promise<Response | null>} null if the network failed or took too long */
function inTime(answer) {
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE_MS, null));
  return Promise.race([answer.catch(() => null), late]);
}

async function cacheFirst(request, { keep = false } = {}) {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(request, { ignoreVary: true });
  if (kept) return kept;
  const answer = await fetch(request);
  if (keep && answer.status === 200) await cache.put(request, answer.clone());
  return answer;
}

/** Takes the photos that another app shares, and opens the page, which asks for them. */
function receive(event) {
  const number = crypto.randomUUID();
  const open = async () => {
    const photos = (await event.request.formData()).getAll("photos").filter((photo) => photo instanceof File);
    shared.get(number).photos = photos;
    return Response.redirect(`index.html?shared=${number}`, 303);
  };
  const done = new Promise((taken) => {
    shared.set(number, { photos: [], taken });
    setTimeout(taken, SHARED_MS);
  });
  event.waitUntil(done.then(() => shared.delete(number)));
  event.respondWith(open());
}
