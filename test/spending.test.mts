import { beforeAll, describe, expect, test } from '@jest/globals';
import type { IDataObject, INode, INodeParameters } from 'n8n-workflow';
import type { RunOptions } from './engine/engine.mts';
import { execute, GENERATE, node } from './engine/engine.mts';
import { hurry } from './engine/haste.mts';
import { useBench } from './engine/setup.mts';

const bench = useBench();
beforeAll(hurry);

const retry = { retryOnFail: true, maxTries: 3, waitBetweenTries: 1 };
const goOn = { onError: 'continueRegularOutput' } as const;

function magnific(more: INodeParameters = {}): INodeParameters {
	return { prompt: '@Video1', videoUrl: bench.emulator.referenceUrl, ...more };
}

async function billed(): Promise<number> {
	return (await bench.emulator.state()).billed.total;
}

async function creations(): Promise<number> {
	const { requests } = await bench.emulator.state();
	return requests.filter(({ action }) => action === 'create').length;
}

const to = (name: string, type: 'main' | 'ai_tool' = 'main') => [{ node: name, type, index: 0 }];

/** A loop of so many rounds around Generate, with as many items in each. */
function loop(
	rounds: number,
	parameters: INodeParameters,
	settings: Partial<INode> = {},
	items = 1,
): RunOptions {
	const input = JSON.stringify(Array.from({ length: items }, () => ({ json: {} })));
	return {
		credentials: bench.credentials,
		nodes: [
			node('Source', 'test.source', { items: input }),
			node('Kling', GENERATE, magnific(parameters), settings),
			node('Again', 'test.again', { times: rounds }),
		],
		connections: {
			Source: { main: [to('Kling')] },
			Kling: { main: [to('Again')] },
			Again: { main: [to('Kling'), []] },
		},
	};
}

/** An agent that asks for one video after the other. */
function agent(
	prompts: string[],
	parameters: INodeParameters,
	settings: Partial<INode> = {},
): RunOptions {
	const calls = JSON.stringify(prompts.map((prompt) => ({ prompt })));
	return {
		credentials: bench.credentials,
		nodes: [
			node('Source', 'test.source', { items: '[{ "json": {} }]' }),
			node(
				'Video',
				`${GENERATE}Tool`,
				magnific({
					prompt: '={{ $fromAI("prompt") }}',
					completion: 'submitOnly',
					...parameters,
				}),
				settings,
			),
			node('Agent', 'test.agent', { tool: 'Video', calls }),
		],
		connections: {
			Source: { main: [to('Agent')] },
			Video: { ai_tool: [to('Agent', 'ai_tool')] },
		},
		watch: 'Agent',
	};
}

