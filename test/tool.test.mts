import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { ExecutionLifecycleHooks, SupplyDataContext } from 'n8n-core';
import type {
	IDataObject,
	INode,
	INodeParameters,
	IRunExecutionData,
	IWorkflowExecuteAdditionalData,
} from 'n8n-workflow';
import { createRunExecutionData, NodeConnectionTypes, Workflow } from 'n8n-workflow';
import {
	Credentials,
	descriptionOf,
	GENERATE,
	execute,
	node,
	nodeTypes,
	withCredentials,
} from './engine/engine.mts';
import { database, failing } from './engine/marks.mts';
import { shortenPauses } from './engine/haste.mts';
import { passed, until } from './engine/until.mts';
import { useBench } from './engine/setup.mts';

/** n8n-core's own way of calling a node for an AI agent. */
const { makeHandleToolInvocation } = createRequire(require.resolve('n8n-core'))(
	'./execution-engine/node-execution-context/utils/get-input-connection-data.js',
) as {
	makeHandleToolInvocation(
		context: (runIndex: number) => SupplyDataContext,
		node: INode,
		nodeType: unknown,
		data: unknown,
	): (toolArguments: IDataObject) => Promise<string>;
};

const bench = useBench();
beforeAll(shortenPauses);

/** How n8n runs the agent. */
interface Started {
	id: string;
	mode: 'trigger' | 'retry';
	data: IRunExecutionData;
}

const started = (resumeToken: string = randomUUID()): Started => ({
	id: randomUUID(),
	mode: 'trigger',
	data: createRunExecutionData({ resumeToken }),
});

/** By a person, of an execution that has failed: n8n has stored it. */
const retryOf = ({ data }: { data: IRunExecutionData }): Started => ({
	...started(),
	mode: 'retry',
	data: structuredClone(data),
});

/** By a person, of an execution that n8n was killed under: it has left its marks in the database. */
const retryOfKilled = ({ data }: { data: IRunExecutionData }): Started => ({
	...started(data.resumeToken),
	mode: 'retry',
});

/** The tool as an agent has it: each call is another run of the node, and so is each try. */
function toolOf(
	parameters: INodeParameters,
	settings: Partial<INode> = {},
	{ id, mode, data }: Started = started(),
) {
	const nodes = [
		withCredentials(
			node(
				'Make Video',
				GENERATE,
				{
					prompt: '={{ $fromAI("prompt") }}',
					videoUrl: bench.emulator.referenceUrl,
					completion: 'submitOnly',
					...parameters,
				},
				settings,
			),
			bench.credentials,
		),
	];
	const workflow = new Workflow({
		id: 'workflow',
		nodes,
		connections: {},
		active: false,
		nodeTypes: nodeTypes as never,
	});
	const additionalData = {
		credentialsHelper: new Credentials(bench.credentials),
		hooks: new ExecutionLifecycleHooks(mode, id, workflow as never),
		executionId: id,
		currentNodeExecutionIndex: 0,
		webhookWaitingBaseUrl: 'http://127.0.0.1/webhook-waiting',
		formWaitingBaseUrl: 'http://127.0.0.1/form-waiting',
		variables: {},
	} as unknown as IWorkflowExecuteAdditionalData;
	const tool = workflow.getNode('Make Video') as INode;
	const context = (runIndex: number) =>
		new SupplyDataContext(
			workflow,
			tool,
			additionalData,
			mode,
			data,
			runIndex,
			[],
			{},
			NodeConnectionTypes.AiTool,
			{ node: tool, data: {}, source: null },
			[],
		);
	const invoke = makeHandleToolInvocation(context, tool, nodeTypes.getByName(GENERATE), data);
	const call = async (prompt: string) => JSON.parse(await invoke({ prompt })) as IDataObject[];
	return Object.assign(call, { data });
}

/**
 * The tool as n8n 2's AI Agent has it run: by the engine, like any other node.
 * @returns what the agent was told after each call
 */
