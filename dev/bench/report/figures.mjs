// @ts-check
// Small statistics. Other programs share the machine, so no figure is a single reading, and no two readings that are
// compared were taken far apart.

/** @param {number[]} values @param {number} share from 0 to 1 */
export function quantile(values, share) {
	const sorted = [...values].sort((a, b) => a - b);
	const place = (sorted.length - 1) * share;
	const below = /** @type {number} */ (sorted[Math.floor(place)]);
	const above = /** @type {number} */ (sorted[Math.ceil(place)]);
	return below + (above - below) * (place - Math.floor(place));
}

/** @param {number[]} values */
export const median = (values) => quantile(values, 0.5);

/** @param {number[]} values */
export const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/**
 * Ours against theirs, pair by pair: what slowed the machine down for a while slowed both of a pair.
 *
 * @param {number[]} ours
 * @param {number[]} theirs as many, taken in the same rounds
 */
export const pairedRatio = (ours, theirs) =>
	median(ours.map((value, round) => value / /** @type {number} */ (theirs[round])));

/**
 * Numbers from 0 up to 1 that are the same in every run.
 *
 * @param {number} seed
 */
export function seeded(seed) {
	let state = seed >>> 0;
	return () => {
		state = (state + 0x6d2b79f5) >>> 0;
		let mixed = Math.imul(state ^ (state >>> 15), state | 1);
		mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
	};
}

/** Readable at any size: three digits, no more. @param {number} value */
export function digits(value) {
	const size = Math.abs(value);
	if (size >= 100) return Math.round(value).toLocaleString('en');
	if (size >= 10) return value.toFixed(1);
	return value.toFixed(2);
}

/** @param {number} ratio */
export const times = (ratio) => `${digits(ratio)}x`;
