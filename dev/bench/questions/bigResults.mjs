// @ts-check
import { size, step } from '../../server/progress.mjs';
import { fetcher, WAYS, ways } from '../lab/fetcher.mjs';
import { watchMemory } from '../../server/memory.mjs';
import { bars } from '../report/chart.mjs';
import { digits, median, pairedRatio, times } from '../report/figures.mjs';
import { losses } from '../report/losses.mjs';

/** @typedef {import('../lab/lab.mjs').Lab} Lab */
/** @typedef {import('../lab/lab.mjs').Emulator} Emulator */
/** @typedef {import('../lab/fetcher.mjs').Way} Way */
/** @typedef {import('../lab/fetcher.mjs').Fetch} Fetch */

/**
 * @typedef {object} Finding of one size
 * @property {number} bytes
 * @property {Record<Way, Fetch[]>} fetches in rounds
 * @property {Record<Way, Rise>} memory medians
 */

/**
 * @typedef {object} Rise bytes over base
 * @property {number} first in the first fetches of an n8n, when Node's own heap grows
 * @property {number} again in further ones
 */

const MB = 1e6;
const WARM_UP_BYTES = 5 * MB;
/** A fetch may meet garbage of the one before it, so one is not enough to see the peak. */
const FETCHES_FOR_PEAK = 2;
/**
 * When garbage is collected is chance: the same way rises by 40 MB in one n8n, and by 100 in the next. Of what holds the whole
 * file, no chance hides that.
 *
 * @type {Record<Way, number>}
 */
