/** Features of n8n around the nodes, as `docs/workflows.md` tells of them. Loops are in `everywhere/asleep.spec.mts`. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Execution } from '../../../dev/server/session.mjs';
import { itemsOf } from '../../../dev/server/session.mjs';
import type { WorkflowNode } from '../../../dev/workflow.mjs';
import { node, webhook, wire, workflow } from '../../../dev/workflow.mjs';
import { callAgent, heardIn, videoMaker } from '../agents.mts';
import { expectSuccess } from '../expect.mts';
import { expect } from '../fixtures.mts';
import { PROMPTS } from '../pausing.mts';
import type { Stage } from '../stage.mts';
import { billedTasks } from '../stage.mts';
import type { Scene } from '../together.mts';
import { together } from '../together.mts';
import { checkVideos } from '../videos.mts';
import {
	call,
	END,
	GENERATE,
	generate,
	post,
	prompts,
	publish,
	publishSubWorkflow,
} from '../workflows.mts';

const START = node('Start', 'manualTrigger');
const TWO = PROMPTS.slice(0, 2);
const [ONE] = PROMPTS;
const SLEEP = { options: { whileWaiting: 'sleep' } };

const taskIds = async ({ emulator }: Stage) => (await emulator.tasks()).map(({ taskId }) => taskId);
const idsOf = (execution: Execution, name: string, output = 0) =>
	itemsOf(execution, name, output).map(({ json }) => json.taskId ?? json.details?.taskId);

/** Waits until an execution has ended. @returns it, and whether it has slept; a sleep is longer than many looks */
async function watch({ instance }: Stage, id: string) {
	let hasSlept = false;
	const ended = await instance.session.executionEnd(id, {
		until: ({ status }) => {
			hasSlept ||= status === 'waiting';
			return ['success', 'error', 'canceled', 'crashed'].includes(status);
		},
	});
	return { ended, hasSlept };
}

const awaited: Scene = async (stage) => {
	const { child, parent } = await publishSubWorkflow(stage, {}, true);
	const { ended, hasSlept } = await watch(stage, await call(stage, parent, TWO));
	expectSuccess(ended);
	expect(hasSlept, 'the parent has slept').toBe(false);
	expect(idsOf(ended, END.name)).toEqual(await taskIds(stage));
	await checkVideos(stage, ended, { [END.name]: { binary: 2, files: 0 } });
	const [{ status }] = await stage.instance.session.executionsOf(child);
	expect(status).toBe('success');
	expect(await billedTasks(stage)).toBe(2);
};

const notAwaited =
	(parameters: object, sleeps: boolean): Scene =>
	async (stage) => {
		const { session } = stage.instance;
		const { child, parent } = await publishSubWorkflow(stage, parameters, false);
		const ofParent = await session.executionEnd(await call(stage, parent, TWO));
		expectSuccess(ofParent);
		expect(itemsOf(ofParent, END.name).map(({ json }) => json['body.prompts'])).toEqual(TWO);
		const { ended, hasSlept } = await watch(stage, await session.firstExecutionOf(child));
		expectSuccess(ended);
		expect(hasSlept, 'the sub-workflow has slept').toBe(sleeps);
		await checkVideos(stage, ended, { [GENERATE]: { binary: 2, files: 0 } });
		expect(await billedTasks(stage)).toBe(2);
	};

/** A published workflow whose caller is not answered at once. */
async function publishAnswering(
	{ instance }: Stage,
	nodes: WorkflowNode[],
	responseMode: 'responseNode' | 'lastNode',
) {
	const path = randomUUID();
	const all = [webhook('Call', path, { responseMode }), ...nodes];
	const { id } = await instance.session.saveWorkflow(workflow(`Answers ${path}`, all));
	await instance.session.publish(id);
	return { id, path };
}

const respond = node(
	'Respond',
	'respondToWebhook',
	{ respondWith: 'allIncomingItems', options: {} },
	{ typeVersion: 1.4 },
);

async function ask(stage: Stage, path: string) {
	let answer = await post(stage, path, [ONE]);
	while (answer.status === 404) {
		await sleep(200);
		answer = await post(stage, path, [ONE]);
	}
	return answer;
}

/** @returns what the caller got, and the execution's end */
async function askAndWatch(stage: Stage, nodes: WorkflowNode[], mode: 'responseNode' | 'lastNode') {
	const { id, path } = await publishAnswering(stage, nodes, mode);
	const answering = ask(stage, path);
	const execution = await stage.instance.session.firstExecutionOf(id);
	const [answer, watched] = await Promise.all([answering, watch(stage, execution)]);
	return { answer, ...watched };
}

