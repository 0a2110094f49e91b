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
import { lines } from '../report/chart.mjs';
import { digits, median, times } from '../report/figures.mjs';
import { losses } from '../report/losses.mjs';

/** @typedef {import('../lab/lab.mjs').Emulator} Emulator */
/** @typedef {import('../../server/session.mjs').Session} Session */

/**
 * @typedef {'callback' | 'poll'} Completion
 *
 * @typedef {object} Run
 * @property {number} seconds until all were done, or until it was cut off
 * @property {number} done
 * @property {number} wanted
 * @property {number} underWay the most tasks at once at the provider
 * @property {number} looks status requests
 * @property {number} base worker's memory before, in bytes
 * @property {number} peak worker's memory at most
 * @property {number[]} others seconds that other executions took meanwhile; of the last one, at least so many
 * @property {number} failures other executions that came to no good end
 * @property {[number, number][]} timeline seconds, executions done
 * @property {[number, number][]} open seconds, tasks under way
 */

/** @typedef {Record<Completion, Run[]>} Runs in rounds */

/** @type {Completion[]} */
const WAYS = ['callback', 'poll'];

const POSTS_AT_ONCE = 20;
const LOOK_MS = 1000;
const OTHER_EVERY_MS = 2000;
const GIVE_UP_MS = 400_000;
/** Nothing new for so long, beyond the tasks' own time: what is missing will not come. */
const STALLED_MS = 45_000;

/** n8n's own: how many executions a worker runs at a time. */
const WORKER_CONCURRENCY = 10;

/** Over before our schedule looks for the first time: the best case for waiting in the node. */
const SHORT_SECONDS = 2.4;
/** So many can be waited for to the end, in either way. */
const SHORT_COUNT = 100;
const SHORT_ROUNDS = 3;
/** As long as a real one. */
const REAL_SECONDS = 60;

const MB = 1e6;
const inMB = (/** @type {number} */ value) => `${digits(value)} MB`;
const inSeconds = (/** @type {number} */ value) => `${digits(value)} s`;

