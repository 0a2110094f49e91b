// @ts-check

/**
 * Reads the "flatted" form in which n8n hands out the data of an execution: a list of values, in which every string inside
 * an object or array is the place of the real value in the list, so that values may be shared and may contain themselves.
 *
 * @param {string} text
 * @returns {any}
 */
export function parseFlatted(text) {
	/** @type {any[]} */
	const values = JSON.parse(text);
	const done = new Set();

	const resolve = (/** @type {number} */ place) => {
		const value = values[place];
		if (value === null || typeof value !== 'object' || done.has(place)) return value;
		done.add(place);
		for (const key of Object.keys(value)) {
			if (typeof value[key] === 'string') value[key] = resolve(Number(value[key]));
		}
		return value;
	};
	return resolve(0);
}