/** Respond to Webhook, behind Generate. In queue mode, n8n answers whoever waits with nothing once the execution sleeps. */
const respondsLater =
	(parameters: object, sleeps: boolean): Scene =>
	async (stage) => {
		const nodes = [prompts(), generate(stage, { parameters }), respond];
		const { answer, ended, hasSlept } = await askAndWatch(stage, nodes, 'responseNode');
		expectSuccess(ended);
		expect(hasSlept, 'the execution has slept').toBe(sleeps);
		if (sleeps && stage.kind === 'queue') return expect(answer.text).toBe('');
		const [{ taskId, status }] = JSON.parse(answer.text) as Array<Record<string, unknown>>;
		expect([taskId, status]).toEqual([...(await taskIds(stage)), 'completed']);
	};

/** Respond to Webhook, before Generate. */
const respondsFirst: Scene = async (stage) => {
	const nodes = [prompts(), respond, generate(stage)];
	const { answer, ended, hasSlept } = await askAndWatch(stage, nodes, 'responseNode');
	expect(JSON.parse(answer.text)).toEqual([{ 'body.prompts': ONE }]);
	expectSuccess(ended);
	expect(hasSlept, 'the execution has slept').toBe(true);
	await checkVideos(stage, ended, { [GENERATE]: { binary: 1, files: 0 } });
};

/** A Webhook that responds when the last node finishes. @param status of the task, as the caller gets it */
const respondsLast =
	(parameters: object, status: string): Scene =>
	async (stage) => {
		const nodes = [prompts(), generate(stage, { parameters }), END];
		const { answer, ended, hasSlept } = await askAndWatch(stage, nodes, 'lastNode');
		expectSuccess(ended);
		expect(hasSlept, 'the execution has slept').toBe(status === 'pending');
		const item = JSON.parse(answer.text) as Record<string, unknown>;
		expect([item.taskId, item.status]).toEqual([...(await taskIds(stage)), status]);
	};

const paired: Scene = async (stage) => {
	const { emulator } = stage;
	await emulator.set({ failTasks: { nth: 2 } });
	const askFor = (name: string) =>
		node(
			name,
			'set',
			{
				assignments: {
					assignments: [
						{
							id: 'prompt',
							name: 'prompt',
							value: "={{ $('Prompts').item.json['body.prompts'] }}",
							type: 'string',
						},
					],
				},
				includeOtherFields: true,
				options: {},
			},
			{ typeVersion: 3.4 },
		);
	const make = generate(stage, { settings: { onError: 'continueErrorOutput' } });
	const callable = await publish(stage, [prompts(), make, askFor('Made'), askFor('Failed')], {
		connections: wire([
			['Call', 'Prompts'],
			['Prompts', GENERATE],
			[GENERATE, 'Made', 0],
			[GENERATE, 'Failed', 1],
		]),
	});
	const { ended, hasSlept } = await watch(stage, await call(stage, callable, PROMPTS));
	expectSuccess(ended);
	expect(hasSlept).toBe(true);
	const tasks = await emulator.tasks();
	const promptOf = Object.fromEntries(tasks.map(({ taskId, body }) => [taskId, body.prompt]));
	const pairsOf = (name: string) =>
		itemsOf(ended, name).map(({ json }) => [json.taskId ?? json.details?.taskId, json.prompt]);
	for (const name of ['Made', 'Failed']) {
		for (const [taskId, prompt] of pairsOf(name)) expect(prompt, name).toBe(promptOf[taskId]);
	}
	expect([pairsOf('Made').length, pairsOf('Failed').length]).toEqual([2, 1]);
};

const hintsOf = ({ data }: Execution): string => {
	const [{ hints = [] }] = data.resultData.runData[GENERATE] as unknown as Array<{
		hints?: Array<{ message: string }>;
	}>;
	return hints.map(({ message }) => message).join();
};

