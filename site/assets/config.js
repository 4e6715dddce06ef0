// Reads config.json, which names the API and the example photos of this deployment.
import { configBroken } from "./failure.js";

/**
 * @typedef {object} Config
 * @property {string} api  address of the API, without a trailing slash
 * @property {string[]} examples  addresses of photos to try, on this website
 * @property {boolean} worker  whether the website has a service worker that lists its files
 */

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
  return { api: address.href.replace(/\/+$/, ""), examples: exampleAddresses(config, page), worker: config.worker === true };
}

/** Leaves out photos on other websites: the page can't read them, and requests would reveal its visitors. */
function exampleAddresses({ examples }, page) {
  const paths = Array.isArray(examples) ? examples.filter((example) => typeof example === "string") : [];
  const { origin } = new URL(page);
  return paths.map((path) => resolve(path, page)).filter((url) => hasOrigin(url, origin)).map(({ href }) => href);
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
