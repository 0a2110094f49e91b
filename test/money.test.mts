import { Socket } from 'node:net';
import { beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { IDataObject, INodeParameters } from 'n8n-workflow';
import { Credentials, execute, GENERATE, node } from './engine/engine.mts';
import { hurry } from './engine/haste.mts';
import { keys, useBench } from './engine/setup.mts';
import { until } from './engine/until.mts';

const bench = useBench();
beforeAll(hurry);

const retry = { retryOnFail: true, maxTries: 3, waitBetweenTries: 1 };

function magnific(more: INodeParameters = {}): INodeParameters {
	return { prompt: '@Video1', videoUrl: bench.emulator.referenceUrl, ...more };
}

function muleRouter(more: INodeParameters = {}): INodeParameters {
	return {
		provider: 'muleRouter',
		endpoint: 'videoEdit',
		prompt: '@Video1',
		videoUrl: bench.emulator.referenceUrl,
		...more,
	};
}

async function state() {
	return await bench.emulator.state();
}

async function count(action: string): Promise<number> {
	return (await state()).requests.filter((request) => request.action === action).length;
}

describe('Retry On Fail', () => {
	test('resumes the tasks it has, and creates only the missing ones', async () => {
		// The second item is refused twice; what the first and third have created must be kept.
		await bench.emulator.fault({
			match: { action: 'create' },
			skip: 1,
			times: 2,
			fault: { kind: 'status', status: 400 },
		});
		const { json, error } = await bench.generate(magnific(), {
			input: [{}, {}, {}],
			settings: retry,
		});
		expect(error).toBeUndefined();
		expect(json).toHaveLength(3);
		expect((await state()).billed.total).toBe(3);
		expect(new Set(json.map(({ taskId }) => taskId)).size).toBe(3);
	});

	test.each([
		['a parameter', "'nonsense'"],
		['its file', "$json.reference + '-gone'"],
	])(
		'names the tasks of the tries before where %s is wrong in a later one',
		async (_what, later) => {
			// The first item is created; the second is refused once, and then cannot be sent any more.
			await bench.emulator.fault({
				match: { action: 'create' },
				skip: 1,
				times: -1,
				fault: { kind: 'status', status: 400 },
			});
			const variables = { tries: 'first' };
			const running = bench.generate(
				magnific({
					videoUrl: `={{ $itemIndex === 0 || $vars.tries === 'first' ? $json.reference : ${later} }}`,
				}),
				{
					variables,
					input: [
						{ reference: bench.emulator.referenceUrl },
						{ reference: bench.emulator.referenceUrl },
					],
					settings: { ...retry, maxTries: 2, waitBetweenTries: 5000 },
				},
			);
			await until(async () => (await count('create')) === 2, 'both items were asked for');
			variables.tries = 'later';
			const { error } = await running;
			const { tasks, billed } = await state();
			expect(billed.total).toBe(1);
			expect(error?.message).toContain('Video URL');
			expect(error?.description).toContain(
				`are billed, and go on at the provider: ${tasks[0].taskId}`,
			);
		},
	);

	test('goes on with the task of an item whose parameters are wrong in a later try', async () => {
		await bench.emulator.fault({
			match: { action: 'status' },
			times: 5,
			fault: { kind: 'status', status: 401 },
		});
		const variables = { tries: 'first' };
		const running = bench.generate(
			magnific({ videoUrl: "={{ $vars.tries === 'first' ? $json.reference : 'nonsense' }}" }),
			{
				variables,
				input: [{ reference: bench.emulator.referenceUrl }],
				settings: {
					...retry,
					maxTries: 2,
					waitBetweenTries: 5000,
					onError: 'continueRegularOutput',
				},
			},
		);
		await until(async () => (await count('status')) > 0, 'the task is looked at');
		variables.tries = 'later';
		const { json } = await running;
		const { tasks } = await state();
		expect(json[0]).toMatchObject({ taskId: tasks[0].taskId, status: 'completed' });
		expect((await state()).billed.total).toBe(1);
	});

	test('takes an item for the same though its prompt differs from try to try', async () => {
		await bench.emulator.fault({
			match: { action: 'status' },
			times: 5,
			fault: { kind: 'status', status: 401 },
		});
		const { json, error } = await bench.generate(
			magnific({ prompt: '=@Video1 {{ Math.random() }}' }),
			{ settings: retry },
		);
		expect(error).toBeUndefined();
		expect(json[0].status).toBe('completed');
		expect((await state()).billed.total).toBe(1);
	});

	test('does not send a request again whose answer was lost', async () => {
		await bench.emulator.fault({
			match: { action: 'create' },
			fault: { kind: 'reset', makeTask: true },
		});
		const { error } = await bench.generate(magnific(), { settings: retry });
		const { billed, tasks } = await state();
		expect(billed.total).toBe(1);
		expect(await count('create')).toBe(1);
		expect(error?.message).toContain('may have created a task that is billed');
		expect(error?.description).toContain(tasks[0].taskId);
	});

	test('does not pay again for a task that the provider gave up', async () => {
		await bench.emulator.set({ failTasks: { nth: 'all' } });
		const { error } = await bench.generate(magnific(), { settings: retry });
		const { billed, tasks } = await state();
		expect(error?.message).toContain(tasks[0].taskId);
		expect(billed.total).toBe(1);
	});

	test('also when n8n runs the node again silently, for a first item that failed', async () => {
		await bench.emulator.set({ failTasks: { nth: [1] } });
		const { json } = await bench.generate(magnific(), {
			input: [{}, {}],
			settings: { ...retry, onError: 'continueRegularOutput' },
		});
		expect(json.map((each) => each.status ?? 'error')).toEqual(['error', 'completed']);
		expect((await state()).billed.total).toBe(2);
	});

	test('in a loop pays for each round once, and for each round', async () => {
		await bench.emulator.fault({
			match: { action: 'status' },
			times: 5,
			fault: { kind: 'status', status: 403 },
		});
		const nodes = [
			node('Source', 'test.source', { items: '[{"json":{}}]' }),
			node('Kling', GENERATE, magnific(), retry),
			node('Again', 'test.again', { times: 3 }),
		];
		const to = (name: string) => [{ node: name, type: 'main' as const, index: 0 }];
		const { run, error } = await execute({
			credentials: bench.credentials,
			nodes,
			connections: {
				Source: { main: [to('Kling')] },
				Kling: { main: [to('Again')] },
				Again: { main: [to('Kling'), []] },
			},
		});
		expect(error).toBeUndefined();
		const rounds = run.data.resultData.runData.Kling;
		expect(rounds).toHaveLength(3);
		const ids = rounds.map(({ data }) => data?.main[0]?.[0].json.taskId);
		expect(new Set(ids).size).toBe(3);
		expect((await state()).billed.total).toBe(3);
	});
});

describe('Retry Execution', () => {
	test('by a person takes up the tasks of the failed execution', async () => {
		await bench.emulator.set({ taskSeconds: 1 });
		await bench.emulator.fault({
			match: { action: 'status' },
			times: 5,
			fault: { kind: 'status', status: 401 },
		});
		const failed = await bench.generate(magnific());
		expect(failed.error).toBeDefined();
		const { json, error } = await bench.generate(magnific(), { retryOf: failed.data });
		expect(error).toBeUndefined();
		expect(json[0].status).toBe('completed');
		expect((await state()).billed.total).toBe(1);
	});

	test('pays anew where the person asks for something else, or the provider gave up', async () => {
		await bench.emulator.set({ failTasks: { nth: [1] } });
		const failed = await bench.generate(magnific());
		expect(failed.error).toBeDefined();
		const { json } = await bench.generate(magnific(), { retryOf: failed.data });
		expect(json[0].status).toBe('completed');
		expect((await state()).billed.total).toBe(2);
	});

	test('pays anew for a task that was given up as soon as it was created', async () => {
		const dead = { data: { task_id: 'dead-1', status: 'FAILED', generated: [] } };
		await bench.emulator.fault({
			match: { action: 'create' },
			fault: { kind: 'wrong-json', body: dead },
		});
		const asked = magnific({ completion: 'submitOnly' });
		const failed = await bench.generate(asked);
		expect(failed.error?.message).toContain('Task dead-1');
		const { json, error } = await bench.generate(asked, { retryOf: failed.data });
		expect(error).toBeUndefined();
		expect(json[0]).toMatchObject({ status: 'pending' });
		expect(json[0].taskId).not.toBe('dead-1');
	});

	test('does not take the age of a task that had failed for how long tasks take', async () => {
		await bench.emulator.set({ failTasks: { nth: [1] }, taskSeconds: [0.3, 36_000] });
		const failed = await bench.generate(magnific());
		const context = JSON.parse(JSON.stringify(failed.data.executionData?.contextData));
		for (const { watch } of context['node:Kling'].klingRecord.entries) watch.since -= 60 * 60_000;
		const retryOf = {
			...failed.data,
			executionData: { ...failed.data.executionData, contextData: context },
		} as typeof failed.data;
		const before = await count('status');
		const run = bench.generate(magnific({ options: { waitLimit: 1 } }), { retryOf });
		// Taken for an hour, it would be looked at once, at its limit.
		await until(async () => (await count('status')) > before, 'the task is looked at');
		const [, { taskId }] = await bench.emulator.tasks();
		await bench.emulator.complete(taskId);
		const { json } = await run;
		expect(json[0].status).toBe('completed');
	});

	test('a finished run leaves nothing behind', async () => {
		const { data } = await bench.generate(magnific());
		const { contextData } = data.executionData ?? {};
		expect(JSON.stringify(contextData)).not.toContain('klingRecord');
	});
});

describe('a request that creates a task is repeated', () => {
	test.each([
		['429', { kind: 'status', status: 429 }],
		[
			'429 with Retry-After in seconds',
			{ kind: 'status', status: 429, headers: { 'retry-after': '0.05' } },
		],
		[
			'429 with Retry-After as a date',
			{ kind: 'status', status: 429, headers: { 'retry-after': new Date(0).toUTCString() } },
		],
		['503 in the words of the API', { kind: 'status', status: 503, body: { message: 'Down' } }],
		['503 with Retry-After', { kind: 'status', status: 503, headers: { 'retry-after': '0.05' } }],
		...[521, 523, 525, 526, 530].map((status): [string, { kind: string; status: number }] => [
			`${status} of Cloudflare, which did not reach the server`,
			{ kind: 'status', status },
		]),
	])('after %s', async (_name, fault) => {
		await bench.emulator.fault({ match: { action: 'create' }, times: 2, fault });
		const { json } = await bench.generate(magnific());
		expect(json[0].status).toBe('completed');
		expect(await count('create')).toBe(3);
		expect((await state()).billed.total).toBe(1);
	});

	test.each([
		['no time', '0'],
		['a time that is over', new Date(0).toUTCString()],
	])('at the usual pace where Retry-After names %s', async (_name, value) => {
		await bench.emulator.fault({
			match: { action: 'create' },
			times: -1,
			fault: { kind: 'status', status: 429, headers: { 'retry-after': value } },
		});
		await bench.generate(magnific({ options: { waitLimit: 1 / 60 } }));
		const tries = await count('create');
		expect(tries).toBeGreaterThan(1);
		// In a second, of pauses of 20 to 100 ms; a busy machine has fewer.
		expect(tries).toBeLessThan(40);
	});

	test('where no byte was sent', async () => {
		const list = bench.emulator.control('POST', '/refuse', { ms: 150 });
		const { json, error } = await bench.generate(magnific());
		await list;
		expect(error).toBeUndefined();
		expect(json[0].status).toBe('completed');
		expect((await state()).billed.total).toBe(1);
	});

	const connecting = (code: string) => Object.assign(new Error(code), { code, syscall: 'connect' });
	test.each([
		['a host has no route', connecting('EHOSTUNREACH')],
		[
			'none of the addresses of a host answers',
			Object.assign(new AggregateError([connecting('ETIMEDOUT'), connecting('ENETUNREACH')]), {
				code: 'ETIMEDOUT',
			}),
		],
	])('where %s', async (_name, failure) => {
		const connect = jest.spyOn(Socket.prototype, 'connect');
		// Three for the list, then one for the task.
		for (let n = 0; n < 4; n++) {
			connect.mockImplementationOnce(function (this: Socket) {
				process.nextTick(() => this.destroy(failure));
				return this;
			} as never);
		}
		const { json, error } = await bench.generate(magnific({ options: { checkMedia: false } }));
		connect.mockRestore();
		expect(error).toBeUndefined();
		expect(json[0].status).toBe('completed');
		expect((await state()).billed.total).toBe(1);
	});

	test('but not where a certificate is of an unknown issuer: the error says at once how to add one', async () => {
		const failure = { code: 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY' };
		const connect = jest.spyOn(Socket.prototype, 'connect');
		connect.mockImplementation(function (this: Socket) {
			process.nextTick(() => this.destroy(Object.assign(new Error('unknown'), failure)));
			return this;
		} as never);
		const { error } = await bench
			.generate(magnific({ options: { checkMedia: false } }))
			.finally(() => connect.mockRestore());
		expect(error?.message).toContain('shows a certificate that n8n does not accept');
		expect(error?.description).toContain('NODE_EXTRA_CA_CERTS');
		expect((await state()).requests).toEqual([]);
	});

	test('but not where the way to the host is lost after it was sent', async () => {
		await bench.emulator.fault({ match: { action: 'create' }, fault: { kind: 'slow', ms: 250 } });
		const write = Socket.prototype.write;
		const spy = jest.spyOn(Socket.prototype, 'write').mockImplementation(function (
			this: Socket,
			...given: unknown[]
		) {
			if (String(given[0]).startsWith('POST /v1/ai/reference-to-video')) {
				const failure = { code: 'EHOSTUNREACH', syscall: 'read' };
				const fail = () => this.destroy(Object.assign(new Error('no route'), failure));
				setTimeout(fail, 100);
			}
			return write.apply(this, given as Parameters<typeof write>);
		} as never);
		const { error } = await bench.generate(magnific());
		spy.mockRestore();
		expect(error?.message).toContain('may have created a task that is billed');
		expect(await count('create')).toBe(1);
	});

	test('and not for ever: the error says that nothing was sent', async () => {
		bench.credentials.magnificApi = { apiKey: keys.magnific, baseUrl: 'http://127.0.0.1:9' };
		const { error } = await bench.generate(magnific());
		expect(error?.message).toContain('Magnific could not be reached: ECONNREFUSED');
		expect(error?.description).toContain('nothing was billed');
		expect(error?.context.details).toMatchObject({ retryable: true });
	});

	test.each([400, 401, 402, 403, 404, 407, 422, 423, 451, 302])(
		'never after %d',
		async (status) => {
			await bench.emulator.fault({
				match: { action: 'create' },
				times: -1,
				fault: { kind: 'status', status },
			});
			const { error } = await bench.generate(magnific());
			expect(error?.message).toContain(`HTTP ${status}`);
			expect(await count('create')).toBe(1);
		},
	);

	test.each([
		['500', { kind: 'status', status: 500 }],
		['502', { kind: 'status', status: 502 }],
		['504', { kind: 'status', status: 504 }],
		['408', { kind: 'status', status: 408 }],
		['409, which says that it exists', { kind: 'status', status: 409 }],
		['303, which says where it is', { kind: 'status', status: 303 }],
		['520 of Cloudflare', { kind: 'status', status: 520 }],
		[
			'503 of a gateway',
			{ kind: 'status', status: 503, body: 'upstream connect error or disconnect/reset' },
		],
		['a page of HTML', { kind: 'html', status: 200 }],
		['an empty answer', { kind: 'empty' }],
		['half a JSON', { kind: 'malformed' }],
		['a cut answer', { kind: 'truncated' }],
		['a reset', { kind: 'reset' }],
		['no answer', { kind: 'hang' }],
		['no task ID', { kind: 'task-id', omit: true }],
		['a number for an answer', { kind: 'wrong-json', body: 7 }],
	])('never after %s: the error says that a task may exist, and names it', async (_name, fault) => {
		await bench.emulator.fault({
			match: { action: 'create' },
			times: -1,
			fault: fault.kind === 'task-id' ? fault : { makeTask: true, ...fault },
		});
		const { error } = await bench.generate(magnific());
		const { tasks } = await state();
		expect(await count('create')).toBe(1);
		expect(error?.message).toContain('Magnific may have created a task that is billed');
		expect(error?.description).toContain(tasks[0].taskId);
		expect(error?.context.details).toMatchObject({
			possibleTaskIds: [tasks[0].taskId],
			retryable: false,
		});
	});

	test('never, also if the credential cannot be read after it', async () => {
		await bench.emulator.fault({
			match: { action: 'create' },
			fault: { kind: 'reset', makeTask: true },
		});
		const { getDecrypted } = Credentials.prototype;
		jest.spyOn(Credentials.prototype, 'getDecrypted').mockImplementation(async function (
			this: Credentials,
			...given
		) {
			if ((await state()).billed.total > 0) throw new Error('The database is away');
			return await getDecrypted.apply(this, given);
		});
		try {
			const { error } = await bench.generate(magnific());
			expect(error?.message).toContain('Magnific may have created a task that is billed');
			expect(error?.description).toContain('Look for it in the Magnific console');
		} finally {
			jest.restoreAllMocks();
		}
	});

	test.each([
		['a number', 12345, '12345'],
		['a text with dots', 'eu1.task.7', 'eu1.task.7'],
	])('not needed where the ID is %s', async (_what, value, taskId) => {
		await bench.emulator.fault({ match: { action: 'create' }, fault: { kind: 'task-id', value } });
		const { json, error } = await bench.generate(magnific({ completion: 'submitOnly' }));
		expect(error).toBeUndefined();
		expect(json[0]).toMatchObject({ taskId });
	});

	test.each([
		['an ID that is a number', [{ task_id: 12345, status: 'CREATED' }], '12345'],
		['an ID with dots', [{ task_id: 'eu1.task.7', status: 'CREATED' }], 'eu1.task.7'],
		[
			'an entry that cannot be read',
			[{ task_id: { a: 1 }, status: 'CREATED' }],
			'Look for it in the Magnific console',
		],
	])('never: a list with %s leaves no task unsaid', async (_what, data, said) => {
		await bench.emulator.fault({
			match: { action: 'create' },
			fault: { kind: 'reset', makeTask: true },
		});
		await bench.emulator.fault({
			match: { action: 'list' },
			skip: 1,
			times: -1,
			fault: { kind: 'wrong-json', body: { data } },
		});
		const { error } = await bench.generate(magnific());
		expect(error?.description).toContain(said);
		expect(error?.description).not.toContain('most likely none was made');
	});

	test('not needed where the answer has an ID and no status', async () => {
		const taskId = '8e1e315e-b50d-4334-a231-be7d19a372f4';
		const body = { task_info: { id: taskId } };
		await bench.emulator.fault({
			match: { action: 'create' },
			fault: { kind: 'wrong-json', makeTask: true, status: 202, body },
		});
		const { json, error } = await bench.generate(muleRouter({ completion: 'submitOnly' }));
		expect(error).toBeUndefined();
		expect(json[0]).toMatchObject({ taskId, status: 'pending' });
	});

	test('never at MuleRouter, where the error says where to look', async () => {
		await bench.emulator.fault({
			match: { action: 'create' },
			fault: {
				kind: 'status',
				status: 502,
				makeTask: true,
				headers: { traceparent: '00-ab-cd-01' },
			},
		});
		const { error } = await bench.generate(muleRouter());
		expect(error?.message).toContain('MuleRouter may have created a task that is billed');
		expect(error?.message).toContain('00-ab-cd-01');
		expect(error?.description).toContain('Look for it in the MuleRouter console');
	});

	test('and names no task of before, nor of another item', async () => {
		await bench.emulator.control('POST', '/tasks', { provider: 'magnific' });
		await bench.emulator.fault({
			match: { action: 'create' },
			skip: 1,
			fault: { kind: 'status', status: 500 },
		});
		const { error } = await bench.generate(magnific(), { input: [{}, {}] });
		expect(error?.context.details).toMatchObject({ possibleTaskIds: [] });
		expect(error?.description).toContain('most likely none was made');
	});
});

describe('an error that ends the run', () => {
	test('names the other tasks that are paid', async () => {
		await bench.emulator.set({ taskSeconds: 30 });
		await bench.emulator.fault({
			match: { action: 'create' },
			skip: 2,
			fault: { kind: 'status', status: 402 },
		});
		const { error } = await bench.generate(magnific(), { input: [{}, {}, {}] });
		const { tasks } = await state();
		expect(tasks).toHaveLength(2);
		for (const { taskId } of tasks) expect(error?.description).toContain(taskId);
	});

	test('ends only after the request under way has told its task ID', async () => {
		await bench.emulator.set({ failTasks: { nth: [1] } });
		await bench.emulator.fault({
			match: { action: 'create' },
			skip: 1,
			fault: { kind: 'slow', ms: 250 },
		});
		const { error } = await bench.generate(magnific(), { input: [{}, {}], settings: retry });
		const { billed, tasks } = await state();
		expect(billed.total).toBe(2);
		expect(error?.message).toContain(tasks[0].taskId);
		expect(error?.description).toContain(tasks[1].taskId);
	});
});

describe('the spending limits', () => {
	test.each([
		['Max Tasks', { maxTasks: 2 }, 'would create 3 tasks, and Max Tasks is 2'],
		['Max Total Seconds', { maxTotalSeconds: 20 }, 'would make 21 seconds of video'],
	])('%s refuses the whole run before the first task', async (_name, options, said) => {
		const { error } = await bench.generate(
			magnific({ options, additionalFields: { duration: 7 } }),
			{ input: [{}, {}, {}] },
		);
		expect(error?.message).toContain(said);
		expect((await state()).requests).toEqual([]);
	});

	test('count an edit as the longest reference video', async () => {
		const { error } = await bench.generate(muleRouter({ options: { maxTotalSeconds: 9 } }));
		expect(error?.message).toContain('15.5 seconds of video');
	});

	test('make every item an error item with Continue On Fail', async () => {
		const { json } = await bench.generate(magnific({ options: { maxTasks: 1 } }), {
			input: [{}, {}],
			settings: { onError: 'continueRegularOutput' },
		});
		expect(json).toHaveLength(2);
		expect(json.every(({ error }) => String(error).includes('Max Tasks'))).toBe(true);
		expect((await state()).requests).toEqual([]);
	});

	test('leave an item that is wrong by itself its own error, and count no item that is only checked', async () => {
		const { json } = await bench.generate(
			magnific({ videoUrl: '={{ $json.url }}', options: { maxTasks: 1 } }),
			{
				input: [
					{ url: bench.emulator.referenceUrl },
					{ url: 'x' },
					{ url: bench.emulator.referenceUrl },
				],
				settings: { onError: 'continueRegularOutput' },
			},
		);
		expect(json.map(({ error }) => String(error).split(' ').slice(0, 2).join(' '))).toEqual([
			'This run',
			'Video URL',
			'This run',
		]);
		const { error } = await bench.generate(
			magnific({ options: { maxTasks: 1, validateOnly: true } }),
			{
				input: [{}, {}],
			},
		);
		expect(error).toBeUndefined();
	});

	test('let a run within them through', async () => {
		const { json } = await bench.generate(
			magnific({ options: { maxTasks: 2, maxTotalSeconds: 10 } }),
			{ input: [{}, {}] },
		);
		expect(json).toHaveLength(2);
	});
});

test.each([{}, retry])(
	'a task that the provider fails at once is an error, also for who does not wait, at each try (%j)',
	async (settings) => {
		const taskId = '8e1e315e-b50d-4334-a231-be7d19a372f4';
		await bench.emulator.fault({
			match: { action: 'create' },
			fault: {
				kind: 'wrong-json',
				body: { data: { task_id: taskId, status: 'FAILED', generated: [] } },
			},
		});
		const { error } = await bench.generate(magnific({ completion: 'submitOnly' }), { settings });
		expect(error?.message).toContain('Magnific could not make the video');
		expect(error?.context.details).toMatchObject({ taskId, status: 'failed' });
		expect(await count('create')).toBe(1);
	},
);

describe('Validate Only', () => {
	test('refuses a Base URL that holds a password, and shows none of it', async () => {
		bench.credentials.magnificApi.baseUrl = 'https://user:a-pass@phrase@gateway.example.com/kling';
		const { error } = await bench.generate(magnific({ options: { validateOnly: true } }));
		expect(error?.message).toContain('holds a user name or a password');
		expect(JSON.stringify([error?.message, error?.description])).not.toContain('phrase');
		expect((await state()).requests).toEqual([]);
	});

	test('puts out the exact request without a key, and sends nothing', async () => {
		const parameters = magnific({
			mode: 'pro',
			additionalFields: { duration: 8 },
			options: { validateOnly: true },
		});
		const { json } = await bench.generate(parameters);
		expect((await state()).requests.filter(({ listener }) => listener === 'api')).toEqual([]);
		expect(JSON.stringify(json)).not.toContain(keys.magnific);
		const { request } = json[0] as { request: { method: string; url: string; body: IDataObject } };
		await bench.generate({ ...parameters, options: {}, completion: 'submitOnly' });
		const sent = (await state()).requests.find(({ action }) => action === 'create');
		expect(request).toEqual({
			method: 'POST',
			url: `${bench.emulator.apiUrl}${sent?.path}`,
			body: sent?.body,
		});
	});
});

describe('too many tasks at once', () => {
	test.each([
		'{"code": "1303", "message": "parallel task over resource pack limit"}',
		'1303: parallel task over resource pack limit',
		'Kling error_code = 1303',
	])(
		'fail a task for good, and the error says that a later run may succeed: %s',
		async (reason) => {
			await bench.emulator.set({ failTasks: { nth: 'all', code: 5001, reason } });
			const { error } = await bench.generate(muleRouter(), { settings: retry });
			expect(error?.description).toContain('lower Max Concurrent Tasks');
			expect(error?.context.details).toMatchObject({ retryable: true });
			// A task was accepted: no other is made in its place.
			expect((await state()).billed.total).toBe(1);
		},
	);

	test('is not seen in a task that failed for another reason, whatever its numbers', async () => {
		await bench.emulator.set({
			failTasks: { nth: 'all', code: 1201, reason: 'A width of 1303 px is not supported' },
		});
		const { error } = await bench.generate(muleRouter());
		expect(error?.message).toContain('A width of 1303 px');
		expect((await state()).billed.total).toBe(1);
	});

	test('slow the run down and fail nothing where the creation is refused', async () => {
		await bench.emulator.set({
			maxConcurrent: { muleRouter: 2 },
			concurrencyAnswer: '429',
			taskSeconds: 0.1,
		});
		const { json, error } = await bench.generate(
			muleRouter({ options: { maxConcurrentTasks: 5 } }),
			{
				input: Array.from({ length: 8 }, () => ({})),
			},
		);
		expect(error).toBeUndefined();
		expect(json.map(({ status }) => status)).toEqual(Array(8).fill('completed'));
		expect((await state()).billed.total).toBe(8);
	});
});

describe('an error that ends a run of several items', () => {
	test('names the tasks that exist, and what Retry Execution does with each', async () => {
		await bench.emulator.fault({
			match: { action: 'create', nth: 2 },
			fault: { kind: 'reset', makeTask: true },
		});
		const { error } = await bench.generate(magnific({ completion: 'submitOnly' }), {
			input: [{}, {}],
		});
		const { tasks } = await state();
		const [first, second] = tasks.map(({ taskId }) => taskId);
		expect(error?.description).toContain(`Since this run began, Magnific lists: ${second}.`);
		expect(error?.description).toContain(`go on at the provider: ${first}.`);
		expect(error?.description).toContain('Retry Execution makes this item anew');
	});
});

describe('hints', () => {
	test('tell of a prompt that does not mention the reference video', async () => {
		const { hints } = await bench.generate(magnific({ prompt: 'A dancing cat' }));
		expect(hints.join()).toContain('@Video1');
		expect((await bench.generate(magnific())).hints).toEqual([]);
		expect((await bench.generate(magnific({ prompt: '<<<video_1>>>' }))).hints).toEqual([]);
	});

	const still = () => `${bench.emulator.mediaUrl}/start.png`;
	const element = () => ({ frontalImage: still(), referenceImages: [still()] });
	test.each<[string, () => INodeParameters, string[]]>([
		[
			'no elements at Magnific',
			() => magnific({ prompt: '@Video1 with @Element1' }),
			['@Element1'],
		],
		[
			'nothing: these are no mentions',
			() => magnific({ prompt: '@Video1 me@video2.com @image2go @Video4K' }),
			[],
		],
		['no image', () => magnific({ prompt: '@Video1 like @Image1' }), ['@Image1']],
		['a second video', () => magnific({ prompt: '@Video1 and @video2' }), ['@video2']],
		[
			'nothing: a start frame is an image',
			() => magnific({ prompt: '@Video1 @Image1', additionalFields: { imageUrl: still() } }),
			[],
		],
		[
			'a second image, twice',
			() =>
				muleRouter({
					prompt: '@Video1 @Image1 @Image2 @Image2 @Element0',
					additionalFields: { images: [still()] },
				}),
			['@Image2, @Element0'],
		],
		[
			'nothing: frames are images, too',
			() =>
				muleRouter({
					endpoint: 'videoToVideo',
					prompt: '@Video1 @Image1 @Image2 @Image3',
					videoList: { videos: [{ videoUrl: bench.emulator.referenceUrl }] },
					additionalFields: { images: [still()], firstFrame: still(), lastFrame: still() },
				}),
			[],
		],
		[
			"a second element in Kling's own form",
			() =>
				muleRouter({
					prompt: '<<<video_1>>> <<<element_1>>> <<<element_2>>> <<<image_1>>>',
					additionalFields: { elements: { elements: [element()] } },
				}),
			['<<<element_2>>>, <<<image_1>>>'],
		],
		[
			'nothing: all are there',
			() =>
				muleRouter({
					prompt: '@Video1 @Image1 @Element1',
					additionalFields: { images: [still()], elements: { elements: [element()] } },
				}),
			[],
		],
	])('tell of what a prompt mentions and its request lacks: %s', async (_, asked, named) => {
		const { hints, error } = await bench.generate({ ...asked(), options: { validateOnly: true } });
		expect(error).toBeUndefined();
		expect(hints.filter((hint) => hint.includes('mentions'))).toEqual(
			named.map((names) => expect.stringContaining(`mentions ${names}, `)),
		);
	});

	test('tell of a link that ends soon and was not used', async () => {
		await bench.emulator.set({ linkLifetimeSeconds: 60 });
		const { hints } = await bench.generate(magnific({ downloadVideo: false }));
		expect(hints.join()).toContain('works until');
		expect((await bench.generate(magnific())).hints).toEqual([]);
		expect((await bench.generate(magnific({ prompt: '<<<video_1>>>' }))).hints).toEqual([]);
	});
});

describe('whoever watches the editor', () => {
	test('is told which task it is, how long it has run and its status', async () => {
		await bench.emulator.set({ taskSeconds: 0.5 });
		const { messages, json } = await bench.generate(magnific(), { mode: 'manual' });
		expect(messages.join('\n')).toContain(`Kling task ${json[0].taskId}: IN_PROGRESS, 0 s`);
	});

	test('is told that the same step pays again, unless nothing was paid', async () => {
		const { hints } = await bench.generate(magnific({ downloadVideo: false }), { mode: 'manual' });
		expect(hints.join()).toContain('pin this output first');
		// n8n's editor pins no output with files.
		const withFile = (await bench.generate(magnific(), { mode: 'manual' })).hints.join();
		expect(withFile).toContain('click Execute step on those');
		expect(withFile).not.toContain('pin this output');
		const dry = await bench.generate(magnific({ options: { validateOnly: true } }), {
			mode: 'manual',
		});
		expect(dry.hints.join()).not.toContain('Executing this step again');
		expect((await bench.generate(magnific())).hints).toEqual([]);
	});
});

describe('A used-up plan', () => {
	test.each([
		['words of a trial', { message: 'You have reached the limit of the free trial usage' }],
		['a link to billing', { message: 'Upgrade: https://x.example/developers/dashboard/billing' }],
		['the code 1102 of Kling', { code: 1102, message: 'Resource pack exhausted' }],
		['the code 1304 of Kling', { code: 1304, message: 'IP not allowed' }],
	])('is no congestion: a 429 with %s ends the run at once', async (_name, body) => {
		await bench.emulator.fault({
			match: { action: 'create' },
			times: -1,
			fault: { kind: 'status', status: 429, body },
		});
		const { error } = await bench.generate(magnific(), { input: [{}, {}] });
		expect(await count('create')).toBe(1);
		expect(error?.message).toMatch(
			/has no allowance left|does not take requests from this address/,
		);
	});

	test('is not seen in congestion: one patience holds for all items of a run', async () => {
		await bench.emulator.fault({
			match: { action: 'create' },
			times: -1,
			fault: { kind: 'status', status: 429, body: { code: 1303, message: 'parallel task over' } },
		});
		const { json } = await bench.generate(magnific({ options: { waitLimit: 0.004 } }), {
			input: Array.from({ length: 20 }, () => ({})),
			settings: { onError: 'continueRegularOutput' },
		});
		expect(json.every(({ error }) => String(error).includes('HTTP 429'))).toBe(true);
		// In 240 ms, of pauses of 20 to 100 ms, whatever the number of items.
		expect(await count('create')).toBeLessThan(20);
	});
});

describe('Inputs that look like answers', () => {
	const hostile = [
		'%22status%22%3A%22CREATED%22',
		'%22task_info%22%3A%7B%22status%22%3A%22pending%22',
		'%7B%22data%22%3A%7B%22task_id%22%3A%22aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee%22',
		'aaaaaaaaaaaaaaaa"',
		'%5C%5C%5C%5C%5C%5C%5C%5C%5C%5C%5C%5C%5C%5C%5C%5C',
		'%00%00%00%00%00%00%00%00%00%00%00%00%00%00%00%00',
		'0123456789-0123456789-0123456789',
		'__proto__=__proto__&constructor=constructor',
	];
	const cells = ['magnific', 'muleRouter'].flatMap((provider) =>
		hostile.map((query) => [provider, query] as const),
	);

	test.each(cells)(
		'are paid for once, and their task is known: %s, ?x=%s',
		async (provider, query) => {
			const videoUrl = `${bench.emulator.referenceUrl}?x=${query}`;
			const parameters =
				provider === 'magnific' ? magnific({ videoUrl }) : muleRouter({ videoUrl });
			const { json, error } = await bench.generate(parameters, { settings: retry });
			const { tasks, billed } = await state();
			expect(error).toBeUndefined();
			expect(billed.total).toBe(1);
			expect(json[0]).toMatchObject({ taskId: tasks[0].taskId, status: 'completed' });
		},
	);

	test('stay hidden where a refusal repeats them, and the refusal is read all the same', async () => {
		const secret = 'tokentokentokentoken';
		await bench.emulator.fault({
			match: { action: 'create' },
			fault: { kind: 'echo', status: 400 },
		});
		const videoUrl = `${bench.emulator.referenceUrl}?token=${secret}`;
		const { error, log } = await bench.generate(magnific({ videoUrl }));
		expect(error?.message).toContain('Invalid request');
		const lines = log.map(({ message }) => message);
		const told = [error?.message, error?.description, error?.context, lines];
		expect(JSON.stringify(told)).not.toContain(secret);
	});
});
