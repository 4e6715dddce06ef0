// Where this deployment's API is and which examples it has, read from the config.json beside the page.
import { configBroken } from "./failure.js";

/**
 * @typedef {object} Config
 * @property {string} api  address of the API, without a slash at its end
 * @property {string[]} examples  addresses of photos to try, of this website itself
 */

/**
 * @returns {Promise<Config>}
 * @throws {import("./failure.js").Failure} when config.json is missing, broken or names no address
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
 * @param {unknown} config  what config.json contained, null when it couldn't be read
 * @param {string} page  address of the page
 * @returns {Config}
 * @throws {import("./failure.js").Failure} when it names neither an http or https address nor a path of this website
 */
export function parseConfig(config, page) {
  const api = config?.api;
  const address = /^(https?:\/)?\/[^/]/.test(api) ? resolve(api, page) : null;
  if (!address) throw configBroken();
  return { api: address.href.replace(/\/+$/, ""), examples: examplesOf(config, page) };
}

/** A photo of another website could not be read, and asking for it would tell that website who is here. */
function examplesOf({ examples }, page) {
  const paths = Array.isArray(examples) ? examples.filter((example) => typeof example === "string") : [];
  const { origin } = new URL(page);
  return paths.map((path) => resolve(path, page)).filter((url) => isOf(url, origin)).map(({ href }) => href);
}

const isOf = (url, origin) => url?.origin === origin && url.protocol.startsWith("http"); // blob: has an origin too

/** @returns {URL | null} */
function resolve(address, page) {
  try {
    return new URL(address, page);
  } catch {
    return null;
  }
}