describe('Max Tasks per Execution', () => {
	const most = (maxTasksPerExecution: number): INodeParameters => ({
		options: { maxTasksPerExecution },
	});

	test.each(['poll', 'submitOnly'])(
		'ends a loop before the task that would be one too many (%s)',
		async (completion) => {
			const { run, error } = await execute(loop(5, { completion, ...most(2) }));
			expect(error?.message).toBe(
				'This node has created 2 of its tasks in this execution and would create 1 more, and Max Tasks per Execution is 2',
			);
			expect(run.data.resultData.runData.Kling).toHaveLength(3);
			expect(await creations()).toBe(2);
		},
	);

	test('counts the rounds of a loop that stays awake', async () => {
		const options = { maxTasksPerExecution: 2, whileWaiting: 'run' };
		const { error } = await execute(loop(5, { options }));
		expect(error?.message).toContain('Max Tasks per Execution is 2');
		expect(await billed()).toBe(2);
	});

	test('refuses a run whole, before its first task, where a part of it would be too much', async () => {
		const { error } = await execute(loop(2, most(3), {}, 2));
		expect(error?.message).toContain('created 2 of its tasks in this execution and would create 2');
		expect(await creations()).toBe(2);
	});

	test('lets a loop that keeps to it through', async () => {
		const { error, json } = await execute(loop(3, most(3)));
		expect(error).toBeUndefined();
		expect(json).toEqual([]);
		expect(await billed()).toBe(3);
	});

	test('counts a task once, however often Retry On Fail runs the node', async () => {
		await bench.emulator.fault({
			match: { action: 'status' },
			times: 10,
			fault: { kind: 'status', status: 401 },
		});
		const { error } = await execute(loop(2, most(2), retry));
		expect(error).toBeUndefined();
		expect(await billed()).toBe(2);
	});

	test('counts no request that was refused', async () => {
		await bench.emulator.fault({
			match: { action: 'create' },
			times: 2,
			fault: { kind: 'status', status: 400 },
		});
		const { error } = await execute(loop(2, most(2), retry));
		expect(error).toBeUndefined();
		expect(await billed()).toBe(2);
	});

	test('counts a request whose answer was lost', async () => {
		await bench.emulator.fault({
			match: { action: 'create' },
			fault: { kind: 'reset', makeTask: true },
		});
		const { run } = await execute(loop(3, most(2), goOn));
		const errors = run.data.resultData.runData.Kling.map(
			({ data }) => data?.main[0]?.[0].json.error ?? 'fine',
		);
		expect(errors).toEqual([
			expect.stringContaining('may have created a task'),
			'fine',
			expect.stringContaining('Max Tasks per Execution is 2'),
		]);
		expect(await billed()).toBe(2);
	});

	test('goes on counting when a person retries the execution', async () => {
		await bench.emulator.set({ failTasks: { nth: [2] } });
		const options = loop(3, most(2));
		const failed = await execute(options);
		expect(failed.error?.message).toContain('could not make the video');
		const { error } = await execute({ ...options, mode: 'retry', retryOf: failed.data });
		expect(error?.message).toContain('Max Tasks per Execution is 2');
		expect(await billed()).toBe(2);
	});

	test('holds for all calls of an agent together', async () => {
		const { json } = await execute(agent(['@Video1 a', '@Video1 b', '@Video1 c'], most(2)));
		expect(json.map(({ error, status }) => error ?? status)).toEqual([
			'pending',
			'pending',
			expect.stringContaining('Max Tasks per Execution is 2'),
		]);
		expect(await billed()).toBe(2);
	});

	test.each(['={{ null }}', '={{ "" }}', '={{ $json.nothing }}'])(
		'that an expression leaves empty is refused (%s)',
		async (maxTasksPerExecution) => {
			const { error } = await execute(loop(1, { options: { maxTasksPerExecution } }));
			expect(error?.message).toContain('Max Tasks per Execution is empty');
			expect(await creations()).toBe(0);
		},
	);

	test('knows the tasks of a process that was killed before it could store its tally', async () => {
		const video = { id: 'video' };
		// What a killed process leaves are its marks in the database, and the token of the execution.
		const killed = { ...agent(['@Video1 a', '@Video1 b'], most(3), video), resumeToken: 'killed' };
		await execute(killed);
		expect(await billed()).toBe(2);
		// The model asks for other videos this time.
		const again = agent(['@Video1 c', '@Video1 d'], most(3), video);
		const { json } = await execute({ ...again, mode: 'retry', resumeToken: 'killed' });
		expect(json.map(({ error, status }) => error ?? status)).toEqual([
			'pending',
			expect.stringContaining('Max Tasks per Execution is 3'),
		]);
		expect(await billed()).toBe(3);
	});
});

