// Whether this page can use a camera. Apart from camera.js, which is loaded only for visitors who use it.
import { words } from "./words.js";

/** @returns {string} why this page can't use the camera; empty if it can try */
export function cameraUnavailable() {
  if (!globalThis.isSecureContext) return words.cameraNeedsHttps;
  if (!navigator.mediaDevices?.getUserMedia) return words.cameraUnsupported;
  return "";
}
