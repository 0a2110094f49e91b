// @ts-check
import { report as explain } from '../../dev/server/problem.mjs';
import { seconds, step } from '../../dev/server/progress.mjs';

/**
 * @typedef {object} Case one thing that is to be shown
 * @property {string} name
 * @property {(note: (text: string) => void) => Promise<string | void>} run throws when it does not hold; otherwise says what was
 *   measured
 * @property {boolean} [isSlow] it mostly sleeps: it is begun before the others, and has its turn when it has to end
 *
 * @typedef {{ group: string, name: string, ms: number, passed: boolean, said: string }} Row
 */

const WIDEST = 110;

/** @param {unknown} error @returns {string} its first line */
const firstLine = (error) =>
	/** @type {string} */ ((error instanceof Error ? error.message : String(error)).split('\n')[0]);

/** @param {Case['run']} run @returns {Case['run']} */
function begin(run) {
	const begun = run(() => {});
	// Whoever waits for it later hears of it.
	begun.catch(() => {});
	return async () => await begun;
}

/** Everything that was tried, in order, for one table at the end. */
export class Report {
	/** @type {Row[]} */
	#rows = [];

	/** @param {{ only?: string }} [options] `only`: a text in the names of the cases that are wanted */
	constructor({ only = '' } = {}) {
		this.only = only;
	}

	/**
	 * Runs the cases one after the other; one that fails leaves the others their turn.
	 *
	 * @param {string} group
	 * @param {Case[]} cases
	 */
	async run(group, cases) {
		const wanted = cases
			.filter(({ name }) => name.toLowerCase().includes(this.only.toLowerCase()))
			.map(({ name, run, isSlow }) => ({ name, run: isSlow ? begin(run) : run }));
		for (const { name, run } of wanted) await this.#try(group, name, run);
	}

	/**
	 * Runs what the cases of a group stand on. Without it there is nothing to try, which is a failure of its own.
	 *
	 * @template T
	 * @param {string} group
	 * @param {string} name
	 * @param {(note: (text: string) => void) => Promise<T>} work
	 * @returns {Promise<T | undefined>}
	 */
	async prepare(group, name, work) {
		/** @type {T | undefined} */
		let result;
		const rows = this.#rows.length;
		await this.#try(group, name, async (note) => {
			result = await work(note);
		});
		// It is worth a line only when it failed.
		if (this.#rows[rows]?.passed) this.#rows.pop();
		return result;
	}

	/**
	 * @param {string} group
	 * @param {string} name
	 * @param {Case['run']} run
	 */
	async #try(group, name, run) {
		const began = Date.now();
		try {
			const said = await step(`${group}: ${name}`, async (note) => {
				const result = (await run(note)) ?? '';
				if (result) note(result);
				return result;
			});
			this.#rows.push({ group, name, ms: Date.now() - began, passed: true, said });
		} catch (error) {
			this.fail(group, name, began, error);
		}
	}

	/** @param {string} group @param {string} name @param {number} began @param {unknown} error */
	fail(group, name, began, error) {
		explain(error);
		const said = firstLine(error);
		this.#rows.push({ group, name, ms: Date.now() - began, passed: false, said });
	}

	/** @returns {number} the exit code */
	print() {
		const width = Math.max(0, ...this.#rows.map(({ name }) => name.length));
		let group = '';
		for (const row of this.#rows) {
			if (row.group !== group) console.log(`\n${(group = row.group)}`);
			const [mark, time] = [row.passed ? '✓' : '✗', seconds(row.ms).padStart(7)];
			const said = row.said.length > WIDEST ? `${row.said.slice(0, WIDEST)}…` : row.said;
			console.log(`  ${mark} ${row.name.padEnd(width)}  ${time}  ${said}`.trimEnd());
		}
		const failed = this.#rows.filter(({ passed }) => !passed).length;
		console.log(`\n${this.#rows.length - failed} passed, ${failed} failed`);
		return failed === 0 && this.#rows.length > 0 ? 0 : 1;
	}
}
