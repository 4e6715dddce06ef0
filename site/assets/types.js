// The API's answers, for readers and editors. No module loads this file.

/**
 * @typedef {object} Prediction
 * @property {string} label
 * @property {number} probability
 * @property {boolean} enrolled
 * @property {number} [similarity]
 */

/**
 * @typedef {object} Face
 * @property {import("./boxes.js").Box} box  in pixels of the upright photo
 * @property {string | null} label  null if the model doesn't know the person
 * @property {number} probability
 * @property {number} similarity
 * @property {boolean} known
 * @property {boolean} enrolled
 * @property {string[]} [advice]  why the name may be wrong: the keys of words/advice/
 * @property {Prediction[]} predictions  the five likeliest people, in descending order
 */

/**
 * @typedef {object} Recognition
 * @property {Face[]} faces
 * @property {import("./boxes.js").Size & {complete?: boolean, rotation?: number}} image  `complete` is false if the file ended early;
 *   turned clockwise by `rotation` degrees, its faces are upright
 * @property {{version: string}} [model]
 * @property {Record<string, number>} [timing_ms]
 */

/**
 * @typedef {object} Labels
 * @property {string[]} labels
 * @property {{label: string, enrolled: boolean}[]} people
 * @property {number} threshold
 * @property {{held_out: HeldOut | null, false_accept_rate: number | null}} measured
 * @property {{version: string}} model
 */

/** @typedef {{faces: number, name_right: number, recognised: number, expected_calibration_error: number}} HeldOut */
