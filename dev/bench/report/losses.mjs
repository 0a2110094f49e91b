// @ts-check
/**
 * @typedef {object} Comparison one figure, ours and theirs
 * @property {string} what
 * @property {number} ours
 * @property {number} theirs
 * @property {(value: number) => string} shown with its unit
 * @property {boolean} [isMoreBetter] as of a speed; of most figures, less is better
 */

/** By less, two figures of this machine are the same. */
const CHANCE = 0.03;

/**
 * What an alternative is better in, all of it in one sentence. Every figure that is compared has to be named here, so that none is
 * passed over.
 *
 * @param {string} other the alternative, and where it is better
 * @param {Comparison[]} comparisons
 * @returns {string[]} none where ours is as good
 */
export function losses(other, comparisons) {
	const lost = comparisons.filter(({ ours, theirs, isMoreBetter }) =>
		isMoreBetter ? ours < theirs * (1 - CHANCE) : ours > theirs * (1 + CHANCE),
	);
	if (lost.length === 0) return [];
	const figures = lost.map(
		({ what, ours, theirs, shown }) => `${what} ${shown(theirs)} against our ${shown(ours)}`,
	);
	return [`${other}: ${figures.join('; ')}.`];
}