async function agentCalls(
	prompts: string[],
	parameters: INodeParameters = {},
	settings: Partial<INode> = {},
): Promise<IDataObject[]> {
	const to = (name: string, type: 'main' | 'ai_tool') => [[{ node: name, type, index: 0 }]];
	const { json } = await execute({
		credentials: bench.credentials,
		nodes: [
			node('Source', 'test.source', { items: '[{ "json": {} }]' }),
			node(
				'Make Video',
				`${GENERATE}Tool`,
				{
					prompt: '={{ $fromAI("prompt") }}',
					videoUrl: bench.emulator.referenceUrl,
					completion: 'submitOnly',
					...parameters,
				},
				settings,
			),
			node('Agent', 'test.agent', {
				tool: 'Make Video',
				calls: JSON.stringify(prompts.map((prompt) => ({ prompt }))),
			}),
		],
		connections: {
			Source: { main: to('Agent', 'main') },
			'Make Video': { ai_tool: to('Agent', 'ai_tool') },
		},
		watch: 'Agent',
	});
	return json;
}

async function billed(): Promise<number> {
	return (await bench.emulator.state()).billed.total;
}

/** However busy the machine is: as soon as the emulator has seen so many such requests. */
async function seen(action: string, times = 1): Promise<void> {
	await until(async () => {
		const { requests } = await bench.emulator.state();
		return requests.filter((request) => request.action === action).length >= times;
	});
}