const N8NS_FOR_PEAK = { ours: 9, buffered: 3, http: 9, bare: 9 };
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
				{ bytes: 200 * MB, rounds: 16 },
				{ bytes: 1000 * MB, rounds: 8 },
			];
	return await lab.withEmulator({}, async (emulator) => {
		/** @type {Finding[]} */
		const findings = [];
		for (const { bytes, rounds } of sizes) {
			const memory = await step(`Memory for results of ${size(bytes)}`, async (note) => {
				/** @type {Record<Way, Rise[]>} */
				const rises = { ours: [], buffered: [], http: [], bare: [] };
				const n8ns = quick ? 1 : Math.max(...Object.values(N8NS_FOR_PEAK));
				for (let turn = 1; turn <= n8ns; turn++) {
					for (const way of ways.filter((each) => turn <= N8NS_FOR_PEAK[each])) {
						note(`${WAYS[way]}, ${turn} of ${n8ns}`);
						rises[way].push(await riseOf(lab, emulator, way, bytes));
					}
				}
				/** @param {Way} way @returns {Rise} */
				const medians = (way) => ({
					first: median(rises[way].map(({ first }) => first)),
					again: median(rises[way].map(({ again }) => again)),
				});
				return {
					ours: medians('ours'),
					buffered: medians('buffered'),
					http: medians('http'),
					bare: medians('bare'),
				};
			});
			findings.push({ bytes, memory, fetches: await inRounds(lab, emulator, bytes, rounds) });
		}
		return answer(findings, sizes);
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
 * @returns {Promise<Rise>}
 */
async function riseOf(lab, emulator, way, bytes) {
	return await lab.withN8n(async (session, pid) => {
		const { fetchOnce, collectGarbage } = await fetcher(lab, session, pid, emulator);
		// What n8n loads once, with the first of anything, is no cost of a result.
		await fetchOnce(way, WARM_UP_BYTES);
		await fetchOnce(way, WARM_UP_BYTES);
		const rise = async () => {
			await collectGarbage();
			const memory = await watchMemory(pid);
			for (let n = 0; n < FETCHES_FOR_PEAK; n++) await fetchOnce(way, bytes);
			return memory.stop() - memory.base;
		};
		return { first: await rise(), again: await rise() };
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
 * @param {{ bytes: number, rounds: number }[]} sizes
 * @returns {import('../report/answer.mjs').Answer}
 */
function answer(findings, sizes) {
	const speed = (/** @type {number} */ bytes, /** @type {Fetch[]} */ fetches) =>
		bytes / MB / (median(walls(fetches)) / 1000);
	const cpuPerGB = (/** @type {number} */ bytes, /** @type {Fetch[]} */ fetches) =>
		(median(cpus(fetches)) / 1000 / bytes) * 1e9;
	const rows = findings.flatMap(({ bytes, fetches, memory }) =>
		ways.map((way) => [
			`${size(bytes)}: ${WAYS[way]}`,
			`${digits(speed(bytes, fetches[way]))} MB/s`,
			// Of speeds: the shorter time is the greater number.
			times(pairedRatio(walls(fetches.bare), walls(fetches[way]))),
			`${digits(cpuPerGB(bytes, fetches[way]))} s`,
			`${digits(memory[way].first / MB)} MB`,
			way === 'ours' ? '' : times(memory.ours.first / memory[way].first),
			`${digits(memory[way].again / MB)} MB`,
			way === 'ours' ? '' : times(memory.ours.again / memory[way].again),
		]),
	);
	/** @param {keyof Rise} when @param {Way} [way] */
	const growth = (when, way = 'ours') => {
		const [smallest, largest] = [findings[0], findings.at(-1)].map(
			(finding) => /** @type {Finding} */ (finding).memory[way][when] / MB,
		);
		return /** @type {number} */ (largest) - /** @type {number} */ (smallest);
	};

	return {
		id: 'b',
		title: 'What does a big result cost?',
		how: [
			"A real n8n fetches the same finished result in four ways, each as a node: ours; the way that nodes for AI media mostly go (`encoding: 'arraybuffer'`, then `prepareBinaryData` with the buffer); n8n's HTTP Request node with its response as a file; and Node's own `stream.pipeline` from HTTP into a file, with nothing of n8n in between. Only ours mends a broken connection, notices a stalled one, replaces an expired link and looks whether a video came.",
			`Speed: by n8n's own measure of the node's time, the median of ${sizes.map(({ bytes, rounds }) => `${rounds} rounds of ${size(bytes)}`).join(' and ')}, all four ways in each round of the same n8n, in orders where each way comes after each other one; ratios are taken round by round. CPU: what the n8n process used, per gigabyte. Memory: the highest that n8n's resident memory rose in ${FETCHES_FOR_PEAK} fetches above what it was before them, first in an n8n that has fetched nothing large yet, then again in the same one; medians of ${N8NS_FOR_PEAK.ours} n8n's for each way, ${N8NS_FOR_PEAK.buffered} for the buffered one.`,
			"The first large results make Node's heap grow, once and for good, by 40 to 100 MB from one n8n to the next, whichever way streams them: also the bare stream. That is no matter of their size, and further results use the same memory again.",
			"Most of the CPU time is n8n's own: each piece of a file makes its garbage collector walk through n8n's large heap, whichever way the file is fetched, so the same bare stream is faster in a process that is not n8n.",
		],
		tables: [
			{
				columns: [
					'result and way',
					'speed',
					'of the bare speed',
					'CPU per GB',
					'memory over base, first',
					'ours is',
					'again',
					'ours is',
				],
				rows,
			},
		],
		targets: [
			...findings.map(({ bytes, fetches }) => {
				const ratio = pairedRatio(walls(fetches.bare), walls(fetches.ours));
				return {
					text: `${size(bytes)}: at least 0.9 of the bare speed`,
					measured: times(ratio),
					met: ratio >= 0.9,
				};
			}),
			...findings.flatMap(({ bytes, memory }) =>
				/** @type {const} */ (['first', 'again']).map((when) => ({
					text: `${size(bytes)}: at most 64 MB over base, ${when}`,
					measured: `${digits(memory.ours[when] / MB)} MB`,
					met: memory.ours[when] <= 64 * MB,
				})),
			),
			.../** @type {const} */ (['first', 'again']).map((when) => ({
				text: `Flat: at most 16 MB more for the larger result, ${when}`,
				measured: `${digits(growth(when))} MB more`,
				met: growth(when) <= 16,
			})),
		],
		pictures: [
			{
				name: 'bench-memory',
				alt: `Memory over base for big results: from the smaller to the larger, ours rises by ${digits(growth('again'))} MB, and the buffered way by ${digits(growth('again', 'buffered'))} MB`,
				svg: bars({
					title: 'Memory over base to fetch a result, in an n8n that has fetched one before',
					groups: findings.map(({ bytes, memory }) => ({
						label: size(bytes),
						bars: ways.map((way, colour) => ({
							name: WAYS[way],
							value: memory[way].again / MB,
							shown: `${digits(memory[way].again / MB)} MB`,
							colour,
						})),
					})),
				}),
			},
		],
		losses: findings.flatMap(({ bytes, fetches, memory }) =>
			ways.flatMap((way) =>
				losses(`${size(bytes)}, ${WAYS[way]}`, [
					{
						what: 'speed',
						ours: speed(bytes, fetches.ours),
						theirs: speed(bytes, fetches[way]),
						shown: (value) => `${digits(value)} MB/s`,
						isMoreBetter: true,
					},
					{
						what: 'CPU per GB',
						ours: cpuPerGB(bytes, fetches.ours),
						theirs: cpuPerGB(bytes, fetches[way]),
						shown: (value) => `${digits(value)} s`,
					},
					.../** @type {const} */ (['first', 'again']).map((when) => ({
						what: `memory over base, ${when}`,
						ours: memory.ours[when] / MB,
						theirs: memory[way][when] / MB,
						shown: (/** @type {number} */ value) => `${digits(value)} MB`,
					})),
				]),
			),
		),
	};
}
