// @ts-check
import { Problem } from '../../server/problem.mjs';
import { step } from '../../server/progress.mjs';
import { runToEnd } from '../lab/executions.mjs';
import { saveCredentials } from '../lab/lab.mjs';
import { pollingLoop } from '../lab/pollingLoop.mjs';
import { generate, items, REFERENCE, start } from '../lab/nodes.mjs';
import { workflow } from '../../workflow.mjs';
import { lines } from '../report/chart.mjs';
import { digits, median, pairedRatio, seeded, times } from '../report/figures.mjs';
import { losses } from '../report/losses.mjs';

/** @typedef {import('../lab/lab.mjs').Emulator} Emulator */
/** @typedef {import('../../server/session.mjs').Session} Session */

/** @typedef {{ seconds: number, looks: number, atOnce: number, done: number[] }} Run `done`: seconds until each video was there */

const AT_ONCE = 3;
const WAIT_SECONDS = 5;
/** A quick run has tasks of a fifth of the time. */
const QUICK = 5;
const WITHIN_MS = 2_400_000;

/** @param {import('../lab/lab.mjs').Lab} lab @param {{ quick: boolean }} options */
export async function batch(lab, { quick }) {
	const count = quick ? 6 : 30;
	const pairs = quick ? 1 : 3;
	const taskSeconds = durations(count, quick ? QUICK : 1);
	const settings = { taskSeconds, maxConcurrent: { magnific: AT_ONCE } };

	const runs = await lab.withEmulators(2 * pairs, settings, async (emulators) =>
		lab.withN8n(async (session) =>
			step(`${count} tasks, ${AT_ONCE} at a time`, async () => {
				// They mostly wait, so all pairs run side by side, each way with a provider of its own.
				const ways = [oursOn, loopOn];
				const all = await Promise.all(
					emulators.map(async (emulator, n) => {
						const way = /** @type {typeof oursOn} */ (ways[n % 2]);
						return await way(session, emulator, count);
					}),
				);
				return {
					ours: all.filter((_, n) => n % 2 === 0),
					loop: all.filter((_, n) => n % 2 === 1),
				};
			}),
		),
	);
	return answer(runs, taskSeconds);
}

/**
 * 30 to 120 s, as real tasks take; always the same ones.
 *
 * @param {number} count
 * @param {number} scale so many times shorter
 * @returns {number[]} in seconds
 */
function durations(count, scale) {
	const random = seeded(7);
	return Array.from({ length: count }, () => Math.round((10 * 30 * 4 ** random()) / scale) / 10);
}

/**
 * What no one can beat: the next task begins the moment one ends.
 *
 * @param {number[]} taskSeconds
 * @returns {number[]} when each is done, the first one first
 */
function ideally(taskSeconds) {
	const free = new Array(AT_ONCE).fill(0);
	return taskSeconds
		.map((seconds) => {
			const first = free.indexOf(Math.min(...free));
			free[first] += seconds;
			return free[first];
		})
		.sort((a, b) => a - b);
}

/** @param {Session} session @param {Emulator} emulator @param {number} count */
async function oursOn(session, emulator, count) {
	const credentials = await saveCredentials(session, emulator.apiUrl, emulator.apiUrl);
	const node = generate(credentials, { options: { maxConcurrentTasks: AT_ONCE } });
	return await measure(session, emulator, count, workflow('Ours', [start(), items(count), node]));
}

/** @param {Session} session @param {Emulator} emulator @param {number} count */
async function loopOn(session, emulator, count) {
	const { apiUrl } = emulator;
	const credentials = await saveCredentials(session, apiUrl, apiUrl);
	const loop = { apiUrl, credentials, count, atOnce: AT_ONCE, waitSeconds: WAIT_SECONDS };
	return await measure(session, emulator, count, pollingLoop({ ...loop, videoUrl: REFERENCE }));
}

/**
 * @param {Session} session
 * @param {Emulator} emulator
 * @param {number} count
 * @param {import('../../server/session.mjs').Workflow} workflow
 * @returns {Promise<Run>}
 */
async function measure(session, emulator, count, workflow) {
	const { id } = await session.saveWorkflow(workflow);
	const { milliseconds, execution } = await runToEnd(session, id, { timeoutMs: WITHIN_MS });
	const { requests, billed, tasks } = await emulator.state();
	const of = (/** @type {string} */ action) =>
		requests.filter((/** @type {any} */ request) => request.action === action);
	if (billed.total !== count || of('download').length !== count) {
		throw new Problem(
			`${count} videos were wanted; ${billed.total} were made and ${of('download').length} fetched.`,
		);
	}
	const began = Date.parse(execution.startedAt);
	return {
		seconds: milliseconds / 1000,
		looks: of('status').length,
		atOnce: most(tasks),
		done: of('download').map((/** @type {any} */ { at }) => (at - began) / 1000),
	};
}