describe('Generate as the tool of an AI agent:', () => {
	test('the task ID comes back at once by default, and nobody waits for a callback', () => {
		const completions = descriptionOf(GENERATE).properties.filter(
			({ name }) => name === 'completion',
		);
		const ofTool = completions.filter(({ displayOptions }) =>
			displayOptions?.show?.['@tool']?.includes(true),
		);
		expect(ofTool.map((property) => property.default)).toEqual(['submitOnly']);
		expect(JSON.stringify(ofTool)).not.toContain('callback');
	});

	test('the agent reads the task ID, and a sentence that says what to do next', async () => {
		const [answer] = await toolOf({})('@Video1 as a cartoon');
		const [{ taskId, body }] = (await bench.emulator.state()).tasks;
		expect(body.prompt).toBe('@Video1 as a cartoon');
		expect(answer).toMatchObject({ taskId, provider: 'magnific', status: 'pending' });
		expect(answer.message).toContain(`Kling task ${taskId}`);
		expect(answer.message).toContain('do not create it again');
	});

	test('waiting for a callback is refused before anything is paid', async () => {
		const make = toolOf({ completion: 'callback' });
		await expect(make('@Video1')).rejects.toThrow('An AI agent cannot wait for a callback');
		expect(await billed()).toBe(0);
	});

	test('a further try after an error does not pay again, though n8n counts it as another run', async () => {
		await bench.emulator.fault({
			match: { action: 'status' },
			times: 5,
			fault: { kind: 'status', status: 401 },
		});
		const make = toolOf(
			{ completion: 'poll' },
			{ retryOnFail: true, maxTries: 3, waitBetweenTries: 1 },
		);
		const [answer] = await make('@Video1');
		expect(answer.status).toBe('completed');
		expect(await billed()).toBe(1);
	});

	test('a lost answer is not asked for again, neither by a try nor by the agent', async () => {
		await bench.emulator.fault({
			match: { action: 'create' },
			fault: { kind: 'reset', makeTask: true },
		});
		const make = toolOf({}, { retryOnFail: true, maxTries: 2, waitBetweenTries: 1 });
		await expect(make('@Video1')).rejects.toThrow('may have created a task that is billed');
		await expect(make('@Video1')).rejects.toThrow('may have created a task that is billed');
		expect(await billed()).toBe(1);
	});

	test('two videos that the agent asks for are two, also when they are alike', async () => {
		const make = toolOf({});
		const answers = [await make('@Video1'), await make('@Video1'), await make('@Video1, but blue')];
		expect(new Set(answers.map(([{ taskId }]) => taskId)).size).toBe(3);
		expect(await billed()).toBe(3);
	});

	test('calls at the same time do not touch each other', async () => {
		const make = toolOf({ completion: 'poll' });
		const answers = await Promise.all([make('@Video1 a'), make('@Video1 b'), make('@Video1 c')]);
		expect(new Set(answers.map(([{ taskId }]) => taskId)).size).toBe(3);
		expect(await billed()).toBe(3);
	});

	test.each([{}, { retryOnFail: true, maxTries: 2, waitBetweenTries: 1 }])(
		'a call that ends takes no lost answer from another that goes on (%j)',
		async (settings) => {
			// The second call still looks at the list when the first has ended.
			await bench.emulator.fault(
				{ match: { action: 'list', nth: 2 }, fault: { kind: 'slow', ms: 250 } },
				{ match: { action: 'create', nth: 2 }, fault: { kind: 'reset', makeTask: true } },
			);
			const make = toolOf({}, settings);
			const prompts = ['@Video1 a', '@Video1 b'];
			const calls = await Promise.allSettled(prompts.map(make));
			expect(calls.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
			const lost = prompts[calls.findIndex(({ status }) => status === 'rejected')];
			await expect(make(lost)).rejects.toThrow('may have created a task that is billed');
			expect(await billed()).toBe(2);
		},
	);

	test.each(['submitOnly', 'poll'])(
		'two alike at the same time are two, and neither gets the task of the other (%s)',
		async (completion) => {
			await bench.emulator.fault({
				match: { action: 'create', nth: 1 },
				fault: { kind: 'slow', ms: 250 },
			});
			const make = toolOf({ completion });
			const first = make('@Video1');
			await seen('create');
			const answers = await Promise.all([first, make('@Video1')]);
			expect(new Set(answers.map(([{ taskId }]) => taskId)).size).toBe(2);
			expect(await billed()).toBe(2);
		},
	);

	test('one alike that is waited for is not handed to another call', async () => {
		await bench.emulator.set({ taskSeconds: 0.5 });
		const make = toolOf({ completion: 'poll' });
		const first = make('@Video1');
		await seen('status');
		const answers = await Promise.all([first, make('@Video1')]);
		expect(new Set(answers.map(([{ taskId }]) => taskId)).size).toBe(2);
		expect(await billed()).toBe(2);
	});

	test('a lost answer is not asked for again while one alike goes on, nor after it', async () => {
		await bench.emulator.fault(
			{ match: { action: 'create', nth: 1 }, fault: { kind: 'reset', makeTask: true } },
			{ match: { action: 'create', nth: 2 }, fault: { kind: 'slow', ms: 300 } },
		);
		const make = toolOf({});
		const both = [make('@Video1'), make('@Video1')];
		await expect(Promise.all(both)).rejects.toThrow('may have created a task that is billed');
		await expect(make('@Video1')).rejects.toThrow('may have created a task that is billed');
		const calls = await Promise.allSettled(both);
		expect(calls.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
		const again = await Promise.allSettled([make('@Video1'), make('@Video1')]);
		expect(again.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
		expect(await billed()).toBe(2);
	});

	test('of two alike that fail, each takes up a task of its own at the next try', async () => {
		await bench.emulator.set({ taskSeconds: 0.3 });
		await bench.emulator.fault({
			match: { action: 'status' },
			times: 10,
			fault: { kind: 'status', status: 401 },
		});
		const make = toolOf(
			{ completion: 'poll' },
			{ retryOnFail: true, maxTries: 5, waitBetweenTries: 1 },
		);
		const answers = await Promise.all([make('@Video1'), make('@Video1')]);
		expect(answers.map(([{ status }]) => status)).toEqual(['completed', 'completed']);
		expect(new Set(answers.map(([{ taskId }]) => taskId)).size).toBe(2);
		expect(await billed()).toBe(2);
	});

	test('a lost answer is not asked for again where the error is an item, either', async () => {
		await bench.emulator.fault({
			match: { action: 'create', nth: 1 },
			fault: { kind: 'reset', makeTask: true },
		});
		const make = toolOf({}, { onError: 'continueRegularOutput' });
		for (let asked = 0; asked < 2; asked++) {
			const [{ error }] = await make('@Video1');
			expect(error).toContain('may have created a task that is billed');
		}
		expect(await billed()).toBe(1);
	});

	test('of calls that end well, each leaves its task for a retry of the execution, and no other call finds it', async () => {
		const make = toolOf({});
		await Promise.all([make('@Video1 a'), make('@Video1 a'), make('@Video1 b')]);
		const { contextData = {} } = make.data.executionData ?? {};
		const { entries } = contextData['node:Make Video'].klingRecord as unknown as {
			entries: Array<{ isOver: boolean; watch: { task: IDataObject } }>;
		};
		expect(entries.map(({ isOver }) => isOver)).toEqual([true, true, true]);
		const { tasks } = await bench.emulator.state();
		expect(entries.map(({ watch }) => watch.task.taskId).sort()).toEqual(
			tasks.map(({ taskId }) => taskId).sort(),
		);
	});

	test.each<[string, number, number[]]>([
		['the first', 1, [2]],
		['the last', 2, [1]],
		['the second of three', 2, [1, 3]],
	])(
		'of calls in the same words, of which %s was refused, a retry after a kill finds what the others made',
		async (_, refused, made) => {
			const calls = refused + made.filter((nth) => nth > refused).length;
			for (let nth = 1; nth <= calls; nth++) {
				const fault = nth === refused ? { kind: 'status', status: 402 } : { kind: 'slow', ms: 100 };
				await bench.emulator.fault({ match: { action: 'create', nth }, fault });
			}
			const make = toolOf({}, { id: 'made twice' });
			const ended = await Promise.allSettled(Array.from({ length: calls }, () => make('@Video1')));
			expect(ended.filter(({ status }) => status === 'rejected')).toHaveLength(1);
			const { tasks } = await bench.emulator.state();
			expect(tasks).toHaveLength(made.length);
			const again = toolOf({}, { id: 'made twice' }, retryOfKilled(make));
			const found: unknown[] = [];
			for (const {} of made) found.push((await again('@Video1'))[0].taskId);
			expect(found.sort()).toEqual(tasks.map(({ taskId }) => taskId).sort());
			expect(await billed()).toBe(made.length);
			// One more is another one.
			await again('@Video1');
			expect(await billed()).toBe(made.length + 1);
		},
	);

	test.each([{}, { retryOnFail: true, maxTries: 2, waitBetweenTries: 1 }])(
		'a lost answer that was told is paid again by a person who retries, and not before (%j)',
		async (settings) => {
			const node = { id: 'lost', ...settings };
			const reset = { kind: 'reset', makeTask: true };
			await bench.emulator.fault({ match: { action: 'create' }, fault: reset });
			const make = toolOf({}, node);
			await expect(make('@Video1')).rejects.toThrow('may have created a task that is billed');
			// n8n was killed before it has stored that: it is told once more.
			const again = toolOf({}, node, retryOfKilled(make));
			for (let asked = 0; asked < 2; asked++) {
				await expect(again('@Video1')).rejects.toThrow(
					'n8n was ended after an earlier run had sent',
				);
			}
			expect(await billed()).toBe(1);
			const [{ taskId }] = await toolOf({}, node, retryOf(again))('@Video1');
			expect(await billed()).toBe(2);
			// Another retry of that finds the task of the first one.
			expect((await toolOf({}, node, retryOf(make))('@Video1'))[0].taskId).toBe(taskId);
			expect(await billed()).toBe(2);
		},
	);

	test('a task that the provider gave up is made anew in a retry, also with Retry On Fail', async () => {
		await bench.emulator.set({ failTasks: { nth: [1] } });
		const settings = { retryOnFail: true, maxTries: 2, waitBetweenTries: 1 };
		const make = toolOf({ completion: 'poll' }, settings);
		await expect(make('@Video1')).rejects.toThrow('Running again makes a new task');
		const again = toolOf({ completion: 'poll' }, settings, retryOf(make));
		expect((await again('@Video1'))[0].status).toBe('completed');
		expect(await billed()).toBe(2);
	});

	test('what n8n has stored in the midst of a request is looked for by its marks', async () => {
		const slow = { kind: 'slow', ms: 300 };
		await bench.emulator.fault({ match: { action: 'create', nth: 2 }, fault: slow });
		const make = toolOf({}, { id: 'in the midst' });
		const first = make('@Video1');
		await seen('create');
		const second = make('@Video1');
		await first;
		await seen('create', 2);
		// "Save execution progress" stores it when the first call has ended; n8n is killed after the second one.
		const stored = retryOf(make);
		await second;
		const again = toolOf({}, { id: 'in the midst' }, stored);
		const found = [(await again('@Video1'))[0].taskId, (await again('@Video1'))[0].taskId];
		const { tasks } = await bench.emulator.state();
		expect(found.sort()).toEqual(tasks.map(({ taskId }) => taskId).sort());
		expect(await billed()).toBe(2);
	});

	test('Max Tasks per Execution holds after a kill, though a retry asks for the same twice at once', async () => {
		const most = { options: { maxTasksPerExecution: 2 } };
		const make = toolOf(most, { id: 'most' });
		await make('@Video1 x');
		await make('@Video1 y');
		const again = toolOf(most, { id: 'most' }, retryOfKilled(make));
		const { answer } = database;
		database.answer = async () => await passed(40);
		await Promise.allSettled([again('@Video1 x'), again('@Video1 x')]);
		database.answer = answer;
		expect(await billed()).toBe(2);
	});

	test('Max Tasks per Execution gives the lowest place that is free again', async () => {
		const refusal = { kind: 'status', status: 402 };
		await bench.emulator.fault({ match: { action: 'create', nth: 1 }, fault: refusal });
		const make = toolOf({ options: { maxTasksPerExecution: 2 } });
		await Promise.allSettled(['@Video1 a', '@Video1 b', '@Video1 c'].map(make));
		expect(await billed()).toBe(1);
		await make('@Video1 d');
		await expect(make('@Video1 e')).rejects.toThrow('Max Tasks per Execution is 2');
		expect(await billed()).toBe(2);
	});

	test.each([
		['for some moments', 4],
		['as long as it runs', Infinity],
	])(
		'a retry whose marks cannot be read %s fails before it pays, and finds the task when it asks again',
		async (_, failures) => {
			const make = toolOf({}, { id: 'not read' });
			const [{ taskId }] = await make('@Video1');
			const mend = failing(failures);
			const again = toolOf({}, { id: 'not read' }, retryOfKilled(make));
			await expect(again('@Video1')).rejects.toThrow('does not say whether this request was sent');
			mend();
			const next = toolOf({}, { id: 'not read' }, retryOf(again));
			for (const tool of [again, next]) expect((await tool('@Video1'))[0].taskId).toBe(taskId);
			expect(await billed()).toBe(1);
		},
	);

	test('of two in the same words whose marks cannot be read, the next retry finds both', async () => {
		const make = toolOf({}, { id: 'both' });
		const made = [(await make('@Video1'))[0].taskId, (await make('@Video1'))[0].taskId];
		const mend = failing(Infinity, 0, 40);
		const again = toolOf({}, { id: 'both' }, retryOfKilled(make));
		const ended = await Promise.allSettled([again('@Video1'), again('@Video1')]);
		expect(ended.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
		mend();
		const next = toolOf({}, { id: 'both' }, retryOf(again));
		const found = [(await next('@Video1'))[0].taskId, (await next('@Video1'))[0].taskId];
		expect(found.sort()).toEqual(made.sort());
		expect(await billed()).toBe(2);
	});

	test('a task whose mark cannot be read is found by the next retry', async () => {
		const make = toolOf({}, { id: 'not found' });
		const [{ taskId }] = await make('@Video1');
		// The marks of the request are read first.
		const mend = failing(2, 2);
		const again = toolOf({}, { id: 'not found' }, retryOfKilled(make));
		await expect(again('@Video1')).rejects.toThrow('does not say whether this request was sent');
		mend();
		const next = toolOf({}, { id: 'not found' }, retryOf(again));
		expect((await next('@Video1'))[0].taskId).toBe(taskId);
		expect(await billed()).toBe(1);
	});

	test('Max Tasks per Execution holds where the database does not say whether a place is taken', async () => {
		const most = { options: { maxTasksPerExecution: 2 } };
		const make = toolOf(most, { id: 'place' });
		await make('@Video1 x');
		await make('@Video1 y');
		// Before it: the place of the request twice, its marks, and the one of a refusal.
		const mend = failing(2, 4);
		const again = toolOf(most, { id: 'place' }, retryOfKilled(make));
		await expect(again('@Video1 z')).rejects.toThrow('does not say whether this request was sent');
		mend();
		await expect(again('@Video1 z')).rejects.toThrow('Max Tasks per Execution is 2');
		expect(await billed()).toBe(2);
	});

	test('Max Tasks per Execution keeps no task of a killed execution back, whatever is asked for first', async () => {
		const most = { options: { maxTasksPerExecution: 2 } };
		const make = toolOf(most, { id: 'first' });
		const [{ taskId }] = await make('@Video1 x');
		await make('@Video1 y');
		const again = toolOf(most, { id: 'first' }, retryOfKilled(make));
		await expect(again('@Video1 z')).rejects.toThrow('Max Tasks per Execution is 2');
		expect((await again('@Video1 x'))[0].taskId).toBe(taskId);
		expect(await billed()).toBe(2);
	});

	test.each(['poll', 'submitOnly'])(
		'a retry of an agent that failed while its call goes on does not pay for the same (%s)',
		async (completion) => {
			await bench.emulator.set({ taskSeconds: 1 });
			const slow = { kind: 'slow', ms: completion === 'poll' ? 0 : 500 };
			await bench.emulator.fault({ match: { action: 'create', nth: 1 }, fault: slow });
			const make = toolOf({ completion }, { id: 'goes on' });
			const first = make('@Video1');
			await seen(completion === 'poll' ? 'status' : 'create');
			const again = toolOf({ completion }, { id: 'goes on' }, retryOf(make));
			await Promise.allSettled([again('@Video1'), first]);
			expect(await billed()).toBe(1);
		},
	);

	test('a refused call whose place cannot be kept is not forgotten either', async () => {
		await bench.emulator.fault(
			{ match: { action: 'create', nth: 1 }, fault: { kind: 'status', status: 402 } },
			{ match: { action: 'create', nth: 2 }, fault: { kind: 'slow', ms: 300 } },
		);
		const { answer } = database;
		let refusals = 0;
		database.answer = async () => {
			await passed(40);
			const { requests } = await bench.emulator.state();
			const sent = requests.filter(({ action }) => action === 'create').length;
			// Each mark is tried twice.
			if (sent === 2 && refusals++ < 2) throw new Error('the database is locked');
		};
		const make = toolOf({}, { id: 'not kept' });
		await Promise.allSettled([make('@Video1'), make('@Video1')]);
		database.answer = answer;
		expect(refusals).toBeGreaterThan(1);
		const again = toolOf({}, { id: 'not kept' }, retryOfKilled(make));
		await expect(again('@Video1')).rejects.toThrow('n8n was ended after an earlier run had sent');
		expect(await billed()).toBe(1);
	});

	test('n8n 1.x: a retry is given no task of another execution that began with the same', async () => {
		const began = (mode: Started['mode']): Started => {
			const run = started('');
			const task = { startTime: 1, executionIndex: 0, executionTime: 1, source: [] };
			run.data.resultData.runData = { Start: [{ ...task, data: { main: [[{ json: {} }]] } }] };
			return { ...run, mode };
		};
		for (let n = 0; n < 2; n++) await toolOf({}, { id: 'alike' }, began('trigger'))('@Video1');
		const again = toolOf({}, { id: 'alike' }, began('retry'));
		await expect(again('@Video1')).rejects.toThrow('may have created a task that is billed');
		expect(await billed()).toBe(2);
	});

	test('a task that the provider gave up is made anew, if the agent asks again', async () => {
		await bench.emulator.set({ failTasks: { nth: [1] } });
		const make = toolOf({ completion: 'poll' });
		await expect(make('@Video1')).rejects.toThrow('Running again makes a new task');
		expect((await make('@Video1'))[0].status).toBe('completed');
		expect(await billed()).toBe(2);
	});
});

describe("Generate as the tool of an AI agent that lets n8n's engine call it:", () => {
	test('each call makes its video', async () => {
		const answers = await agentCalls(['@Video1 a', '@Video1 b']);
		expect(answers.map(({ message }) => message)).toEqual([
			expect.stringContaining('do not create it again'),
			expect.stringContaining('do not create it again'),
		]);
		const { tasks } = await bench.emulator.state();
		expect(tasks.map(({ body }) => body.prompt)).toEqual(['@Video1 a', '@Video1 b']);
	});

	test('a lost answer is not asked for again, and the agent reads where the task may be', async () => {
		await bench.emulator.fault({
			match: { action: 'create' },
			fault: { kind: 'reset', makeTask: true },
		});
		const answers = await agentCalls(['@Video1', '@Video1']);
		const [{ taskId }] = (await bench.emulator.state()).tasks;
		for (const { error } of answers) {
			expect(error).toContain('may have created a task that is billed');
			expect(error).toContain(`lists: ${taskId}`);
		}
		expect(answers).toHaveLength(2);
		expect(await billed()).toBe(1);
	});

	test.each<[string, string, Partial<INode>]>([
		['the agent asks again', '={{ $fromAI("prompt") }}', {}],
		[
			'n8n tries again, and the prompt differs from try to try',
			'={{ $fromAI("prompt") }} {{ Math.random() }}',
			{ retryOnFail: true, maxTries: 2, waitBetweenTries: 1 },
		],
	])('a task is taken up when %s after an error', async (_, prompt, settings) => {
		await bench.emulator.fault({
			match: { action: 'status' },
			times: 5,
			fault: { kind: 'status', status: 401 },
		});
		const answers = await agentCalls(
			settings.retryOnFail ? ['@Video1'] : ['@Video1', '@Video1'],
			{ completion: 'poll', prompt },
			settings,
		);
		expect(answers.at(-1)?.status).toBe('completed');
		expect(await billed()).toBe(1);
	});

	test('waiting for a callback is refused before anything is paid', async () => {
		const [{ error }] = await agentCalls(['@Video1'], { completion: 'callback' });
		expect(error).toContain('An AI agent cannot wait for a callback');
		expect(await billed()).toBe(0);
	});

	test.each<[string, Partial<INode>]>([
		['', {}],
		[
			', also after the tries of Retry On Fail',
			{ retryOnFail: true, maxTries: 2, waitBetweenTries: 1 },
		],
	])(
		'a task that the provider gave up is made anew, if the agent asks again%s',
		async (_, settings) => {
			await bench.emulator.set({ failTasks: { nth: [1] } });
			const answers = await agentCalls(['@Video1', '@Video1'], { completion: 'poll' }, settings);
			expect(answers[0].error).toContain('Running again makes a new task');
			expect(answers[1].status).toBe('completed');
			expect(await billed()).toBe(2);
		},
	);

	test('the same holds for one that was given up as soon as it was created', async () => {
		const dead = { data: { task_id: 'dead-1', status: 'FAILED', generated: [] } };
		await bench.emulator.fault({
			match: { action: 'create' },
			fault: { kind: 'wrong-json', body: dead },
		});
		const answers = await agentCalls(['@Video1', '@Video1']);
		expect(answers[0].error).toContain('Task dead-1');
		expect(answers[1].status).toBe('pending');
	});
});
