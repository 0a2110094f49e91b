/** Executions that nobody calls back: only n8n's clock wakes them. */
import fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { itemsOf } from '../../../dev/server/session.mjs';
import type { Execution } from '../../../dev/server/session.mjs';
import { node, wire, workflow } from '../../../dev/workflow.mjs';
import { expectAsleep, expectSuccess } from '../expect.mts';
import { expect } from '../fixtures.mts';
import { PROMPTS, until } from '../pausing.mts';
import { PROVIDERS } from '../providers.mts';
import type { Stage } from '../stage.mts';
import { billedTasks, NEVER } from '../stage.mts';
import type { Scene, Scenes } from '../together.mts';
import { together } from '../together.mts';
import { checkVideos } from '../videos.mts';
import type { BatchOptions, Callable } from '../workflows.mts';
import {
	call,
	END,
	GENERATE,
	generate,
	prompts,
	publish,
	publishBatch,
	publishSubWorkflow,
	STATUS,
	STATUS_TYPE,
} from '../workflows.mts';

const TWO = PROMPTS.slice(0, 2);
const [ONE] = PROMPTS;

/** Calls a workflow. @returns its execution, once it sleeps, to be ended */
async function callAndSleep(stage: Stage, callable: Callable, list: string[]): Promise<string> {
	const id = await call(stage, callable, list);
	await expectAsleep(stage.instance.session, id);
	return id;
}

async function runToEnd(stage: Stage, callable: Callable, list: string[]): Promise<Execution> {
	const id = await callAndSleep(stage, callable, list);
	return await stage.instance.session.executionEnd(id);
}

/** In seconds: passes in the first sleep, which takes 65. */
const TIMED = { executionTimeout: 60 };

const isQueue = ({ kind }: Stage): boolean => kind.toLowerCase().includes('queue');

/**
 * n8n's own time-out has ended an execution of one item. Its task is in n8n's log and, on n8n 2, among the execution's
 * custom data, and goes on at the provider; a retry takes it up, and pays nothing again.
 */
async function expectTimedOut(stage: Stage, ended: Execution, isAwake: boolean): Promise<void> {
	const { emulator, instance } = stage;
	expect(ended.status).toBe('canceled');
	const [{ taskId }] = await emulator.tasks();
	const log = fs.readFileSync(instance.runner.log, 'utf8');
	expect(log, "n8n's log").toContain(`Kling task created: ${taskId}`);
	// The oldest n8n gives a node no custom data.
	const customData = stage.kind.startsWith('oldest') ? undefined : { klingTaskId: taskId };
	expect(ended.data.resultData.metadata, 'custom data').toEqual(customData);
	await emulator.complete(taskId);
	// The oldest n8n does not tell a node that it ends the execution, and keeps nothing for a retry.
	if (stage.kind.startsWith('oldest') && isAwake) return;
	// n8n says that the execution has ended before the node knows.
	await sleep(10_000);
	for (const loadWorkflow of [false, true]) {
		const again = await instance.session.retry(ended.id, loadWorkflow);
		await expectOnce(stage, await instance.session.executionEnd(again), 1);
	}
}

const runsOf = ({ data }: Execution, name: string) => data.resultData.runData[name] ?? [];

/** The node before gave each item, and it comes out once. */
async function expectOnce(stage: Stage, ended: Execution, count: number): Promise<void> {
	expectSuccess(ended);
	await checkVideos(stage, ended, { [GENERATE]: { binary: count, files: 0 } });
	expect(runsOf(ended, GENERATE), 'runs of the node that are shown').toHaveLength(1);
	expect(await billedTasks(stage), 'billed tasks').toBe(count);
}

