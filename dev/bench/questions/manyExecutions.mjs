// @ts-check
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { step } from '../../server/progress.mjs';
import { publish } from '../lab/executions.mjs';
import { saveCredentials } from '../lab/lab.mjs';
import { postAll } from '../lab/load.mjs';
import { watchMemory } from '../../server/memory.mjs';
import { generate, noOp, WHEN_DONE } from '../lab/nodes.mjs';
import { webhook, workflow } from '../../workflow.mjs';
import { median } from '../report/figures.mjs';

/** @typedef {import('../lab/lab.mjs').Emulator} Emulator */
/** @typedef {import('../../server/session.mjs').Session} Session */

/**
 * @typedef {'sleep' | 'run'} While the option While Waiting
 *
 * @typedef {object} Run
 * @property {number} seconds until all were done, or until it was cut off
 * @property {number} done
 * @property {number} underWay the most tasks at once at the provider
 * @property {number} looks status requests
 * @property {number} risen worker's memory at most, over what it was, in bytes
 * @property {number[]} others seconds that other executions took meanwhile; of the last one, at least so many
 * @property {number} failures other executions that came to no good end
 */

const POSTS_AT_ONCE = 20;
const LOOK_MS = 1000;
const OTHER_EVERY_MS = 2000;
const GIVE_UP_MS = 600_000;
/** Nothing new for so long, beyond the tasks' own time and a sleep: what is missing will not come. */
const STALLED_MS = 150_000;

/** n8n's own: how many executions a worker runs at a time. */
const WORKER_CONCURRENCY = 10;

/** @param {import('../lab/lab.mjs').Lab} lab @param {{ quick: boolean }} options */
export async function manyExecutions(lab, { quick }) {
	const count = quick ? 30 : 500;
	const seconds = quick ? 6 : 60;
	return await lab.withEmulator({}, async (emulator) =>
		lab.withQueue(async ({ session, worker, query }) => {
			const workflows = await publishAll(session, emulator);
			const bench = { emulator, workflows, query, workerPid: worker.pid, count, seconds };
			return await step(`${count} executions of ${seconds} s`, async (note) => {
				const asleep = await run(bench, 'sleep', { note });
				// To the end it would take the better part of an hour.
				const awake = await run(bench, 'run', { note, cutOffMs: asleep.seconds * 1000 });
				return answer({ asleep, awake, count, seconds });
			});
		}),
	);
}

/** @param {Session} session @param {Emulator} emulator */
async function publishAll(session, emulator) {
	const credentials = await saveCredentials(session, emulator.apiUrl);
	/** @param {string} name @param {import('../../server/session.mjs').WorkflowNode} node @param {Record<string, unknown>} [reply] */
	const live = async (name, node, reply) => {
		const path = randomUUID();
		return await publish(session, workflow(name, [webhook('Webhook', path, reply), node]), path);
	};
	const making = (/** @type {While} */ whileWaiting) =>
		generate(credentials, { downloadVideo: false, options: { whileWaiting } });
	return {
		sleep: await live('Asleep', making('sleep')),
		run: await live('Awake', making('run')),
		other: await live('Another workflow', noOp(), WHEN_DONE),
	};
}

/**
 * @param {object} bench
 * @param {Emulator} bench.emulator
 * @param {Awaited<ReturnType<typeof publishAll>>} bench.workflows
 * @param {(sql: string, values?: unknown[]) => Promise<any[]>} bench.query
 * @param {number} bench.workerPid
 * @param {number} bench.count
 * @param {number} bench.seconds of each task
 * @param {While} way
 * @param {{ cutOffMs?: number, note: (text: string) => void }} options
 * @returns {Promise<Run>}
 */