describe('Price per Second and Max Cost', () => {
	const priced = (more: IDataObject = {}, duration = 7): INodeParameters =>
		({ options: { pricePerSecond: 0.126, ...more }, additionalFields: { duration } }) as never;

	test('give every item its estimated cost, and Validate Only as well', async () => {
		const made = await bench.generate(magnific(priced()), { input: [{}, {}] });
		expect(made.json.map(({ estimatedCost }) => estimatedCost)).toEqual([0.882, 0.882]);
		expect(made.sleeps).toBeGreaterThan(0);
		const { json } = await bench.generate(magnific(priced({ validateOnly: true })));
		expect(json[0]).toMatchObject({ estimatedCost: 0.882, request: { method: 'POST' } });
		expect(await billed()).toBe(2);
	});

	test('leave an item without a price as it was', async () => {
		const { json } = await bench.generate(magnific());
		expect(json[0]).not.toHaveProperty('estimatedCost');
	});

	test('refuse a run that would cost more, before the first task', async () => {
		const { error } = await bench.generate(magnific(priced({ maxCost: 2.6 })), {
			input: [{}, {}, {}],
		});
		expect(error?.message).toContain('would cost about 2.646, and Max Cost is 2.60');
		expect((await bench.emulator.state()).requests).toEqual([]);
	});

	test('let a run through that costs just as much', async () => {
		const options = priced({ pricePerSecond: 0.1, maxCost: 0.9 }, 3);
		const { error } = await bench.generate(magnific(options), { input: [{}, {}, {}] });
		expect(error).toBeUndefined();
	});

	test('count what earlier tries of the run have created', async () => {
		await bench.emulator.fault({
			match: { action: 'create', nth: 2 },
			fault: { kind: 'status', status: 400 },
		});
		// It is 5 as long as no task exists.
		const maxCost = "={{ $execution.customData.get('klingTaskId') ? 1 : 5 }}";
		const { error } = await bench.generate(magnific(priced({ maxCost })), {
			input: [{}, {}],
			settings: retry,
		});
		expect(error?.message).toContain('would cost about 1.764, and Max Cost is 1.00');
		expect(await billed()).toBe(1);
	});

	test.each<[string, IDataObject, string]>([
		['a limit without a price', { maxCost: 3 }, 'Max Cost needs Price per Second'],
		['a price of nothing', { pricePerSecond: 0 }, 'Price per Second is 0'],
		[
			'a price that an expression leaves empty',
			{ pricePerSecond: '={{ null }}', maxCost: 3 },
			'Price per Second is empty',
		],
		[
			'a limit that an expression leaves empty',
			{ pricePerSecond: 1, maxCost: '={{ "" }}' },
			'Max Cost is empty',
		],
		['a price below zero', { pricePerSecond: -1 }, 'a number of at least 0 (got -1)'],
	])('refuse %s', async (_what, options, said) => {
		const { error } = await bench.generate(magnific({ options: options as never }));
		expect(error?.message).toContain(said);
		expect(await billed()).toBe(0);
	});
});

describe('What expressions give in a later turn', () => {
	const isLater = "$execution.customData.get('klingTaskId')";

	test.each<[string, string, IDataObject]>([
		['18 seconds of video', 'Max Total Seconds is 6', { maxTotalSeconds: 6 }],
		['would cost about 18', 'Max Cost is 10', { maxCost: 10, pricePerSecond: 1 }],
	])('is held against the limits once more: %s, and %s', async (would, limit, options) => {
		const { error, sleeps } = await bench.generate(
			magnific({
				additionalFields: { duration: `={{ ${isLater} ? 15 : 3 }}` },
				options: { maxConcurrentTasks: 1, ...options } as never,
			}),
			{ input: [{}, {}] },
		);
		expect(sleeps).toBeGreaterThan(0);
		expect(error?.message).toContain(would);
		expect(error?.message).toContain(limit);
		const [{ taskId }] = (await bench.emulator.state()).tasks;
		expect(error?.description).toContain(taskId);
		expect(await billed()).toBe(1);
	});

	test('makes no limit of an item that has failed before', async () => {
		const { referenceUrl } = bench.emulator;
		const { json, sleeps } = await bench.generate(
			magnific({
				videoUrl: '={{ $json.url }}',
				options: { maxConcurrentTasks: 1, maxTasks: 2 },
			}),
			{ input: [{ url: 'none' }, { url: referenceUrl }, { url: referenceUrl }], settings: goOn },
		);
		expect(sleeps).toBeGreaterThan(0);
		expect(json.map(({ status }) => status)).toEqual([undefined, 'completed', 'completed']);
	});

	test('does not change how many tasks the run has under way', async () => {
		await bench.emulator.set({ maxConcurrent: { magnific: 1 } });
		const { json } = await bench.generate(
			magnific({ options: { maxConcurrentTasks: '={{ $itemIndex === 0 ? 1 : 3 }}' } }),
			{ input: [{}, {}, {}, {}] },
		);
		expect(json.map(({ status }) => status)).toEqual(Array(4).fill('completed'));
		// The emulator refuses one that is too many, and it would be asked for again.
		expect(await creations()).toBe(4);
	});
});

