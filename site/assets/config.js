// Reads config.json, which names the API and the example photos of this deployment.
import { configBroken } from "./failure.js";

/**
 * @typedef {object} Config
 * @property {string} api  address of the API, without a trailing slash
 * @property {Example[]} examples  photos to try
 * @property {boolean} worker  whether the website has a service worker that lists its files
 * @property {boolean} [references]  whether visitors may see the owner's pictures of people
 * @property {number} [live]  frames a second that the camera may send; 0 for none; missing if the owner hasn't said
 */

/** @typedef {{photo: string, thumbnail: string}} Example  addresses on this website */

/**
 * @returns {Promise<Config>}
 * @throws {import("./failure.js").Failure} if config.json is missing, damaged or has no valid address
 */
export async function loadConfig() {
  let config;
  try {
    const response = await fetch("config.json", { cache: "no-cache" });
    config = response.ok ? await response.json() : null;
  } catch {
    config = null;
  }
  return parseConfig(config, document.baseURI);
}

/**
 * @param {unknown} config  the content of config.json; null if it can't be read
 * @param {string} page  address of the page
 * @returns {Config}
 * @throws {import("./failure.js").Failure} if `api` is neither an http(s) address nor an absolute path
 */
export function parseConfig(config, page) {
  const api = config?.api;
  const address = /^(https?:\/)?\/[^/]/.test(api) ? resolve(api, page) : null;
  if (!address) throw configBroken();
  const live = typeof config.owner?.live === "number" && config.owner.live >= 0 ? config.owner.live : undefined;
  const examples = exampleAddresses(config, page);
  return { api: address.href.replace(/\/+$/, ""), examples, worker: config.worker === true, references: config.references, live };
}

/** Leaves out photos on other websites: the page can't read them, and requests would reveal its visitors. */
function exampleAddresses({ examples }, page) {
  const { origin } = new URL(page);
  const ownAddress = (path) => {
    const url = typeof path === "string" ? resolve(path, page) : null;
    return hasOrigin(url, origin) ? url.href : null;
  };
  const listed = Array.isArray(examples) ? examples : [];
  const addresses = listed.map((each) => ({ photo: ownAddress(each?.photo), thumbnail: ownAddress(each?.thumbnail) }));
  return addresses.filter(({ photo, thumbnail }) => photo && thumbnail);
}

/** The protocol is checked too, because a blob: address has an origin. */
const hasOrigin = (url, origin) => url?.origin === origin && url.protocol.startsWith("http");

/** @returns {URL | null} */
function resolve(address, page) {
  try {
    return new URL(address, page);
  } catch {
    return null;
  }
}