const executeStep: Scene = async (stage) => {
	const { session } = stage.instance;
	const make = (more: object = {}) =>
		generate(stage, { parameters: { prompt: ONE, downloadVideo: false, ...more } });
	/** "Save" in the editor. */
	const save = async (more: object, id?: string, pinData = {}) => {
		const nodes = [START, make(more), END];
		const saved = { ...workflow(`Steps ${randomUUID()}`, nodes), ...(id && { id }), pinData };
		return (await session.saveWorkflow(saved)).id;
	};
	/** "Execute step" of a node, as the editor asks for it. @param previous whose output the editor shows */
	const step = async (id: string, name: string, previous?: Execution, changed: string[] = []) => {
		const { executionId } = await session.request('POST', `/workflows/${id}/run`, {
			destinationNode: { nodeName: name, mode: 'inclusive' },
			...(previous
				? { runData: previous.data.resultData.runData, dirtyNodeNames: changed }
				: { triggerToStartFrom: { name: START.name } }),
		});
		const ended = await session.executionEnd(executionId);
		expectSuccess(ended);
		return ended;
	};
	const billed = async (what: string, count: number) =>
		expect(await billedTasks(stage), `tasks after ${what}`).toBe(count);

	const id = await save({});
	const first = await step(id, GENERATE);
	await billed('the first click', 1);
	expect(hintsOf(first)).toMatch(/makes new tasks and pays for them.*pin this output first/);

	const behind = await step(id, END.name, first);
	expect(idsOf(behind, END.name)).toEqual(idsOf(first, GENERATE));
	await billed('a step behind it', 1);

	await step(id, GENERATE, first);
	await billed('the second click', 2);
	await step(id, END.name, first, [GENERATE]);
	await billed('a step behind it, once a parameter of Generate was changed', 3);
	await step(id, END.name);
	await billed('a step behind it, once the output was gone', 4);

	await save({}, id, { [GENERATE]: itemsOf(first, GENERATE) });
	const pinned = await step(id, END.name);
	expect(idsOf(pinned, END.name)).toEqual(idsOf(first, GENERATE));
	await billed('a step behind it, with the output pinned', 4);

	const withFile = await step(await save({ downloadVideo: true }), GENERATE);
	expect(hintsOf(withFile)).toContain('n8n cannot pin it, as it holds files');
};

/** An agent whose model calls Generate once. */
async function agent(stage: Stage, parameters: object) {
	const model = await videoMaker([ONE]);
	try {
		return await watch(stage, await callAgent(stage, model, parameters));
	} finally {
		await model.stop();
	}
}

/** @param status of the task, as the model hears it */
const callsTool =
	(parameters: object, status: string): Scene =>
	async (stage) => {
		const { ended, hasSlept } = await agent(stage, parameters);
		expectSuccess(ended);
		expect(hasSlept, 'the execution has slept').toBe(false);
		const [heard] = heardIn(ended);
		expect([heard.taskId, heard.status]).toEqual([...(await taskIds(stage)), status]);
		expect(heard.message).toContain(heard.taskId);
		expect(await billedTasks(stage)).toBe(1);
	};

/** The model fails after the tool was called, and a person retries the execution. */
const retriesAgent: Scene = async (stage) => {
	const { session } = stage.instance;
	const model = await videoMaker(TWO, 1);
	try {
		const execution = await callAgent(stage, model, { completion: 'submitOnly' });
		expect((await session.executionEnd(execution)).status).toBe('error');
		const ended = await session.executionEnd(await session.retry(execution, false));
		expectSuccess(ended);
		const made = (await taskIds(stage)).sort();
		expect(
			heardIn(ended)
				.map(({ taskId }) => taskId)
				.sort(),
		).toEqual(made);
		expect(await billedTasks(stage)).toBe(2);
	} finally {
		await model.stop();
	}
};

together('Features of n8n around the nodes', {
	'a parent that waits gets the videos of its sub-workflow, which stays awake': awaited,
	'a parent that does not wait goes on with its own items, and the sub-workflow stays awake':
		notAwaited({}, false),
	'a sub-workflow that nobody waits for sleeps where it is told to': notAwaited(SLEEP, true),
	'a caller whom Respond to Webhook has answered keeps nothing awake': respondsFirst,
	'a caller whom Respond to Webhook answers later keeps the execution awake, and gets the video':
		respondsLater({}, false),
	'such a caller gets the video after a sleep, too, but nothing in queue mode': respondsLater(
		SLEEP,
		true,
	),
	'a caller whom the last node answers keeps the execution awake, and gets the video': respondsLast(
		{},
		'completed',
	),
	'such a caller gets the task ID, and no video, where Generate is told to sleep': respondsLast(
		SLEEP,
		'pending',
	),
	'items of both outputs are paired with those that they were made of': paired,
	'Execute step pays at each click, and not where the output is pinned': executeStep,
	'an agent hears the task ID at once': callsTool({ completion: 'submitOnly' }, 'pending'),
	'an agent whose model fails after its calls gets their tasks in a retry, and pays nothing again':
		retriesAgent,
	'an agent that is to have the video keeps the execution awake': callsTool(
		{ completion: 'poll', ...SLEEP },
		'completed',
	),
});