describe('Include Input Fields', () => {
	const included = { options: { includeInput: true } };

	test('puts the fields of the input item out, with those of the task on top', async () => {
		const input = [{ row: 7, title: 'A clip', status: 'to do', taskId: 'of another' }];
		const { json, sleeps } = await bench.generate(magnific(included), { input });
		expect(sleeps).toBeGreaterThan(0);
		const [{ taskId }] = (await bench.emulator.state()).tasks;
		expect(json[0]).toMatchObject({ row: 7, title: 'A clip', status: 'completed', taskId });
	});

	test('passes no mark of an earlier node on as one of the task', async () => {
		const stale = {
			error: 'of an earlier node',
			timedOut: true,
			failure: {},
			media: {},
			estimatedCost: 9,
		};
		const { json, run } = await bench.generate(
			magnific({ ...included, completion: 'submitOnly' }),
			{ input: [{ ...stale, row: 1 }] },
		);
		for (const name of Object.keys(stale)) expect(json[0]).not.toHaveProperty(name);
		expect(json[0].row).toBe(1);
		expect(run.data.resultData.runData.Kling).toHaveLength(1);
		expect(await billed()).toBe(1);
	});

	test('is there in Validate Only, and leaves the item of a failed task as n8n wants it', async () => {
		const options = { includeInput: true, validateOnly: true };
		const { json } = await bench.generate(magnific({ options }), { input: [{ row: 1 }] });
		expect(json[0]).toMatchObject({ row: 1, provider: 'magnific' });
		await bench.emulator.set({ failTasks: { nth: 'all' } });
		const failed = await bench.generate(magnific(included), {
			input: [{ row: 1 }],
			settings: goOn,
		});
		expect(Object.keys(failed.json[0])).toEqual(['error', 'details']);
	});

	test('is off by default', async () => {
		const { json } = await bench.generate(magnific(), { input: [{ row: 1 }] });
		expect(json[0]).not.toHaveProperty('row');
	});
});

describe('The custom data of an execution', () => {
	test('names the task, so that the execution can be found by it', async () => {
		const { data } = await bench.generate(magnific());
		const [{ taskId }] = (await bench.emulator.state()).tasks;
		expect(data.resultData.metadata).toEqual({ klingTaskId: taskId });
	});

	test('is there when the execution sleeps for the first time', async () => {
		const { data } = await bench.generate(magnific(), { leaveAsleep: true });
		const [{ taskId }] = (await bench.emulator.state()).tasks;
		expect(data.resultData.metadata).toEqual({ klingTaskId: taskId });
	});

	test('names the newest tasks where there are more than n8n has room for', async () => {
		const { data } = await bench.generate(magnific({ completion: 'submitOnly' }), {
			input: Array.from({ length: 9 }, () => ({})),
		});
		const ids = (await bench.emulator.state()).tasks.map(({ taskId }) => taskId);
		const named = data.resultData.metadata?.klingTaskId ?? '';
		expect(named.length).toBeLessThanOrEqual(255);
		expect(named.split(' ')).toEqual(ids.reverse().slice(0, 6));
	});
});
