import { beforeAll, describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { parse, stringify } from 'flatted';
import type {
	IDataObject,
	INode,
	INodeExecutionData,
	INodeParameters,
	IRunExecutionData,
} from 'n8n-workflow';
import { database, failing, marks } from './engine/marks.mts';
import { execute, GENERATE, node, STATUS, withCredentials } from './engine/engine.mts';
import type { LogLine, RunOptions } from './engine/engine.mts';
import { hurry, timing } from './engine/haste.mts';
import { useBench } from './engine/setup.mts';
import { passed } from './engine/until.mts';

/** An execution sleeps in n8n's database between its turns: the ledger in the node context is all it has. */

const bench = useBench();
beforeAll(hurry);

const providers = ['magnific', 'muleRouter'] as const;

function parametersOf(provider: string, more: INodeParameters = {}): INodeParameters {
	const own = provider === 'muleRouter' ? { provider, endpoint: 'videoEdit' } : { provider };
	return { ...own, prompt: '@Video1', videoUrl: bench.emulator.referenceUrl, ...more };
}

/** @returns how often the provider and the result host were asked for something */
async function count(action: string): Promise<number> {
	return (await bench.emulator.state()).requests.filter((each) => each.action === action).length;
}

async function billed(): Promise<number> {
	return (await bench.emulator.state()).billed.total;
}

/** The record of the node, as n8n stores it with an execution. */
function recordIn(data: IRunExecutionData): IDataObject & { entries: IDataObject[] } {
	const contexts = (data.executionData?.contextData ?? {}) as Record<string, IDataObject>;
	return contexts['node:Kling'].klingRecord as never;
}

describe.each(providers)('With %s, an execution that sleeps', (provider) => {
	test('brings the video out after its turns, billed once, as one run of the node', async () => {
		const { json, items, error, sleeps, data } = await bench.generate(parametersOf(provider));
		expect(error).toBeUndefined();
		expect(json[0].status).toBe('completed');
		expect(items[0].binary?.data.mimeType).toBe('video/mp4');
		expect(items[0].pairedItem).toEqual({ item: 0 });
		expect(sleeps).toBeGreaterThan(0);
		expect(data.resultData.runData.Kling).toHaveLength(1);
		expect(await billed()).toBe(1);
	});

	test('leaves its worker as soon as a turn is done, where only the clock wakes it', async () => {
		const { shortestTurn } = timing.sleep;
		timing.sleep.shortestTurn = 60 * 60_000;
		const { json } = await bench.generate(parametersOf(provider));
		timing.sleep.shortestTurn = shortestTurn;
		expect(json[0].status).toBe('completed');
	});

	test('has its ledger in the database before the first look', async () => {
		const { data } = await bench.generate(parametersOf(provider), { leaveAsleep: true });
		const { tasks } = await bench.emulator.state();
		expect(JSON.stringify(recordIn(data).entries)).toContain(tasks[0].taskId);
		expect(await count('status')).toBe(0);
	});

	test('keeps to Max Concurrent Tasks across its turns', async () => {
		await bench.emulator.set({ maxConcurrent: { [provider]: 2 } });
		const { json, error } = await bench.generate(
			parametersOf(provider, { options: { maxConcurrentTasks: 2 } }),
			{ input: [{}, {}, {}, {}, {}] },
		);
		expect(error).toBeUndefined();
		expect(json.map(({ status }) => status)).toEqual(Array(5).fill('completed'));
		// The emulator would have refused a third, and each would have been asked for again.
		expect(await count('create')).toBe(5);
	});

	test('asks for no refused item again, and fetches no stored file again', async () => {
		await bench.emulator.fault({
			match: { action: 'create', nth: 2 },
			fault: { kind: 'status', status: 400, body: { message: 'no' } },
		});
		const { json } = await bench.generate(parametersOf(provider), {
			input: [{}, {}, {}],
			settings: { onError: 'continueRegularOutput' },
		});
		expect(json.map(({ status }) => status ?? 'error')).toEqual([
			'completed',
			'error',
			'completed',
		]);
		expect(await count('create')).toBe(3);
		expect(await count('download')).toBe(2);
	});

	test('counts Wait Limit from the creation of the task, whatever the number of turns', async () => {
		await bench.emulator.set({ taskSeconds: 600 });
		const { json, sleeps } = await bench.generate(
			parametersOf(provider, { options: { waitLimit: 0.008 } }),
		);
		expect(json[0].timedOut).toBe(true);
		expect(sleeps).toBeGreaterThan(1);
	});

	test('ends with the error of a failed task, and names it', async () => {
		await bench.emulator.set({ failTasks: { nth: 'all' } });
		const { error } = await bench.generate(parametersOf(provider));
		const { tasks } = await bench.emulator.state();
		expect(error?.message).toContain(tasks[0].taskId);
		expect(await billed()).toBe(1);
	});

	test('pays once for each round of a loop', async () => {
		const to = (name: string) => [{ node: name, type: 'main' as const, index: 0 }];
		const { run, error } = await execute({
			credentials: bench.credentials,
			nodes: [
				node('Source', 'test.source', { items: '[{"json":{}}]' }),
				node('Kling', GENERATE, parametersOf(provider)),
				node('Again', 'test.again', { times: 2 }),
			],
			connections: {
				Source: { main: [to('Kling')] },
				Kling: { main: [to('Again')] },
				Again: { main: [to('Kling'), []] },
			},
		});
		expect(error).toBeUndefined();
		const ids = run.data.resultData.runData.Kling.map(({ data }) => data?.main[0]?.[0].json.taskId);
		expect(new Set(ids).size).toBe(2);
		expect(await billed()).toBe(2);
		// Each round tells the next ones how long its task took.
		const context = run.data.executionData?.contextData['node:Kling'] as IDataObject;
		expect(Object.values(context.klingDurations as IDataObject)[0]).toHaveLength(2);
	});

	test('creates no second task for a resume that brings older data', async () => {
		await bench.emulator.set({ taskSeconds: 0.3 });
		const options = {
			credentials: bench.credentials,
			executionId: 'stale',
			nodes: [
				node('Source', 'test.source', { items: '[{"json":{}},{"json":{}},{"json":{}}]' }),
				node('Kling', GENERATE, parametersOf(provider, { options: { maxConcurrentTasks: 1 } }), {
					onError: 'continueRegularOutput',
				}),
			],
		};
		const first = await execute({ ...options, leaveAsleep: true });
		const stale = structuredClone(first.data);
		// The same sleep ends twice: a resume runs on until it has created a task, the other has the data of before.
		let newer = first;
		while ((await billed()) < 2) {
			newer = await execute({ ...options, resume: newer.data, leaveAsleep: true });
		}
		expect(newer.data.waitTill).toBeDefined();
		const { json } = await execute({ ...options, resume: stale });
		expect(await billed()).toBe(3);
		const told = json.map(({ taskId, error }) => taskId ?? error);
		expect(told).toHaveLength(3);
		if (provider === 'magnific') expect(new Set(told).size).toBe(3);
		else expect(told[1]).toContain('may have created a task');
	});
});

describe('An execution that was ended by a crash', () => {
	/** The first turn is cut off before n8n has stored anything: what is left are the marks, and the provider. */
	async function crashed(
		provider: string,
		log: LogLine[] = [],
		settings: Partial<INode> = {},
	): Promise<RunOptions> {
		const options: RunOptions = {
			credentials: bench.credentials,
			resumeToken: `token of ${provider}`,
			nodes: [
				node('Source', 'test.source', { items: '[{"json":{}},{"json":{}}]' }),
				node('Kling', GENERATE, parametersOf(provider), settings),
			],
		};
		log.push(...(await execute({ ...options, leaveAsleep: true })).log);
		expect(await billed()).toBe(2);
		return options;
	}

	test('takes its tasks up from the list when a person retries it, and pays for none again', async () => {
		const options = await crashed('magnific');
		const { tasks } = await bench.emulator.state();
		const { json, error } = await execute({ ...options, mode: 'retry' });
		expect(error).toBeUndefined();
		expect(json.map(({ taskId }) => taskId)).toEqual(tasks.map(({ taskId }) => taskId));
		expect(json.map(({ status }) => status)).toEqual(['completed', 'completed']);
		expect(await billed()).toBe(2);
	});

	test('pays for none again, though its database turned a mark away', async () => {
		// Of two processes that make the first mark of a workflow, n8n turns one away.
		const mend = failing(1);
		const options = await crashed('magnific');
		mend();
		const { error } = await execute({ ...options, mode: 'retry' });
		expect(error).toBeUndefined();
		expect(await billed()).toBe(2);
	});

	test.each([{}, { retryOnFail: true, maxTries: 2, waitBetweenTries: 1 }])(
		'pays for none again, though its database fails for some moments of the retry (%j)',
		async (settings) => {
			const options = await crashed('magnific', [], settings);
			const mend = failing(4);
			const first = await execute({ ...options, mode: 'retry' });
			mend();
			if (settings.retryOnFail) expect(first.error).toBeUndefined();
			else expect(first.error?.message).toContain('does not say whether this request was sent');
			await execute({ ...options, mode: 'retry', retryOf: first.data });
			expect(await billed()).toBe(2);
		},
	);

	test('may pay again where its database took no mark, and the log of then says so', async () => {
		const { answer } = database;
		database.answer = async () => await Promise.reject(new Error('database is locked'));
		const log: LogLine[] = [];
		const options = await crashed('magnific', log);
		database.answer = answer;
		expect(log.map(({ message }) => message)).toContainEqual(
			expect.stringContaining('did not take a mark of a Kling request: database is locked'),
		);
		await execute({ ...options, mode: 'retry' });
		expect(await billed()).toBe(4);
	});

	test('fails once when a person retries it and the provider has no list; the next retry pays', async () => {
		const options = await crashed('muleRouter');
		const retried = await execute({ ...options, mode: 'retry' });
		expect(retried.error?.message).toContain('MuleRouter may have created a task that is billed');
		expect(retried.error?.message).toContain('n8n was ended after an earlier run had sent');
		expect(await billed()).toBe(2);
		const again = await execute({ ...options, mode: 'retry', retryOf: retried.data });
		// The first item was told of; the second is told of now.
		expect(again.error?.message).toContain('may have created a task');
		expect(await billed()).toBe(3);
	});

	describe('and whose retry has other items, as the nodes before ran again,', () => {
		const KLING = { id: 'kling', onError: 'continueRegularOutput' } as const;

		/** @returns for each item of the retry the prompt of its task, or its error */
		async function retried(
			provider: string,
			items: IDataObject[][],
			prompt: string,
			more: INodeParameters = {},
		) {
			const [before, now] = items.map((list) => ({
				credentials: bench.credentials,
				resumeToken: `other items: ${provider} ${prompt} ${JSON.stringify(items)}`,
				nodes: [
					node('Source', 'test.source', { items: JSON.stringify(list.map((json) => ({ json }))) }),
					node('Kling', GENERATE, parametersOf(provider, { prompt, ...more }), KLING),
				],
			}));
			await execute({ ...before, leaveAsleep: true });
			const result = await execute({ ...now, mode: 'retry' });
			const promptOf = new Map(
				(await bench.emulator.state()).tasks.map(({ taskId, body }) => [taskId, body.prompt]),
			);
			const told = result.json.map(({ taskId, error }) => error ?? promptOf.get(taskId as string));
			return { ...result, told };
		}

		const rows = (...names: string[]) => names.map((name) => ({ name }));
		const another = expect.stringContaining('had sent another request for this item');
		const same = expect.stringContaining('had sent this request');

		test('each item gets the task that was made for it, and a new one fails once where another was', async () => {
			const { told, data } = await retried(
				'magnific',
				[rows('a', 'b'), rows('new', 'a', 'b')],
				'=@Video1 {{ $json.name }}',
			);
			expect(told).toEqual([another, '@Video1 a', '@Video1 b']);
			expect(await billed()).toBe(2);
			expect(JSON.stringify(data.resultData.runData.Kling)).not.toContain('Video1 new');
		});

		test('none is paid for again where the provider has no list', async () => {
			const items = [rows('a', 'b'), rows('new', 'a', 'b')];
			const { told } = await retried('muleRouter', items, '=@Video1 {{ $json.name }}');
			expect(told).toEqual([another, same, same]);
			expect(await billed()).toBe(2);
		});

		test('items that are left out, or in another order, bring no other task', async () => {
			const items = [rows('a', 'b', 'c'), rows('c', 'b')];
			const { told } = await retried('magnific', items, '=@Video1 {{ $json.name }}');
			expect(told).toEqual(['@Video1 c', '@Video1 b']);
			expect(await billed()).toBe(3);
		});

		test('items that ask for the same get a task each, and no more are made', async () => {
			const items = [rows('a', 'a'), rows('b', 'a', 'a')];
			const { json, told } = await retried('magnific', items, '=@Video1 {{ $json.name }}');
			expect(told).toEqual([another, '@Video1 a', '@Video1 a']);
			expect(new Set(json.map(({ taskId }) => taskId)).size).toBe(3);
			expect(await billed()).toBe(2);
		});

		test('an item is known by its request where the rest of it has changed, and by its fields where the prompt differs each time', async () => {
			const at = (time: number) => [{ name: 'a', time }];
			const named = await retried('magnific', [at(1), at(2)], '=@Video1 {{ $json.name }}');
			expect(named.told).toEqual(['@Video1 a']);
			const random = await retried('magnific', [at(1), at(1)], '=@Video1 {{ Math.random() }}');
			expect(random.told).toEqual([expect.stringMatching(/^@Video1 0/)]);
			expect(await billed()).toBe(2);
		});

		test('items that bring files are known by these, too', async () => {
			const file = (fileName: string) => ({
				file: { data: video, mimeType: 'video/mp4', fileName },
			});
			const video = readFileSync('docs/samples/reference.mp4').toString('base64');
			const { json } = await retried(
				'magnific',
				[
					[file('a.mp4'), file('b.mp4')],
					[file('new.mp4'), file('a.mp4')],
				],
				'@Video1',
				{ videoSource: 'binary', videoBinaryPropertyName: '={{ $json.file }}' },
			);
			const { tasks } = await bench.emulator.state();
			expect(json.map(({ taskId, error }) => error ?? taskId)).toEqual([another, tasks[0].taskId]);
			expect(await billed()).toBe(2);
		});

		test.each([
			['that is signed anew', 7200],
			['that has run out by now', -60],
		])('a link %s is the same, and its task is told of before any check', async (_, seconds) => {
			const link = (from: number) => {
				const expires = Math.round(Date.now() / 1000) + from;
				return { link: `${bench.emulator.referenceUrl}?Expires=${expires}&Signature=${from}` };
			};
			const { told } = await retried('magnific', [[link(3600)], [link(seconds)]], '@Video1', {
				videoUrl: '={{ $json.link }}',
			});
			expect(told).toEqual(['@Video1']);
			expect(await billed()).toBe(1);
		});
	});

	test('that is run again by another worker under its own ID pays for nothing again', async () => {
		const options = { ...(await crashed('magnific')), executionId: 'stalled' };
		const { json } = await execute(options);
		expect(json.map(({ status }) => status)).toEqual(['completed', 'completed']);
		expect(await billed()).toBe(2);
	});

	test('had slept: a retry goes on from the stored ledger, though its prompt is another each time', async () => {
		const asleep = await bench.generate(
			parametersOf('muleRouter', { prompt: '=@Video1 {{ Math.random() }}' }),
			{ input: [{}, {}], leaveAsleep: true },
		);
		const { nodes } = {
			nodes: [
				node('Source', 'test.source', { items: '[{"json":{}},{"json":{}}]' }),
				node(
					'Kling',
					GENERATE,
					parametersOf('muleRouter', { prompt: '=@Video1 {{ Math.random() }}' }),
				),
			],
		};
		const { json, error } = await execute({
			credentials: bench.credentials,
			nodes,
			mode: 'retry',
			resume: asleep.data,
		});
		expect(error).toBeUndefined();
		expect(json.map(({ status }) => status)).toEqual(['completed', 'completed']);
		expect(await billed()).toBe(2);
	});

	test('had slept: a retry with the workflow as it is now goes on as well, and disables no node of ours', async () => {
		const nodes = [
			node('Source', 'test.source', { items: '[{"json":{}},{"json":{}}]' }),
			node('Kling', GENERATE, parametersOf('muleRouter')),
		];
		const options = { credentials: bench.credentials, nodes };
		const asleep = await execute({ ...options, leaveAsleep: true });
		const stored = parse(stringify(asleep.data)) as IRunExecutionData;
		// n8n puts the nodes of that workflow into the stack: one object for all entries of a name.
		const current = nodes.map((each) => withCredentials(each, bench.credentials));
		for (const entry of stored.executionData?.nodeExecutionStack ?? []) {
			entry.node = current.find(({ name }) => name === entry.node.name) as INode;
		}
		const { json, error } = await execute({ ...options, mode: 'retry', resume: stored });
		expect(error).toBeUndefined();
		expect(json.map(({ status }) => status)).toEqual(['completed', 'completed']);
		expect(await billed()).toBe(2);
	});
});

describe('The marks of requests in the database', () => {
	test('are gone when an execution that slept has ended', async () => {
		marks.clear();
		await bench.generate(parametersOf('magnific'), { input: [{}, {}] });
		expect([...marks.values()].flat()).toEqual([]);
	});

	test('are gone after a refusal', async () => {
		marks.clear();
		await bench.emulator.fault({
			match: { action: 'create' },
			times: -1,
			fault: { kind: 'status', status: 400, body: { message: 'no' } },
		});
		await bench.generate(parametersOf('magnific'));
		expect([...marks.values()].flat()).toEqual([]);
	});
});

describe('A run stays awake', () => {
	const webhook = (responseMode: string) => ({
		nodes: [
			node('Webhook', 'n8n-nodes-base.webhook', { responseMode }),
			node('Kling', GENERATE, parametersOf('magnific')),
		],
	});

	test.each(['integrated', 'chat', 'manual'] as const)('in mode %s', async (mode) => {
		const { json, sleeps } = await bench.generate(parametersOf('magnific'), { mode });
		expect(json[0].status).toBe('completed');
		expect(sleeps).toBe(0);
	});

	test('with While Waiting: Run', async () => {
		const { json, sleeps } = await bench.generate(
			parametersOf('magnific', { options: { whileWaiting: 'run' } }),
		);
		expect(json[0].status).toBe('completed');
		expect(sleeps).toBe(0);
	});

	test.each([
		['lastNode', 0],
		['responseNode', 0],
		['onReceived', 1],
	])('where a Webhook node with responseMode %s has started it: %d', async (mode, least) => {
		const { json, sleeps } = await execute({
			...webhook(mode),
			credentials: bench.credentials,
			mode: 'webhook',
		});
		expect(json[0].status).toBe('completed');
		expect(Math.min(sleeps, 1)).toBe(least);
	});

	test.each([
		['responseNode', 1],
		['lastNode', 0],
	])('where Respond to Webhook came before it, with responseMode %s: %d', async (mode, least) => {
		const { nodes } = webhook(mode);
		const respond = node('Respond', 'n8n-nodes-base.respondToWebhook', {});
		const { json, sleeps } = await execute({
			nodes: [nodes[0], respond, nodes[1]],
			credentials: bench.credentials,
			mode: 'webhook',
		});
		expect(json[0].status).toBe('completed');
		expect(Math.min(sleeps, 1)).toBe(least);
	});

	test('for the first while of a manual run, and sleeps afterwards', async () => {
		await bench.emulator.set({ taskSeconds: 1 });
		timing.sleep.watchedAwake = 100;
		const { json, sleeps } = await bench.generate(parametersOf('magnific'), { mode: 'manual' });
		hurry();
		expect(json[0].status).toBe('completed');
		expect(sleeps).toBeGreaterThan(0);
	});

	test('not at all with While Waiting: Sleep, also in a sub-workflow', async () => {
		const { json, sleeps } = await bench.generate(
			parametersOf('magnific', { options: { whileWaiting: 'sleep' } }),
			{ mode: 'integrated' },
		);
		expect(json[0].status).toBe('completed');
		expect(sleeps).toBeGreaterThan(0);
	});
});

describe('While an execution sleeps', () => {
	test('n8n shows for each item its task, since when it runs, and when the next look is', async () => {
		const { data } = await bench.generate(
			parametersOf('magnific', { options: { maxConcurrentTasks: 1 } }),
			{ input: [{}, {}], leaveAsleep: true },
		);
		const shown = data.resultData.runData.Kling[0].data?.main[0]?.map(({ json }) => json);
		const { tasks } = await bench.emulator.state();
		expect(shown?.[0]).toMatchObject({ taskId: tasks[0].taskId, status: 'pending' });
		expect(shown?.[0].startedAt).toMatch(/^20\d\d-/);
		expect(shown?.[0].nextLook).toMatch(/^20\d\d-/);
		expect(shown?.[1]).toMatchObject({ status: 'waiting' });
	});

	test('n8n shows no look beyond the Wait Limit, however long Poll Interval is', async () => {
		const { data, error } = await bench.generate(
			parametersOf('magnific', { options: { pollInterval: 1e14, waitLimit: 30 } }),
			{ leaveAsleep: true },
		);
		expect(error).toBeUndefined();
		const [[item]] = data.resultData.runData.Kling[0].data?.main as INodeExecutionData[][];
		const { startedAt, nextLook } = item.json as Record<string, string>;
		expect(Date.parse(nextLook) - Date.parse(startedAt)).toBeLessThanOrEqual(30 * 60_000);
	});

	test('n8n shows the progress of a task where the provider tells it', async () => {
		const options = { leaveAsleep: true, executionId: 'progress' };
		await bench.emulator.set({ taskSeconds: 60 });
		const first = await bench.generate(parametersOf('magnific'), options);
		const [{ taskId }] = (await bench.emulator.state()).tasks;
		await bench.emulator.fault({
			match: { action: 'status' },
			fault: {
				kind: 'status',
				status: 200,
				body: { data: { task_id: taskId, status: 'IN_PROGRESS', progress: 30 } },
			},
		});
		await passed(first.data.waitTill!.getTime() - Date.now());
		const resume = parse(stringify(first.data)) as IRunExecutionData;
		const { data } = await bench.generate(parametersOf('magnific'), { ...options, resume });
		const shown = data.resultData.runData.Kling[0].data?.main[0]?.map(({ json }) => json);
		expect(shown).toMatchObject([{ taskId, status: 'running', progress: 30 }]);
	});

	test('a result host that is down is waited for as well, and the file is fetched once', async () => {
		const usual = structuredClone(timing.download);
		Object.assign(timing.download, { firstPause: 100, longestPause: 100, patience: 600_000 });
		await bench.emulator.fault({
			match: { action: 'download' },
			times: 2,
			fault: { kind: 'status', status: 503 },
		});
		const { items, sleeps } = await bench.generate(parametersOf('magnific'));
		Object.assign(timing.download, usual);
		expect(items[0].binary?.data.mimeType).toBe('video/mp4');
		expect(await count('download')).toBe(3);
		expect(sleeps).toBeGreaterThan(2);
		expect(await billed()).toBe(1);
	});

	test('the hints of its turns are kept for the end', async () => {
		const { hints, sleeps } = await bench.generate(
			parametersOf('magnific', { prompt: 'A dancing cat' }),
		);
		expect(sleeps).toBeGreaterThan(0);
		expect(hints.join()).toContain('@Video1');
	});

	test('a busy provider is waited for, and asked by one item at a time', async () => {
		await bench.emulator.fault({
			match: { action: 'create' },
			times: 3,
			fault: { kind: 'status', status: 429, headers: { 'retry-after': '0.1' } },
		});
		const { json, error, sleeps } = await bench.generate(parametersOf('magnific'), {
			input: [{}, {}, {}],
		});
		expect(error).toBeUndefined();
		expect(json.map(({ status }) => status)).toEqual(Array(3).fill('completed'));
		expect(sleeps).toBeGreaterThan(0);
		expect(await count('create')).toBe(6);
	});
});

describe('Kling Task Status, operation Wait', () => {
	async function taskOf(provider: string): Promise<IDataObject> {
		await bench.emulator.set({ taskSeconds: 2 });
		const { json } = await bench.generate(parametersOf(provider, { completion: 'submitOnly' }));
		return json[0];
	}

	test.each(providers)('sleeps as Generate does, with %s', async (provider) => {
		const task = await taskOf(provider);
		const { json, sleeps, error } = await bench.status(
			{ provider, operation: 'wait', options: { pollInterval: 1 } },
			{ input: [task] },
		);
		expect(error).toBeUndefined();
		expect(json[0]).toMatchObject({ taskId: task.taskId, status: 'completed' });
		expect(sleeps).toBeGreaterThan(0);
	});

	test('sends what has finished to its output, also after sleeping', async () => {
		const task = await taskOf('magnific');
		const nodes: INode[] = [
			node('Source', 'test.source', { items: JSON.stringify([{ json: task }]) }),
			node('Kling', STATUS, { operation: 'wait', routeByStatus: true }),
		];
		const { outputs, sleeps } = await execute({ credentials: bench.credentials, nodes });
		expect(sleeps).toBeGreaterThan(0);
		expect(outputs.map((items) => items.length)).toEqual([1, 0, 0]);
	});
});
