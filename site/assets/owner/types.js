// The API's answers about people, for readers and editors. No module loads this file.

/**
 * @typedef {object} Person
 * @property {string} id
 * @property {string} name
 * @property {boolean} trained  the network was trained on this person, who can't be renamed or removed here
 * @property {number} photos  how many photos are known; of trained people, those that were added
 * @property {number} near_misses  faces that are not this person's
 * @property {number | null} quality  how well the person is known, 0 to 1
 * @property {("one_photo" | "poor_photos" | "few_angles" | "alike")[]} advice
 * @property {Lookalike[]} lookalikes
 * @property {boolean} thumbnail  whether a picture of the person is kept
 * @property {string | null} created  a time of RFC 3339
 * @property {string | null} changed  the same
 */

/** @typedef {{id: string, name: string, similarity: number}} Lookalike */

/**
 * @typedef {object} People
 * @property {Person[]} people
 * @property {string | null} next  the id after which the next page begins
 * @property {number} count
 * @property {{version: number, supported: number, thumbnails: boolean}} roster  `supported`: how many people the threshold
 *   was measured for
 */

/**
 * @typedef {object} PhotoResult
 * @property {number} photo  from 1
 * @property {boolean} used
 * @property {number | null} face
 * @property {string[]} advice
 * @property {{type: string, title: string, detail: string} | null} problem
 */

/**
 * @typedef {object} Added
 * @property {Person} person
 * @property {PhotoResult[]} photos
 * @property {Lookalike[]} lookalikes
 * @property {string[]} remarks  sentences in English
 */
