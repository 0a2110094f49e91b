// @ts-check
import { Problem } from '../../server/problem.mjs';
import { step } from '../../server/progress.mjs';
import { runToEnd } from '../lab/executions.mjs';
import { saveCredentials } from '../lab/lab.mjs';
import { pollingLoop } from '../lab/pollingLoop.mjs';
import { generate, items, REFERENCE, start } from '../lab/nodes.mjs';
import { workflow } from '../../workflow.mjs';
import { digits, median, pairedRatio, seeded } from '../report/figures.mjs';

/** @typedef {import('../lab/lab.mjs').Emulator} Emulator */
/** @typedef {import('../../server/session.mjs').Session} Session */

/** @typedef {{ seconds: number, looks: number }} Run */

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
 * @returns {number} when the last one is done
 */
function ideally(taskSeconds) {
	const free = new Array(AT_ONCE).fill(0);
	for (const seconds of taskSeconds) free[free.indexOf(Math.min(...free))] += seconds;
	return Math.max(...free);
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
	const { milliseconds } = await runToEnd(session, id, { timeoutMs: WITHIN_MS });
	const { requests, billed } = await emulator.state();
	const of = (/** @type {string} */ action) =>
		requests.filter((/** @type {any} */ request) => request.action === action);
	if (billed.total !== count || of('download').length !== count) {
		throw new Problem(
			`${count} videos were wanted; ${billed.total} were made and ${of('download').length} fetched.`,
		);
	}
	return { seconds: milliseconds / 1000, looks: of('status').length };
}

/**
 * @param {{ ours: Run[], loop: Run[] }} runs
 * @param {number[]} taskSeconds
 * @returns {import('../report/answer.mjs').Answer}
 */
function answer({ ours, loop }, taskSeconds) {
	const seconds = (/** @type {Run[]} */ runs) => runs.map((run) => run.seconds);
	const looks = (/** @type {Run[]} */ runs) => runs.map((run) => run.looks);
	const best = ideally(taskSeconds);
	const against = 'HTTP Request + Wait + If, in batches';
	return {
		id: 'c',
		title: `How long does a batch of ${taskSeconds.length} take, ${AT_ONCE} at a time?`,
		decision: 'Use the node, or build a loop of your own.',
		how: `${taskSeconds.length} tasks of ${digits(Math.min(...taskSeconds))} to ${digits(Math.max(...taskSeconds))} s in one execution of a real n8n, where the provider allows ${AT_ONCE} at once; begun by the button, so it is awake for five minutes and sleeps from then on. The loop asks every ${WAIT_SECONDS} s until its batch of ${AT_ONCE} is done. Both download every video. The ideal begins the next task at the moment one ends. Medians of ${ours.length} pairs, run side by side.`,
		rows: [
			{ what: 'time', against, ratio: pairedRatio(seconds(ours), seconds(loop)), most: 1 },
			{ what: 'time', against: 'the ideal', ratio: median(seconds(ours)) / best },
			{ what: 'status requests', against, ratio: pairedRatio(looks(ours), looks(loop)), most: 1 },
		],
	};
}
