// @ts-check
/**
 * What a question came to. The page, the terminal and the exit code are made from this and from nothing else, so that no
 * sentence can say what the figures do not.
 *
 * @typedef {object} Table
 * @property {string} [caption]
 * @property {string[]} columns
 * @property {string[][]} rows
 *
 * @typedef {object} Target
 * @property {string} text what was wanted
 * @property {string} measured
 * @property {boolean} met
 *
 * @typedef {object} Picture
 * @property {string} name of the file, without its ending
 * @property {string} alt
 * @property {string} svg
 *
 * @typedef {object} Answer
 * @property {string} id one letter
 * @property {string} title the question
 * @property {string[]} how paragraphs: what was done, and what to know of it
 * @property {Table[]} tables
 * @property {Target[]} targets
 * @property {Picture[]} pictures
 * @property {string[]} losses where the alternative is better, a sentence each
 */
export {};