/** How many tasks were under way at once. @param {{ createdAt: number, completedAt: number | null }[]} tasks */
const most = (tasks) =>
	Math.max(
		...tasks.map(
			({ createdAt: now }) =>
				tasks.filter(
					({ createdAt, completedAt }) => createdAt <= now && (completedAt ?? Infinity) > now,
				).length,
		),
	);

/**
 * @param {{ ours: Run[], loop: Run[] }} runs
 * @param {number[]} taskSeconds
 * @returns {import('../report/answer.mjs').Answer}
 */
function answer({ ours, loop }, taskSeconds) {
	const idealDone = ideally(taskSeconds);
	const best = /** @type {number} */ (idealDone.at(-1));
	const seconds = (/** @type {Run[]} */ runs) => runs.map((run) => run.seconds);
	const looks = (/** @type {Run[]} */ runs) => runs.map((run) => run.looks);
	const [oursMedian, loopMedian] = [median(seconds(ours)), median(seconds(loop))];
	const ratio = pairedRatio(seconds(ours), seconds(loop));
	const row = (/** @type {string} */ name, /** @type {Run[]} */ runs) => [
		name,
		`${digits(median(seconds(runs)))} s`,
		times(median(seconds(runs)) / best),
		digits(median(looks(runs)) / taskSeconds.length),
		String(Math.max(...runs.map(({ atOnce }) => atOnce))),
	];
	const count = taskSeconds.length;
	const points = (/** @type {number[]} */ done) =>
		/** @type {[number, number][]} */ ([
			[0, 0],
			...[...done].sort((a, b) => a - b).map((at, n) => [at, n + 1]),
		]);
	const looksRatio = pairedRatio(looks(ours), looks(loop));
	return {
		id: 'c',
		title: `How long does a batch of ${count} take, ${AT_ONCE} at a time?`,
		how: [
			`${count} tasks in one execution of a real n8n, where the provider allows ${AT_ONCE} at once. The alternative is HTTP Request + Wait + If in a Loop Over Items of ${AT_ONCE}, which asks every ${WAIT_SECONDS} s until its batch is done. Both download every video. The ideal begins the next task at the moment one ends. Medians of ${ours.length} pairs, run side by side, each way with an emulated provider of its own and the same durations.`,
			`The tasks take ${digits(Math.min(...taskSeconds))} to ${digits(Math.max(...taskSeconds))} s, as real ones do; no wait is shortened.`,
		],
		tables: [
			{
				columns: ['way', 'time', 'of the ideal', 'status requests per task', 'most tasks at once'],
				rows: [
					['ideal', `${digits(best)} s`, '1.00x', '', String(AT_ONCE)],
					row('Kling V2V Generate', ours),
					row('HTTP Request + Wait + If', loop),
					['ours is', times(ratio), times(oursMedian / loopMedian), times(looksRatio), ''],
				],
			},
		],
		targets: [
			{
				text: 'At most 1.1 times the ideal',
				measured: times(oursMedian / best),
				met: oursMedian <= 1.1 * best,
			},
			{
				text: 'Faster than the loop',
				measured: `${times(ratio)} of its time`,
				met: ratio < 1,
			},
		],
		pictures: [
			{
				name: 'bench-batch',
				alt: 'Videos done over time: ideal, ours, and the polling loop',
				svg: lines({
					title: `${count} videos, ${AT_ONCE} at a time`,
					x: { label: 'seconds' },
					y: { label: 'videos done' },
					series: [
						{
							name: 'Kling V2V Generate',
							colour: 0,
							points: points(/** @type {Run} */ (ours[0]).done),
						},
						{
							name: 'HTTP Request + Wait + If',
							colour: 1,
							points: points(/** @type {Run} */ (loop[0]).done),
						},
						{ name: 'ideal', colour: 2, dashed: true, points: points(idealDone) },
					],
				}),
			},
		],
		losses: losses('The loop', [
			{ what: 'time', ours: oursMedian, theirs: loopMedian, shown: (s) => `${digits(s)} s` },
			{
				what: 'status requests per task',
				ours: median(looks(ours)) / count,
				theirs: median(looks(loop)) / count,
				shown: digits,
			},
		]),
	};
}