function scenesOf({ label, parameters }: (typeof PROVIDERS)[number]): Scenes {
	const batch = async (stage: Stage, options: BatchOptions = {}) =>
		await publishBatch(stage, {
			...options,
			parameters: { ...parameters, ...options.parameters },
			then: options.then ?? [END],
		});

	/** Three items with one setting of the node. */
	const withSettings =
		(settings: object): Scene =>
		async (stage) => {
			const ended = await runToEnd(stage, await batch(stage, { settings }), PROMPTS);
			await expectOnce(stage, ended, PROMPTS.length);
			expect(runsOf(ended, END.name), 'runs of the next node').toHaveLength(1);
			expect(itemsOf(ended, END.name)).toHaveLength(PROMPTS.length);
		};

	/** The second of two tasks fails while the execution sleeps. */
	const withFailure = async (stage: Stage, settings: object): Promise<Execution> => {
		await stage.emulator.set({ failTasks: { nth: 2 } });
		const ended = await runToEnd(stage, await batch(stage, { settings }), TWO);
		expect(await billedTasks(stage), 'billed tasks').toBe(2);
		return ended;
	};
	const taskIds = async ({ emulator }: Stage) =>
		(await emulator.tasks()).map(({ taskId }) => taskId);

	return {
		[`${label}: three videos come out once after a sleep`]: withSettings({}),

		[`${label}: three videos come out once with Always Output Data`]: withSettings({
			alwaysOutputData: true,
		}),

		[`${label}: three videos come out once with Retry On Fail`]: withSettings({
			retryOnFail: true,
			maxTries: 3,
			waitBetweenTries: 100,
		}),

		[`${label}: three videos come out once in execution order v0`]: async (stage) => {
			const callable = await publish(stage, [prompts(), generate(stage, { parameters }), END], {
				settings: { executionOrder: 'v0' },
			});
			const ended = await runToEnd(stage, callable, PROMPTS);
			await expectOnce(stage, ended, PROMPTS.length);
			expect(runsOf(ended, END.name), 'runs of the next node').toHaveLength(1);
		},

		[`${label}: a loop pays once for each of its rounds, which all sleep`]: async (stage) => {
			const loop = node('Loop', 'splitInBatches', { options: {} }, { typeVersion: 3 });
			const make = generate(stage, { parameters });
			const callable = await publish(stage, [prompts(), loop, make, END], {
				connections: wire([
					['Call', 'Prompts'],
					['Prompts', 'Loop'],
					['Loop', GENERATE, 1],
					[GENERATE, 'Loop'],
					['Loop', 'End'],
				]),
			});
			const ended = await runToEnd(stage, callable, TWO);
			expectSuccess(ended);
			expect(runsOf(ended, GENERATE), 'rounds').toHaveLength(2);
			const made = itemsOf(ended, END.name).map(({ json }) => json.taskId);
			expect(made).toEqual(await taskIds(stage));
			expect(await billedTasks(stage), 'billed tasks').toBe(2);
		},

		[`${label}: a sub-workflow that sleeps gives its videos to the parent that waits for it`]:
			async (stage) => {
				const options = { whileWaiting: 'sleep' };
				const { parent } = await publishSubWorkflow(stage, { ...parameters, options }, true);
				const ended = await runToEnd(stage, parent, TWO);
				expectSuccess(ended);
				const made = itemsOf(ended, END.name).map(({ json }) => json.taskId);
				const ids = await taskIds(stage);
				// The oldest n8n gives the parent as many items, but not those of the sub-workflow.
				const isOldest = stage.kind.startsWith('oldest');
				expect(made).toEqual(isOldest ? ids.map(() => undefined) : ids);
				expect(await billedTasks(stage), 'billed tasks').toBe(2);
			},

		[`${label}: a second Generate behind the first sleeps and pays for itself alone`]: async (
			stage,
		) => {
			const again = { ...parameters, prompt: '@Video1, once more' };
			const second = generate(stage, { name: 'Again', parameters: again });
			const ended = await runToEnd(stage, await batch(stage, { then: [second] }), TWO);
			expectSuccess(ended);
			await checkVideos(stage, ended, {
				[GENERATE]: { binary: 2, files: 0 },
				Again: { binary: 2, files: 0 },
			});
			expect(await billedTasks(stage), 'billed tasks').toBe(4);
		},

		[`${label}: a task that fails during a sleep ends the execution with an error that names all tasks`]:
			async (stage) => {
				const { status, data } = await withFailure(stage, {});
				expect(status).toBe('error');
				const { message, description, context } = data.resultData.error;
				const [first, second] = await taskIds(stage);
				expect(message).toContain(second);
				expect(description).toContain(first);
				expect(context?.itemIndex, 'the item that the editor marks').toBe(1);
			},

		[`${label}: a task that fails during a sleep is not made again by Retry On Fail`]: async (
			stage,
		) => {
			const settings = { retryOnFail: true, maxTries: 3, waitBetweenTries: 100 };
			const { status, data } = await withFailure(stage, settings);
			expect(status).toBe('error');
			expect(data.resultData.error.message).toContain((await taskIds(stage))[1]);
		},

		[`${label}: a task that fails during a sleep leaves by the error output`]: async (stage) => {
			const ended = await withFailure(stage, { onError: 'continueErrorOutput' });
			expectSuccess(ended);
			const [first, second] = await taskIds(stage);
			expect(itemsOf(ended, GENERATE, 0).map(({ json }) => json.taskId)).toEqual([first]);
			expect(itemsOf(ended, GENERATE, 1).map(({ json }) => json.details.taskId)).toEqual([second]);
		},

		[`${label}: a task that fails during a sleep becomes an error item in its place`]: async (
			stage,
		) => {
			const ended = await withFailure(stage, { onError: 'continueRegularOutput' });
			expectSuccess(ended);
			const ids = itemsOf(ended, GENERATE).map(({ json }) => json.taskId ?? json.details.taskId);
			expect(ids).toEqual(await taskIds(stage));
			expect(itemsOf(ended, END.name)).toHaveLength(2);
		},

		[`${label}: Stop ends a sleeping execution, which sends nothing more and shows its task`]:
			async (stage) => {
				const { session } = stage.instance;
				const id = await callAndSleep(stage, await batch(stage), [ONE]);
				await session.stop(id);
				await outlastTheSleep();
				const ended = await session.execution(id);
				expect(ended.status).toBe('canceled');
				expect(itemsOf(ended, GENERATE).map(({ json }) => json.taskId)).toEqual(
					await taskIds(stage),
				);
				expect(await billedTasks(stage), 'billed tasks').toBe(1);
				expect(await looks(stage), 'looks at the task').toBe(0);
			},

		[`${label}: a sleeping execution that is deleted sends nothing more`]: async (stage) => {
			const { session } = stage.instance;
			const id = await callAndSleep(stage, await batch(stage), [ONE]);
			await session.request('POST', '/executions/delete', { ids: [id] });
			await outlastTheSleep();
			expect(await billedTasks(stage), 'billed tasks').toBe(1);
			expect(await looks(stage), 'looks at the task').toBe(0);
		},

		[`${label}: a workflow that was edited during a sleep ends as it began`]: async (stage) => {
			const { session } = stage.instance;
			const callable = await batch(stage);
			const id = await callAndSleep(stage, callable, [ONE]);
			await session.saveWorkflow({
				...workflow('Edited', [prompts(), generate(stage, { parameters: { prompt: 'Another' } })]),
				id: callable.id,
			});
			await expectOnce(stage, await session.executionEnd(id), 1);
		},

		[`${label}: a key that is wrong when an execution wakes, and is corrected, costs one more sleep`]:
			async (stage) => {
				const id = await callAndSleep(stage, await batch(stage), [ONE]);
				await saveKeys(stage, 'wrong');
				await until('a look was refused', async () => (await looks(stage)) === 1, 120_000);
				await saveKeys(stage, 'emulator-new-key');
				await expectOnce(stage, await stage.instance.session.executionEnd(id), 1);
			},

		[`${label}: a provider that is down when an execution wakes is waited for`]: async (stage) => {
			const { emulator, instance } = stage;
			const id = await callAndSleep(stage, await batch(stage), TWO);
			await emulator.control('POST', '/refuse', { ms: 100_000 });
			await expectOnce(stage, await instance.session.executionEnd(id), 2);
		},

		[`${label}: an item comes out with its task ID when its Wait Limit passes in a sleep`]: async (
			stage,
		) => {
			await stage.emulator.set({ taskSeconds: NEVER });
			const options = { waitLimit: 1.2 };
			const ended = await runToEnd(stage, await batch(stage, { parameters: { options } }), TWO);
			expectSuccess(ended);
			const late = itemsOf(ended, GENERATE).map(({ json }) => json);
			expect(late.map(({ taskId }) => taskId)).toEqual(await taskIds(stage));
			expect(late.map(({ timedOut }) => timedOut)).toEqual([true, true]);
			expect(await billedTasks(stage), 'billed tasks').toBe(2);
		},

		[`${label}: n8n's own time-out counts the sleep in one process, and each turn in queue mode`]:
			async (stage) => {
				await stage.emulator.set({ taskSeconds: 90 });
				const callable = await batch(stage, { workflow: TIMED });
				const ended = await runToEnd(stage, callable, [ONE]);
				// So does the oldest n8n in one process.
				if (isQueue(stage) || stage.kind === 'oldest') await expectOnce(stage, ended, 1);
				else {
					expect(await looks(stage), 'looks at the task').toBe(0);
					await expectTimedOut(stage, ended, false);
				}
			},

		[`${label}: n8n's own time-out ends an execution that stays awake, and a retry pays nothing again`]:
			async (stage) => {
				await stage.emulator.set({ taskSeconds: NEVER });
				const options = { whileWaiting: 'run', pollInterval: 10 };
				const callable = await batch(stage, { workflow: TIMED, parameters: { options } });
				const id = await call(stage, callable, [ONE]);
				// The oldest n8n, in queue mode, looks at the time between two nodes alone.
				if (stage.kind === 'oldestQueue') {
					await sleep(TIMED.executionTimeout * 1000 + 10_000);
					const [{ taskId }] = await stage.emulator.tasks();
					await stage.emulator.complete(taskId);
				}
				await expectTimedOut(stage, await stage.instance.session.executionEnd(id), true);
			},

		[`${label}: Kling Task Status, operation Wait, sleeps until the video is there`]: async (
			stage,
		) => {
			await stage.emulator.set({ taskSeconds: 30 });
			const wait = node(
				STATUS,
				STATUS_TYPE,
				{ operation: 'wait', ...parameters },
				{ credentials: stage.credentials },
			);
			const callable = await batch(stage, {
				parameters: { completion: 'submitOnly' },
				then: [wait, END],
			});
			const ended = await runToEnd(stage, callable, TWO);
			expectSuccess(ended);
			await checkVideos(stage, ended, { [STATUS]: { binary: 2, files: 0 } });
			expect(runsOf(ended, END.name), 'runs of the next node').toHaveLength(1);
			expect(await billedTasks(stage), 'billed tasks').toBe(2);
		},
	};
}

const looks = async ({ emulator }: Stage): Promise<number> =>
	(await emulator.state()).requests.filter(({ action }) => action === 'status').length;

/** Until n8n would have woken what sleeps now: a first sleep takes 65 seconds. */
const outlastTheSleep = async () => await sleep(80_000);

async function saveKeys({ instance, credentials, emulator }: Stage, apiKey: string) {
	for (const [type, { name }] of Object.entries(credentials)) {
		const data = { apiKey, baseUrl: emulator.apiUrl, webhookSecret: '' };
		await instance.session.saveCredential({ name, type, data });
	}
}

together("Executions that only n8n's clock wakes", Object.assign({}, ...PROVIDERS.map(scenesOf)));
