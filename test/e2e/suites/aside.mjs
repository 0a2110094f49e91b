// @ts-check

/**
 * Begins a case that mostly sleeps, so that others can be run meanwhile; its own turn is when it has to end.
 *
 * @param {import('../report.mjs').Case} slow
 * @returns {import('../report.mjs').Case}
 */
export function aside({ name, run }) {
	const begun = run(() => {});
	begun.catch(() => {});
	return { name, run: async () => await begun };
}
