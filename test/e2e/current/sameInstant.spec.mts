import { setTimeout as sleep } from 'node:timers/promises';
import type { EmulatedTask } from '../../../dev/emulator/client.mjs';
import type { Instance, QueueInstance } from '../../../dev/server/instance.mjs';
import { itemsOf } from '../../../dev/server/session.mjs';
import { node } from '../../../dev/workflow.mjs';
import { expectAsleep, expectSuccess } from '../expect.mts';
import { expect, measured, test } from '../fixtures.mts';
import { callbackUrl, callUntilAsleep, publishPausing, until } from '../pausing.mts';
import type { Stage } from '../stage.mts';
import { billedTasks, NEVER } from '../stage.mts';
import type { Scene } from '../together.mts';
import { together } from '../together.mts';
import { checkVideos } from '../videos.mts';
import { GENERATE } from '../workflows.mts';

/** The number of executions that take their rounds at the same time: 8 come to 200 rounds. */
const EXECUTIONS = Number(process.env.KLING_V2V_SAME_INSTANT ?? 1);
/** Rounds of each. */
const ITEMS = 25;
const AT_A_TIME = 3;
const CALLS = 20;

/** Rounds in which the calls come at the very moment of n8n's timer. */
const WITH_TIMER = new Set([5, 12, 19]);

/** Where resume URLs can be called: at each webhook process, where there are some. */
const portsOf = (instance: Instance): number[] =>
	'webhooks' in instance
		? (instance as QueueInstance).webhooks.map(({ port }) => port)
		: [instance.main.port];

/** Calls about one task, all in the same instant, at all processes. */
async function callAll({ emulator, instance }: Stage, task: EmulatedTask) {
	const ports = portsOf(instance);
	return await Promise.all(
		Array.from({ length: CALLS }, async (_, n) => {
			const url = callbackUrl(task, ports[n % ports.length]);
			return await emulator.callBack(task.taskId, { url });
		}),
	);
}

/** The calls of one execution at a time: those of all at once are more than a small machine takes in. */
let before: Promise<unknown> = Promise.resolve();

async function inTurn<T>(work: () => Promise<T>): Promise<T> {
	const result = before.then(work);
	before = result.catch(() => {});
	return await result;
}

/** How all calls were answered. */
const answers: Record<string, number> = {};
/** Requests of all executions. */
const requests = { status: 0, download: 0 };

const rounds: Scene = async (stage) => {
	const { emulator, instance } = stage;
	const { session } = instance;
	await emulator.set({ callbacks: { mode: 'drop' } });
	const count = node('Count', 'noOp');
	const workflow = await publishPausing(stage, {
		parameters: { options: { maxConcurrentTasks: AT_A_TIME } },
		then: [count],
	});
	const prompts = Array.from({ length: ITEMS }, (_, n) => `@Video1, take ${n}`);
	const execution = await callUntilAsleep(stage, workflow, prompts);
	for (let round = 0; round < ITEMS; round++) {
		// Where all calls came while the execution was awake, the clock wakes it.
		await until(
			'there is a task for each round',
			async () => (await emulator.tasks()).length >= Math.min(ITEMS, round + AT_A_TIME),
			150_000,
		);
		if (round > 0) await expectAsleep(session, execution);
		const { waitTill } = await session.execution(execution);
		const task = (await emulator.tasks())[round];
		await emulator.complete(task.taskId);
		const all = async () => await callAll(stage, task);
		const withTimer = async () => {
			await sleep(Math.max(0, Date.parse(String(waitTill)) - Date.now()));
			return await all();
		};
		const receipts = WITH_TIMER.has(round) ? await withTimer() : await inTurn(all);
		for (const { status, error } of receipts) {
			const answer = String(status ?? error);
			answers[answer] = (answers[answer] ?? 0) + 1;
		}
	}

	const ended = await session.executionEnd(execution);
	expectSuccess(ended);
	await checkVideos(stage, ended, { [GENERATE]: { binary: ITEMS, files: 0 } });
	const tasks = (await emulator.tasks()).map(({ taskId }) => taskId);
	expect(itemsOf(ended, count.name).map(({ json }) => json.taskId)).toEqual(tasks);
	expect(ended.data.resultData.runData[count.name], 'runs of the next node').toHaveLength(1);
	expect(await session.executionsOf(workflow.id)).toHaveLength(1);
	expect(await billedTasks(stage), 'billed tasks').toBe(ITEMS);
	for (const { action } of (await emulator.state()).requests) {
		if (action === 'status' || action === 'download') requests[action]++;
	}
};

together(
	`${EXECUTIONS * ITEMS} rounds of ${CALLS} calls in the same instant, ${EXECUTIONS * WITH_TIMER.size} of them with n8n's timer, pay for nothing twice and put out each video once`,
	Object.fromEntries(
		Array.from({ length: EXECUTIONS }, (_, n) => [`${ITEMS} rounds, ${n + 1}`, rounds]),
	),
	{ taskSeconds: NEVER },
);

test.afterAll(() => measured(`answers ${JSON.stringify(answers)}; ${JSON.stringify(requests)}`));
