// @ts-check
import { size, step } from '../../server/progress.mjs';
import { fetcher, WAYS, ways } from '../lab/fetcher.mjs';
import { watchMemory } from '../../server/memory.mjs';
import { median, pairedRatio } from '../report/figures.mjs';

/** @typedef {import('../lab/lab.mjs').Lab} Lab */
/** @typedef {import('../lab/lab.mjs').Emulator} Emulator */
/** @typedef {import('../lab/fetcher.mjs').Way} Way */
/** @typedef {import('../lab/fetcher.mjs').Fetch} Fetch */

/**
 * @typedef {object} Finding of one size
 * @property {number} bytes
 * @property {Record<Way, Fetch[]>} fetches in rounds
 * @property {Record<Held, number>} memory bytes over base, medians
 */

/** @typedef {Extract<Way, 'ours' | 'buffered'>} Held ways whose memory is measured: the others stream as well */

const MB = 1e6;
const WARM_UP_BYTES = 5 * MB;
/** A fetch may meet garbage of the one before it, so one is not enough to see the peak. */
const FETCHES_FOR_PEAK = 2;
/**
 * When garbage is collected is chance: the same way rises by 40 MB in one n8n, and by 100 in the next. Of what holds the whole
 * file, no chance hides that.
 *
 * @type {Record<Held, number>}
 */
const N8NS_FOR_PEAK = { ours: 5, buffered: 2 };
/**
 * A fetch feels what the one before it has left in memory, so within four rounds each way comes after each other one.
 *
 * @type {Way[][]}
 */
const ORDERS = [
	['ours', 'buffered', 'bare', 'http'],
	['buffered', 'http', 'ours', 'bare'],
	['http', 'bare', 'buffered', 'ours'],
	['bare', 'ours', 'http', 'buffered'],
];

/** @param {Lab} lab @param {{ quick: boolean }} options */
export async function bigResults(lab, { quick }) {
	const sizes = quick
		? [{ bytes: 20 * MB, rounds: 1 }]
		: [
				{ bytes: 200 * MB, rounds: 8 },
				{ bytes: 1000 * MB, rounds: 4 },
			];
	return await lab.withEmulator({}, async (emulator) => {
		/** @type {Finding[]} */
		const findings = [];
		for (const { bytes, rounds } of sizes) {
			const memory = await step(`Memory for results of ${size(bytes)}`, async (note) => {
				const rise = async (/** @type {Held} */ way) => {
					const rises = [];
					for (let turn = 1; turn <= (quick ? 1 : N8NS_FOR_PEAK[way]); turn++) {
						note(`${WAYS[way]}, ${turn} of ${N8NS_FOR_PEAK[way]}`);
						rises.push(await riseOf(lab, emulator, way, bytes));
					}
					return median(rises);
				};
				return { ours: await rise('ours'), buffered: await rise('buffered') };
			});
			findings.push({ bytes, memory, fetches: await inRounds(lab, emulator, bytes, rounds) });
		}
		return answer(findings);
	});
}

/**
 * The highest that n8n's memory rises. Each way has an n8n of its own: one that has held a gigabyte does not give all of it
 * back, and would hide what the next one takes.
 *
 * @param {Lab} lab
 * @param {Emulator} emulator
 * @param {Way} way
 * @param {number} bytes
 * @returns {Promise<number>} bytes
 */
async function riseOf(lab, emulator, way, bytes) {
	return await lab.withN8n(async (session, pid) => {
		const { fetchOnce, collectGarbage } = await fetcher(lab, session, pid, emulator);
		// What n8n loads once, with the first of anything, is no cost of a result.
		await fetchOnce(way, WARM_UP_BYTES);
		await fetchOnce(way, WARM_UP_BYTES);
		// In the first big fetches of an n8n, Node's own heap grows.
		for (let n = 0; n < FETCHES_FOR_PEAK; n++) await fetchOnce(way, bytes);
		await collectGarbage();
		const memory = await watchMemory(pid);
		for (let n = 0; n < FETCHES_FOR_PEAK; n++) await fetchOnce(way, bytes);
		return memory.stop() - memory.base;
	});
}

/**
 * @param {Lab} lab
 * @param {Emulator} emulator
 * @param {number} bytes
 * @param {number} rounds
 */
async function inRounds(lab, emulator, bytes, rounds) {
	return await step(`Speed for results of ${size(bytes)}`, async (note) =>
		lab.withN8n(async (session, pid) => {
			const { fetchOnce, collectGarbage } = await fetcher(lab, session, pid, emulator);
			/** @type {Record<Way, Fetch[]>} */
			const fetches = { ours: [], buffered: [], http: [], bare: [] };
			for (const way of ways) await fetchOnce(way, WARM_UP_BYTES);
			for (let round = 1; round <= rounds; round++) {
				note(`round ${round} of ${rounds}`);
				for (const way of ORDERS[round % ORDERS.length] ?? []) {
					await collectGarbage();
					fetches[way].push(await fetchOnce(way, bytes));
				}
				await emulator.reset();
			}
			return fetches;
		}),
	);
}

const walls = (/** @type {Fetch[]} */ fetches) => fetches.map(({ milliseconds }) => milliseconds);
const cpus = (/** @type {Fetch[]} */ fetches) =>
	fetches.map(({ cpuMilliseconds }) => cpuMilliseconds);

/**
 * @param {Finding[]} findings
 * @returns {import('../report/answer.mjs').Answer}
 */
function answer(findings) {
	return {
		id: 'b',
		title: 'What does a big result cost?',
		decision: 'How much memory a worker needs.',
		how: `A real n8n fetches the same finished result in four ways, each as a node: ours; into memory and then stored, as nodes for AI media mostly do; the HTTP Request node with its response as a file; and Node's bare stream into a file. Only ours mends a broken connection, notices a stalled one, replaces an expired link and looks whether a video came. Memory is how far n8n's resident memory rises above what it was, in an n8n that has fetched one before. It is measured of ours and of the second; the other two stream as well.`,
		rows: findings.flatMap(({ bytes, fetches, memory }) => [
			{
				what: `${size(bytes)}: time`,
				against: WAYS.bare,
				ratio: pairedRatio(walls(fetches.ours), walls(fetches.bare)),
				most: 1.1,
			},
			{
				what: `${size(bytes)}: memory`,
				against: 'the size of the result',
				ratio: memory.ours / bytes,
				most: 0.25,
			},
			{
				what: `${size(bytes)}: memory`,
				against: WAYS.buffered,
				ratio: memory.ours / memory.buffered,
				most: 0.25,
			},
			...others.map((way) => ({
				what: `${size(bytes)}: n8n's CPU`,
				against: WAYS[way],
				ratio: pairedRatio(cpus(fetches.ours), cpus(fetches[way])),
			})),
		]),
	};
}

const others = ways.filter((way) => way !== 'ours');