/** @param {import('../lab/lab.mjs').Lab} lab @param {{ quick: boolean }} options */
export async function manyExecutions(lab, { quick }) {
	const count = quick ? 30 : 500;
	const fewer = quick ? 30 : SHORT_COUNT;
	const real = quick ? 6 : REAL_SECONDS;
	return await lab.withEmulator({}, async (emulator) =>
		lab.withQueue(async ({ session, worker, query }) => {
			const workflows = await publishAll(session, emulator);
			const bench = { emulator, workflows, query, workerPid: worker.pid, count };

			const few = { ...bench, count: fewer };
			const short = await step(`${fewer} executions of short tasks`, async (note) => {
				/** @type {Runs} */
				const runs = { callback: [], poll: [] };
				for (let round = 0; round < (quick ? 1 : SHORT_ROUNDS); round++) {
					// What the worker has not done before costs it memory and time: each way is first in its turn.
					for (const way of round % 2 ? [...WAYS].reverse() : WAYS) {
						runs[way].push(await run(few, way, { seconds: SHORT_SECONDS, note }));
					}
				}
				return runs;
			});
			const long = await step(`${count} executions of ${real} s`, async (note) => ({
				callback: [await run(bench, 'callback', { seconds: real, note })],
				// To the end it would take the better part of an hour.
				poll: [await run(bench, 'poll', { seconds: real, note, cutOffMs: (real + 15) * 1000 })],
			}));
			return answer({ short, long, fewer, count, real });
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
	const making = (/** @type {Completion} */ completion) =>
		generate(credentials, { completion, downloadVideo: false });
	return {
		callback: await live('Paused by callback', making('callback')),
		poll: await live('Waiting in the node', making('poll')),
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
 * @param {Completion} completion
 * @param {{ seconds: number, cutOffMs?: number, note: (text: string) => void }} options
 * @returns {Promise<Run>}
 */
async function run(
	{ emulator, workflows, query, workerPid, count },
	completion,
	{ seconds, cutOffMs = GIVE_UP_MS, note },
) {
	const { id, url } = workflows[completion];
	await emulator.reset({ referenceChecks: false, taskSeconds: seconds });
	const [{ n: before }] = await query(DONE, [id]);
	const memory = await watchMemory(workerPid);
	const began = Date.now();
	const since = () => (Date.now() - began) / 1000;

	/** @type {[number, number][]} */
	const timeline = [[0, 0]];
	let isOver = false;
	const others = otherWork(workflows.other.url, () => isOver);
	await postAll(
		url,
		Array.from({ length: count }, () => ({ body: '{}' })),
		POSTS_AT_ONCE,
	);
	let done = 0;
	let changedAt = Date.now();
	const isStalled = () => Date.now() - changedAt > seconds * 1000 + STALLED_MS;
	while (done < count && Date.now() - began < cutOffMs && !isStalled()) {
		await sleep(LOOK_MS);
		const [{ n }] = await query(DONE, [id]);
		if (n - before !== done) changedAt = Date.now();
		done = n - before;
		timeline.push([since(), done]);
		note(`${completion}: ${done} of ${count} done`);
	}
	isOver = true;
	const [total] = /** @type {[number, number]} */ (timeline.at(-1));
	const { tasks, requests } = await emulator.state();
	const open = openTasks(tasks, began, total);
	return {
		seconds: total,
		done,
		wanted: count,
		underWay: Math.max(...open.map(([, n]) => n)),
		looks: requests.filter((/** @type {any} */ { action }) => action === 'status').length,
		base: memory.base,
		peak: memory.stop(),
		...(await others),
		timeline,
		open,
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

/**
 * @param {{ createdAt: number, completedAt: number | null }[]} tasks
 * @param {number} began
 * @param {number} until seconds
 * @returns {[number, number][]}
 */
function openTasks(tasks, began, until) {
	const step = Math.max(0.25, until / 200);
	return Array.from({ length: Math.ceil(until / step) + 1 }, (_, n) => {
		const at = began + n * step * 1000;
		const open = tasks.filter(
			({ createdAt, completedAt }) => createdAt <= at && (completedAt ?? Infinity) > at,
		);
		return [n * step, open.length];
	});
}

/**
 * @param {{ short: Runs, long: Runs, fewer: number, count: number, real: number }} found
 * @returns {import('../report/answer.mjs').Answer}
 */
function answer({ short, long, fewer, count, real }) {
	/** At best: all slots of the worker full all the time. */
	const pollNeeds = (count / WORKER_CONCURRENCY) * real;
	/** @param {Run[]} runs */
	const figures = (runs) => {
		const middle = (/** @type {(run: Run) => number} */ figure) => median(runs.map(figure));
		const others = runs.flatMap((run) => run.others);
		return {
			underWay: middle((run) => run.underWay),
			done: middle((run) => run.done),
			isWhole: runs.every((run) => run.done === run.wanted),
			seconds: middle((run) => run.seconds),
			overBase: middle((run) => (run.peak - run.base) / MB),
			peak: middle((run) => run.peak / MB),
			other: median(others),
			longest: Math.max(...others),
			failures: runs.reduce((sum, run) => sum + run.failures, 0),
			looks: middle((run) => run.looks / Math.max(run.done, 1)),
		};
	};
	/** @param {Runs} runs */
	const rows = (runs) => {
		const [callback, poll] = [figures(runs.callback), figures(runs.poll)];
		const row = (/** @type {string} */ name, /** @type {typeof poll} */ way) => [
			name,
			String(way.underWay),
			way.isWhole ? inSeconds(way.seconds) : `${way.done} done after ${inSeconds(way.seconds)}`,
			`${inMB(way.overBase)}, ${inMB(way.peak)}`,
			`${inSeconds(way.other)}, ${inSeconds(way.longest)}${way.failures ? `, ${way.failures} failed` : ''}`,
			digits(way.looks),
		];
		return [
			row('Pause Until Callback', callback),
			row('Wait Until Done', poll),
			[
				'paused is',
				times(callback.underWay / poll.underWay),
				poll.isWhole ? times(callback.seconds / poll.seconds) : '',
				`${times(callback.overBase / poll.overBase)}, ${times(callback.peak / poll.peak)}`,
				`${times(callback.other / poll.other)}, ${times(callback.longest / poll.longest)}`,
				times(callback.looks / poll.looks),
			],
		];
	};
	/** @param {string} where @param {Runs} runs */
	const lossesTo = (where, runs) => {
		const [callback, poll] = [figures(runs.callback), figures(runs.poll)];
		/** @param {string} what @param {keyof typeof poll} key @param {(value: number) => string} shown */
		const compare = (what, key, shown) => ({
			what,
			ours: Number(callback[key]),
			theirs: Number(poll[key]),
			shown,
		});
		return losses(`${where}, waiting in the node instead of pausing`, [
			...(poll.isWhole ? [compare('time', 'seconds', inSeconds)] : []),
			compare("worker's memory over base", 'overBase', inMB),
			compare("worker's memory at most", 'peak', inMB),
			compare('other work, median', 'other', inSeconds),
			compare('other work, longest', 'longest', inSeconds),
			compare('status requests per task', 'looks', digits),
		]);
	};
	const columns = [
		'way',
		'most at once',
		'all done',
		"worker's memory: over base, at most",
		'other work: median, longest',
		'status requests per task',
	];
	const [paused] = /** @type {[Run]} */ (long.callback);
	const [waiting] = /** @type {[Run]} */ (long.poll);
	const lost = count - paused.done;
	const failures = [...short.callback, ...long.callback].reduce(
		(sum, run) => sum + run.failures,
		0,
	);
	return {
		id: 'f',
		title: `What do ${count} executions at once do to a worker?`,
		how: [
			`Queue mode on PostgreSQL and Redis, one main process and one worker of n8n's own concurrency (${WORKER_CONCURRENCY} executions at a time); 10 database connections for each. ${count} calls of a webhook start ${count} executions of one task each. Meanwhile another small workflow is called every ${OTHER_EVERY_MS / 1000} s: how long it takes says whether the worker is free for other work. No videos are downloaded.`,
			`Tasks of ${SHORT_SECONDS} s, ${fewer} of them, are the best case for waiting in the node: they are over when it first looks. Medians of ${short.poll.length} rounds, and the longest of all. Tasks of ${real} s are as long as real ones. Each way was run once there: ${count} executions are a sample in themselves. Waiting in the node was cut off after ${inSeconds(waiting.seconds)}. To the end it would take at least ${count} / ${WORKER_CONCURRENCY} × ${real} s = ${digits(pollNeeds / 60)} minutes, by calculation.`,
		],
		tables: [
			{
				caption: `${fewer} executions, tasks of ${SHORT_SECONDS} s`,
				columns,
				rows: rows(short),
			},
			{ caption: `${count} executions, tasks of ${real} s`, columns, rows: rows(long) },
		],
		targets: [
			{
				text: `Paused, all ${count} are under way at once (tasks of ${real} s)`,
				measured: `${paused.underWay}`,
				met: paused.underWay === count,
			},
			{
				text: 'Paused, every execution comes to its end by its callback',
				measured: lost === 0 ? 'all' : `${lost} did not`,
				met: lost === 0,
			},
			{
				text: 'Paused, no other execution fails meanwhile',
				measured: failures === 0 ? 'none' : `${failures} did`,
				met: failures === 0,
			},
		],
		pictures: [
			{
				name: 'bench-executions',
				alt: `Tasks under way at the provider, and executions done, over time: paused by callback against waiting in the node`,
				svg: lines({
					title: `${count} executions at once, one worker, tasks of ${real} s`,
					x: { label: 'seconds' },
					y: { label: 'executions' },
					series: [
						{ name: 'paused: under way', colour: 0, points: paused.open },
						{ name: 'paused: done', colour: 0, dashed: true, points: paused.timeline },
						{ name: 'waiting in the node: under way', colour: 1, points: waiting.open },
						{
							name: 'waiting in the node: done',
							colour: 1,
							dashed: true,
							points: waiting.timeline,
						},
					],
				}),
			},
		],
		losses: [
			...lossesTo(`Tasks of ${SHORT_SECONDS} s`, short),
			...lossesTo(`Tasks of ${real} s`, long),
		],
	};
}
