// Where this deployment's API is, read from the config.json that the deployment writes beside the page.
import { Failure } from "./failure.js";

/**
 * @typedef {object} Config
 * @property {string} api  address of the API, without a slash at its end
 */

/**
 * @returns {Promise<Config>}
 * @throws {Failure} when config.json is missing, broken or names no address
 */
export async function loadConfig() {
  let config;
  try {
    const response = await fetch("config.json", { cache: "no-cache" });
    config = response.ok ? await response.json() : null;
  } catch {
    config = null;
  }
  return parseConfig(config);
}

/**
 * @param {unknown} config  what config.json contained, null when it couldn't be read
 * @returns {Config}
 * @throws {Failure} when it names no http or https address
 */
export function parseConfig(config) {
  const api = config?.api;
  if (typeof api !== "string" || !/^https?:\/\/[^/]/.test(api)) {
    throw new Failure("This website doesn’t know where its API is: its config.json is missing or broken.", { retryable: true });
  }
  return { api: api.replace(/\/+$/, "") };
}
