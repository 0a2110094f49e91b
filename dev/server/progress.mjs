// @ts-check

const LINE_EVERY_MS = 10_000;
const REDRAW_EVERY_MS = 500;
const CLEAR_LINE = '\r\x1b[K';

const terminal = Boolean(process.stdout.isTTY) && process.env.CI !== 'true';

/** @param {number} ms */
export const seconds = (ms) => `${ms < 10_000 ? (ms / 1000).toFixed(1) : Math.round(ms / 1000)} s`;

/** @param {number} bytes */
export function size(bytes) {
	if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
	if (bytes >= 1e6) return `${(bytes / 1e6).toFixed(1)} MB`;
	return `${Math.ceil(bytes / 1000)} kB`;
}

/** @type {Set<NodeJS.Timeout>} */
const timers = new Set();

/** No step says anything more but how it ended. */
export function hush() {
	timers.forEach((timer) => clearInterval(timer));
}

/**
 * Runs one step and shows that it is alive: a line that redraws itself on a terminal, a line every ten seconds in a log.
 *
 * @template T
 * @param {string} title
 * @param {(note: (text: string) => void) => Promise<T>} work `note` says how far it has come; the last note stays on the closing line
 * @returns {Promise<T>}
 */
export async function step(title, work) {
	const began = Date.now();
	let noted = '';
	const line = () => `${title} · ${seconds(Date.now() - began)}${noted && ` · ${noted}`}`;
	// A line that wraps cannot be redrawn in place.
	const live = () => `… ${line()}`.slice(0, (process.stdout.columns || 80) - 1);

	const timer = setInterval(
		() => process.stdout.write(terminal ? CLEAR_LINE + live() : `… ${line()}\n`),
		terminal ? REDRAW_EVERY_MS : LINE_EVERY_MS,
	);
	timers.add(timer);
	const close = (/** @type {string} */ mark) => {
		clearInterval(timer);
		timers.delete(timer);
		process.stdout.write(`${terminal ? CLEAR_LINE : ''}${mark} ${line()}\n`);
	};

	try {
		const result = await work((text) => {
			noted = text;
		});
		close('✓');
		return result;
	} catch (error) {
		close('✗');
		throw error;
	}
}
