// @ts-check
/**
 * The answer to a question of the bench: ratios, so that they hold on another machine as well. Less is better in every row.
 *
 * @typedef {object} Row
 * @property {string} what the figure
 * @property {string} against what ours is divided by
 * @property {number} ratio
 * @property {number} [most] the target: at most this
 *
 * @typedef {object} Answer
 * @property {string} id one letter
 * @property {string} title the question
 * @property {string} decision what somebody decides by it
 * @property {string} how what was done
 * @property {Row[]} rows
 */
export {};