async function run(
	{ emulator, workflows, query, workerPid, count, seconds },
	way,
	{ cutOffMs = GIVE_UP_MS, note },
) {
	const { id, url } = workflows[way];
	await emulator.reset({ referenceChecks: false, taskSeconds: seconds });
	const [{ n: before }] = await query(DONE, [id]);
	const memory = await watchMemory(workerPid);
	const began = Date.now();
	let isOver = false;
	const others = otherWork(workflows.other.url, () => isOver);
	const posts = Array.from({ length: count }, () => ({ body: '{}' }));
	await postAll(url, posts, POSTS_AT_ONCE);
	let done = 0;
	let changedAt = Date.now();
	const isStalled = () => Date.now() - changedAt > seconds * 1000 + STALLED_MS;
	while (done < count && Date.now() - began < cutOffMs && !isStalled()) {
		await sleep(LOOK_MS);
		const [{ n }] = await query(DONE, [id]);
		if (n - before !== done) changedAt = Date.now();
		done = n - before;
		note(`${way}: ${done} of ${count} done`);
	}
	isOver = true;
	const { tasks, requests } = await emulator.state();
	return {
		seconds: (Date.now() - began) / 1000,
		done,
		underWay: mostAtOnce(tasks),
		looks: requests.filter((/** @type {any} */ { action }) => action === 'status').length,
		risen: memory.stop() - memory.base,
		...(await others),
	};
}

const DONE = `SELECT count(*)::int AS n FROM execution_entity WHERE "workflowId" = $1 AND status = 'success'`;

/**
 * Somebody else's small workflow on the same worker, every two seconds; the next one only after the last has been answered.
 *
 * @param {string} url
 * @param {() => boolean} isOver
 * @returns {Promise<Pick<Run, 'others' | 'failures'>>}
 */
async function otherWork(url, isOver) {
	/** @type {number[]} */
	const others = [];
	let failures = 0;
	const stop = new AbortController();
	while (!isOver()) {
		await sleep(OTHER_EVERY_MS);
		const began = Date.now();
		const watch = setInterval(() => isOver() && stop.abort(), 200);
		const isServed = await fetch(url, { method: 'POST', signal: stop.signal })
			.then(async (response) => {
				await response.arrayBuffer();
				return response.ok;
			})
			// The last one is not waited for.
			.catch(() => stop.signal.aborted);
		clearInterval(watch);
		// A quick refusal is no quick service.
		if (isServed) others.push((Date.now() - began) / 1000);
		else failures++;
	}
	return { others, failures };
}

/** @param {{ createdAt: number, completedAt: number | null }[]} tasks */
const mostAtOnce = (tasks) =>
	Math.max(
		...tasks.map(
			({ createdAt: now }) =>
				tasks.filter(
					({ createdAt, completedAt }) => createdAt <= now && (completedAt ?? Infinity) > now,
				).length,
		),
	);

/**
 * @param {{ asleep: Run, awake: Run, count: number, seconds: number }} found
 * @returns {import('../report/answer.mjs').Answer}
 */
function answer({ asleep, awake, count, seconds }) {
	const against = 'While Waiting: Run';
	/** @param {string} what @param {(run: Run) => number} figure */
	const row = (what, figure) => ({ what, against, ratio: figure(asleep) / figure(awake) });
	return {
		id: 'e',
		title: `Do ${count} executions that wait keep a worker from other work?`,
		decision: 'How many workers to run, and whether While Waiting may be Run.',
		how: `Queue mode on PostgreSQL and Redis, one main process and one worker of n8n's own concurrency (${WORKER_CONCURRENCY}). ${count} calls of a webhook start ${count} executions of one task of ${seconds} s each; another small workflow is called every ${OTHER_EVERY_MS / 1000} s meanwhile. No videos are downloaded. Awake was cut off after the time that asleep took for all.`,
		rows: [
			{
				what: 'executions that were not done in that time',
				against: 'all of them',
				ratio: (count - asleep.done) / count,
				most: 0,
			},
			{
				what: 'tasks that could not be under way at once',
				against: 'all of them',
				ratio: (count - asleep.underWay) / count,
				most: 0.1,
			},
			{
				what: 'other executions that failed',
				against: 'all of them',
				ratio: asleep.failures / Math.max(1, asleep.others.length + asleep.failures),
				most: 0,
			},
			row('time for each execution', (run) => run.seconds / Math.max(1, run.done)),
			row('time of other work, median', ({ others }) => median(others)),
			row('time of other work, longest', ({ others }) => Math.max(...others)),
			row("worker's memory, risen", ({ risen }) => risen),
			row('status requests for each execution', (run) => run.looks / Math.max(1, run.done)),
		],
	};
}
