/** Many executions that wait at once. */
import { randomUUID } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from '@playwright/test';
import type { QueueInstance } from '../../../dev/server/instance.mjs';
import { cpuTime, watchMemory } from '../../../dev/server/memory.mjs';
import { askN8n, itemsOf } from '../../../dev/server/session.mjs';
import { node, webhook, workflow } from '../../../dev/workflow.mjs';
import { expectSuccess } from '../expect.mts';
import { measured } from '../fixtures.mts';
import { publishPausing, receiptsOf, until } from '../pausing.mts';
import type { Stage } from '../stage.mts';
import { billedTasks } from '../stage.mts';
import type { Callable } from '../workflows.mts';
import { call, GENERATE, post } from '../workflows.mts';

/** Fewer show the same on a small machine. */
export const EXECUTIONS = Number(process.env.KLING_V2V_LOAD ?? 500);
const STARTED_AT_ONCE = 20;
const CHECKED_AT_ONCE = 4;
const OTHER_WORK_WITHIN_MS = 120_000;
const ALL_WITHIN_MS = 30 * 60_000;

const median = (numbers: number[]) =>
	[...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
const megabytes = (bytes: number) => `${Math.round(bytes / 1e6)} MB`;

async function forEach<T>(list: T[], atOnce: number, work: (entry: T) => Promise<void>) {
	const rest = [...list];
	const worker = async () => {
		for (let entry = rest.shift(); entry !== undefined; entry = rest.shift()) await work(entry);
	};
	await Promise.all(Array.from({ length: atOnce }, worker));
}

/**
 * Other work: a workflow that is called, and calls back itself as soon as a worker has it.
 * @param work its argument gives the milliseconds until the worker was there
 */
async function withOtherWork(
	{ instance }: Stage,
	work: (otherWork: () => Promise<number>) => Promise<void>,
): Promise<void> {
	const expected = new Map<string, () => void>();
	const server = http.createServer((request, response) => {
		expected.get(request.url ?? '')?.();
		response.end('{}');
	});
	await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
	const { port } = server.address() as AddressInfo;
	const path = randomUUID();
	const answer = node(
		'Answer',
		'httpRequest',
		{ method: 'POST', url: `=http://127.0.0.1:${port}/{{ $json.query.id }}` },
		{ typeVersion: 4.2 },
	);
	const { id } = await instance.session.saveWorkflow(
		workflow(`Other work ${path}`, [webhook('Call', path, { responseMode: 'onReceived' }), answer]),
	);
	await instance.session.publish(id);
	const ask = async (name: string) =>
		await askN8n(`${instance.webhookUrl}/${path}?id=${name}`, { method: 'POST' });
	try {
		await until('other work can be called', async () => (await ask('first')).ok);
		await work(async () => {
			const name = randomUUID();
			const began = Date.now();
			const arrived = new Promise<void>((resolve, reject) => {
				expected.set(`/${name}`, resolve);
				setTimeout(reject, OTHER_WORK_WITHIN_MS, new Error('other work was not done')).unref();
			});
			arrived.catch(() => {});
			const response = await ask(name);
			expect(response.ok, `the answer to other work: ${response.status}`).toBe(true);
			await response.arrayBuffer();
			await arrived;
			return Date.now() - began;
		});
	} finally {
		server.closeAllConnections();
		server.close();
	}
}

/** How many executions there are, by status. */
export async function countByStatus(
	{ query }: QueueInstance,
	workflowId: string,
): Promise<Record<string, number>> {
	const rows = await query(
		'SELECT status, count(*)::int AS count FROM execution_entity WHERE "workflowId" = $1 GROUP BY status',
		[workflowId],
	);
	return Object.fromEntries(rows.map(({ status, count }) => [status, count]));
}

export async function startMany(stage: Stage, workflow: Callable, count: number): Promise<void> {
	// The first one waits until the workflow can be called.
	await call(stage, workflow, ['@Video1, take 0']);
	const prompts = Array.from({ length: count - 1 }, (_, n) => `@Video1, take ${n + 1}`);
	await forEach(prompts, STARTED_AT_ONCE, async (prompt) => {
		const { status } = await post(stage, workflow.path, [prompt]);
		expect(status, 'the answer to a call').toBe(200);
	});
}

/** How the callbacks were answered. */
export async function answersOf(stage: Stage): Promise<Record<string, number>> {
	const answers: Record<string, number> = {};
	for (const { status, error } of await receiptsOf(stage)) {
		const answer = String(status ?? error);
		answers[answer] = (answers[answer] ?? 0) + 1;
	}
	return answers;
}

/** Each task's video has come out of one execution, and is the right one. */
async function checkAll({ emulator }: Stage, queue: QueueInstance, workflowId: string) {
	const rows = await queue.query('SELECT id FROM execution_entity WHERE "workflowId" = $1', [
		workflowId,
	]);
	const seen: string[] = [];
	await forEach(
		rows.map(({ id }) => String(id)),
		CHECKED_AT_ONCE,
		async (id) => {
			const execution = await queue.session.execution(id);
			expectSuccess(execution);
			const items = itemsOf(execution, GENERATE);
			expect(items).toHaveLength(1);
			const [{ json, binary }] = items;
			expect(json.timedOut).toBe(undefined);
			seen.push(json.taskId);
			expect(await queue.session.binary(String(binary?.data.id))).toEqual(
				await emulator.video(json.taskId),
			);
		},
	);
	const made = (await emulator.tasks()).map(({ taskId }) => taskId);
	expect(seen.sort(), 'each task comes out once').toEqual(made.sort());
}

/** @param events that the provider calls back about */
export async function checkLoad(
	stage: Stage,
	queue: QueueInstance,
	{ taskSeconds, events }: { taskSeconds: number; events: string[] },
): Promise<void> {
	const { emulator } = stage;
	await emulator.set({ taskSeconds, callbacks: { events } });
	await withOtherWork(stage, async (otherWork) => {
		const timesOf = async (count: number) => {
			const times = [];
			for (let n = 0; n < count; n++) times.push(await otherWork());
			return times;
		};
		await timesOf(5);
		const idle = median(await timesOf(10));
		const processes = [queue.main, ...queue.webhooks, queue.worker];
		const cpu = () => processes.reduce((sum, { pid }) => sum + cpuTime(pid), 0);
		const memory = await watchMemory(queue.worker.pid);
		const cpuBefore = cpu();

		const workflow = await publishPausing(stage, {
			parameters: { completion: events.length > 0 ? 'callback' : 'poll' },
		});
		const began = Date.now();
		await startMany(stage, workflow, EXECUTIONS);
		await until(
			'all tasks are made',
			async () => (await billedTasks(stage)) === EXECUTIONS,
			ALL_WITHIN_MS,
		);
		const allMade = Date.now() - began;
		const open = (await emulator.tasks()).filter(({ completedAt }) => completedAt === null);

		const times: number[] = [];
		let isOver = false;
		const during = (async () => {
			while (!isOver) {
				times.push(await otherWork());
				await sleep(1000);
			}
		})();
		during.catch(() => {});
		await until(
			'all executions have succeeded',
			async () => (await countByStatus(queue, workflow.id)).success === EXECUTIONS,
			ALL_WITHIN_MS,
		).finally(() => (isOver = true));
		const allDone = Date.now() - began;
		await during;
		const cpuUsed = cpu() - cpuBefore;

		await checkAll(stage, queue, workflow.id);
		expect(await billedTasks(stage), 'billed tasks').toBe(EXECUTIONS);
		const { requests } = await emulator.state();
		const looks = requests.filter(({ action }) => action === 'status');
		measured(
			`${EXECUTIONS} tasks of ${taskSeconds} s were made within ${seconds(allMade)}, ${open.length} of them under way at once; all were done after ${seconds(allDone)}`,
		);
		measured(
			`${Math.round(cpuUsed / EXECUTIONS)} ms of CPU and ${(looks.length / EXECUTIONS).toFixed(1)} status requests for each execution; callbacks answered ${JSON.stringify(await answersOf(stage))}`,
		);
		measured(
			`other work took ${idle} ms before, and ${median(times)} ms (at most ${Math.max(...times)}) while they waited; memory of the worker: ${megabytes(memory.stop())}`,
		);
	});
}
