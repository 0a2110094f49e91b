// @ts-check
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { itemsOf } from '../../../../dev/server/session.mjs';
import { Stage } from '../../stage.mjs';
import { GENERATE, call, calledAt, node } from '../../workflows.mjs';
import { expectSuccess } from '../expect.mjs';
import {
	completeAll,
	publishWaiting,
	receiptsOf,
	tasksOf,
	until,
	withPatientTasks,
} from './waiting.mjs';

/**
 * @typedef {import('../../worlds/queue.mjs').QueueWorld} QueueWorld
 * @typedef {import('../../../../dev/server/n8n.mjs').RunningN8n} RunningN8n
 */

const EXECUTIONS = 200;
const STARTED_AT_ONCE = 20;
const OTHER_WORK_WITHIN_MS = 60_000;
const CHECKED_AT_ONCE = 4;

/** @param {number[]} numbers */
const median = (numbers) =>
	[...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? NaN;
const seconds = (/** @type {number} */ ms) => `${(ms / 1000).toFixed(1)} s`;
const megabytes = (/** @type {number} */ bytes) => `${Math.round(bytes / 1e6)} MB`;

/**
 * @template T
 * @param {T[]} list
 * @param {number} atOnce
 * @param {(entry: T) => Promise<void>} work
 */
async function forEach(list, atOnce, work) {
	const rest = [...list];
	const worker = async () => {
		for (let entry = rest.shift(); entry !== undefined; entry = rest.shift()) await work(entry);
	};
	await Promise.all(Array.from({ length: atOnce }, worker));
}

/** @param {number} pid */
function residentBytes(pid) {
	const status = fs.readFileSync(`/proc/${pid}/status`, 'utf8');
	return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

/** The most memory that each process has had since the last look. @param {Record<string, RunningN8n>} processes */
function watchMemory(processes) {
	/** @type {Record<string, number>} */
	let peaks = {};
	const look = () => {
		if (process.platform !== 'linux') return;
		for (const [name, { pid }] of Object.entries(processes)) {
			peaks[name] = Math.max(peaks[name] ?? 0, residentBytes(pid));
		}
	};
	const timer = setInterval(look, 200);
	return {
		/** @returns {Record<string, number>} bytes */
		peaks: () => {
			look();
			const seen = peaks;
			peaks = {};
			return seen;
		},
		end: () => clearInterval(timer),
	};
}

/**
 * Other work: a workflow that is called, and calls back itself as soon as a worker has it.
 *
 * @template T
 * @param {Stage} stage
 * @param {(call: () => Promise<number>) => Promise<T>} work `call` gives the milliseconds until the worker was there
 * @returns {Promise<T>}
 */
async function withOtherWork({ world }, work) {
	/** @type {Map<string, () => void>} */
	const expected = new Map();
	const server = http.createServer((request, response) => {
		expected.get(request.url ?? '')?.();
		response.end('{}');
	});
	await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
	const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
	const path = randomUUID();
	const nodes = [
		calledAt(path),
		node('Answer', 'n8n-nodes-base.httpRequest', 4.2, {
			method: 'POST',
			url: `=http://127.0.0.1:${port}/{{ $json.query.id }}`,
		}),
	];
	const connections = { Call: { main: [[{ node: 'Answer', type: 'main', index: 0 }]] } };
	const workflow = { name: `Other work ${path}`, nodes, connections, settings: {} };
	const { id } = await world.session.saveWorkflow(/** @type {any} */ (workflow));
	await world.session.publish(id);
	const ask = async (/** @type {string} */ name) =>
		await fetch(`${world.webhookUrl}/${path}?id=${name}`, { method: 'POST' });
	try {
		await until('it can be called', async () => (await ask('first')).ok);
		return await work(async () => {
			const name = randomUUID();
			const began = Date.now();
			const arrived = new Promise((resolve, reject) => {
				expected.set(`/${name}`, () => resolve(undefined));
				setTimeout(reject, OTHER_WORK_WITHIN_MS, new Error('other work was not done')).unref();
			});
			arrived.catch(() => {});
			const response = await ask(name);
			assert.ok(response.ok, `other work was answered ${response.status}`);
			await response.arrayBuffer();
			await arrived;
			return Date.now() - began;
		});
	} finally {
		server.closeAllConnections();
		server.close();
	}
}

/**
 * @param {QueueWorld} world
 * @param {string} workflowId
 * @returns {Promise<Record<string, number>>} how many executions there are, by status
 */
async function countByStatus({ query }, workflowId) {
	const rows = await query(
		'SELECT status, count(*)::int AS count FROM execution_entity WHERE "workflowId" = $1 GROUP BY status',
		[workflowId],
	);
	return Object.fromEntries(rows.map(({ status, count }) => [status, count]));
}

/**
 * @param {Stage} stage
 * @param {{ id: string, path: string }} workflow
 * @param {number} count
 */
async function startMany(stage, workflow, count) {
	// The first one waits until the workflow can be called.
	await call(stage, workflow, ['@Video1, take 0']);
	const prompts = Array.from({ length: count - 1 }, (_, n) => `@Video1, take ${n + 1}`);
	await forEach(prompts, STARTED_AT_ONCE, async (prompt) => {
		const response = await fetch(`${stage.world.webhookUrl}/${workflow.path}`, {
			method: 'POST',
			headers: { 'content-type': 'application/json' },
			body: JSON.stringify({ prompts: [prompt] }),
		});
		assert.ok(response.ok, `the call was answered ${response.status}`);
		await response.arrayBuffer();
	});
}

/** @param {Stage} stage @returns {Promise<Record<string, number>>} how the callbacks were answered */
async function answersOf(stage) {
	/** @type {Record<string, number>} */
	const answers = {};
	for (const { status, error } of await receiptsOf(stage)) {
		const answer = String(status ?? error);
		answers[answer] = (answers[answer] ?? 0) + 1;
	}
	return answers;
}

/**
 * Each task's video has come out of one execution, and is the right one.
 *
 * @param {Stage} stage
 * @param {QueueWorld} world
 * @param {string} workflowId
 */
async function checkAll(stage, world, workflowId) {
	const rows = await world.query('SELECT id FROM execution_entity WHERE "workflowId" = $1', [
		workflowId,
	]);
	/** @type {string[]} */
	const seen = [];
	await forEach(
		rows.map(({ id }) => String(id)),
		CHECKED_AT_ONCE,
		async (id) => {
			const execution = await world.session.execution(id);
			expectSuccess(execution);
			const [item, ...others] = itemsOf(execution, GENERATE);
			assert.equal(others.length, 0);
			assert.equal(item?.json.timedOut, undefined);
			seen.push(item?.json.taskId);
			const file = item?.binary?.data?.id ?? '';
			assert.deepEqual(await world.session.binary(file), await stage.video(item?.json.taskId));
		},
	);
	const made = (await tasksOf(stage)).map(({ taskId }) => taskId);
	assert.deepEqual(seen.sort(), made.sort(), 'each task came out once');
}

/**
 * Executions that wait hold no worker, and all of them go on when they are called back at once.
 *
 * @param {QueueWorld} world
 * @returns {import('../../report.mjs').Case}
 */
export const loadCase = (world) => ({
	name: `callback: ${EXECUTIONS} executions wait, and are called back in one burst`,
	run: async (note) =>
		await withPatientTasks(world, async (stage) => {
			await stage.set({ callbacks: { mode: 'burst', events: ['COMPLETED'] } });
			return await withOtherWork(stage, async (otherWork) => {
				const timesOf = async (/** @type {number} */ count) => {
					const times = [];
					for (let n = 0; n < count; n++) times.push(await otherWork());
					return times;
				};
				await timesOf(5);
				const idle = median(await timesOf(10));
				const [receiver] = world.webhooks;
				const memory = watchMemory({
					worker: world.worker,
					webhook: /** @type {any} */ (receiver),
				});
				try {
					const before = memory.peaks();
					const workflow = await publishWaiting(stage);
					const began = Date.now();
					await startMany(stage, workflow, EXECUTIONS);
					note('started');
					let count = await countByStatus(world, workflow.id);
					await until(
						`${EXECUTIONS} executions wait`,
						async () => {
							count = await countByStatus(world, workflow.id);
							note(JSON.stringify(count));
							return count.waiting === EXECUTIONS;
						},
						240_000,
					);
					const allWait = Date.now() - began;
					assert.equal((await stage.state()).billed, EXECUTIONS, 'billed tasks');
					memory.peaks();
					const whileWaiting = median(await timesOf(10));
					const waitingMemory = memory.peaks();

					await completeAll(stage);
					const burst = Date.now();
					let isOver = false;
					const during = (async () => {
						const times = [];
						while (!isOver) {
							times.push(await otherWork());
							await sleep(200);
						}
						return times;
					})();
					during.catch(() => {});
					await until(
						`${EXECUTIONS} executions complete`,
						async () => {
							count = await countByStatus(world, workflow.id);
							note(`${seconds(Date.now() - burst)} after the burst: ${JSON.stringify(count)}`);
							return count.success === EXECUTIONS;
						},
						240_000,
					).finally(() => (isOver = true));
					const allDone = Date.now() - burst;
					const burstMemory = memory.peaks();
					const times = await during;
					const answers = await answersOf(stage);

					note('comparing');
					await checkAll(stage, world, workflow.id);
					const { billed, requests } = await stage.state();
					assert.equal(billed, EXECUTIONS, 'billed tasks');
					const looks = requests.filter(({ action }) => action === 'status').length;
					const rss = (/** @type {string} */ name) =>
						[before, waitingMemory, burstMemory]
							.map((seen) => megabytes(seen[name] ?? 0))
							.join(' / ');
					console.log(
						[
							`  ${EXECUTIONS} complete, ${billed} billed, 0 lost; callbacks answered ${JSON.stringify(answers)}, ${looks} status requests`,
							`  all waited ${seconds(allWait)} after the first call; all were done ${seconds(allDone)} after the burst`,
							`  other work: ${idle} ms before, ${whileWaiting} ms while they waited, ${median(times)} ms (at most ${Math.max(...times)}) after the burst`,
							`  memory before / waiting / burst: worker ${rss('worker')}, webhook process ${rss('webhook')}`,
						].join('\n'),
					);
					return `${EXECUTIONS} complete, ${billed} billed, 0 lost; ${seconds(allDone)}; other work ${idle}, ${whileWaiting}, ${median(times)} ms; worker ${rss('worker')}`;
				} finally {
					memory.end();
				}
			});
		}),
});

/** Seconds from creation to the end, of tasks that call back once. */
const DURATIONS = [20, 5, 2, 1, 0.5, 0.2];
const EACH = 40;
/** Nobody's task is done so soon: what is lost there is only told. */
const REAL_SECONDS = 20;

/**
 * A callback that comes while n8n is about to store the execution is answered 409, and lost; with a single task, nothing
 * else brings that execution on before its deadline. Measured for tasks that take from a blink to nearly as long as the
 * quickest real ones.
 *
 * @param {QueueWorld} world
 * @returns {import('../../report.mjs').Case}
 */
export const lostCase = (world) => ({
	name: 'callback: how many come too early, by how long a task takes',
	run: async (note) => {
		/** @type {string[]} */
		const lines = [];
		for (const taskSeconds of DURATIONS) {
			note(`tasks of ${taskSeconds} s`);
			await Stage.for(world, { taskSeconds }, async (stage) => {
				await stage.set({ callbacks: { mode: 'normal', events: ['COMPLETED'] } });
				const workflow = await publishWaiting(stage);
				await startMany(stage, workflow, EACH);
				await until(
					'the tasks are done',
					async () => {
						const tasks = await tasksOf(stage);
						return tasks.length === EACH && tasks.every(({ callbacks }) => callbacks.length > 0);
					},
					180_000,
				);
				await sleep(5000);
				const count = await countByStatus(world, workflow.id);
				const lost = EACH - (count.success ?? 0);
				lines.push(
					`${taskSeconds} s: ${lost} of ${EACH} lost ${JSON.stringify(await answersOf(stage))}`,
				);
				if (taskSeconds >= REAL_SECONDS) assert.equal(lost, 0, lines.at(-1));
				assert.equal((await stage.state()).billed, EACH);
			});
		}
		console.log(lines.map((line) => `  ${line}`).join('\n'));
		return lines.join('; ');
	},
});
