// The words of the camera in the visitor's language. They are loaded with the camera.
import { language } from "./words.js";

export const { default: cameraWords } = await import(`./words/camera/${language}.js`);
