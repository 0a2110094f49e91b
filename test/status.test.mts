import { describe, expect, test } from '@jest/globals';
import type { IDataObject, INodeParameters } from 'n8n-workflow';
import { execute, GENERATE, node, STATUS } from './engine/engine.mts';
import { timing } from './engine/haste.mts';
import { useBench } from './engine/setup.mts';
import { until } from './engine/until.mts';

const bench = useBench();

/** A task that nobody paid for, at the emulator. */
const seed = async (task: Record<string, unknown> = {}): Promise<string> =>
	(await bench.emulator.seed(task)).taskId;

describe('Get', () => {
	test('tells the status of a bare task ID', async () => {
		const taskId = await seed({ taskSeconds: 600 });
		const { json, items } = await bench.status({ taskId });
		expect(json[0]).toMatchObject({ provider: 'magnific', endpoint: 'referenceToVideo', taskId });
		expect(['pending', 'running']).toContain(json[0].status);
		expect(items[0].pairedItem).toEqual({ item: 0 });
	});

	test('brings the video of a finished task along, unless told not to', async () => {
		const taskId = await seed({ status: 'completed' });
		const { items } = await bench.status({ taskId });
		expect(items[0].binary?.data).toMatchObject({ fileName: `${taskId}.mp4` });
		const { items: without } = await bench.status({ taskId, downloadVideo: false });
		expect(without[0].binary).toBeUndefined();
	});

	test.each(['get', 'download'])(
		'(%s) asks again for a link that comes late',
		async (operation) => {
			const taskId = await seed({ status: 'completed' });
			await bench.emulator.fault({ match: { action: 'status' }, fault: { kind: 'no-video' } });
			const { json, items } = await bench.status({ operation, taskId });
			expect(json[0].videoUrl).toMatch(/^http/);
			expect(items[0].binary?.data).toBeDefined();
		},
	);

	test('reports a failed task as what it is, with the reason', async () => {
		const taskId = await seed({
			provider: 'muleRouter',
			endpoint: '/vendors/klingai/v1/kling-v3-omni/video-to-video/edit',
			status: 'failed',
			reason: 'unsafe content',
			code: 1301,
		});
		const { json, error } = await bench.status({
			provider: 'muleRouter',
			endpoint: 'videoEdit',
			taskId,
		});
		expect(error).toBeUndefined();
		expect(json[0]).toMatchObject({
			status: 'failed',
			failure: { reason: 'unsafe content', code: '1301' },
		});
		expect(json[0]).not.toHaveProperty('error');
	});

	test('of an unknown task is an error that names it and says where to look', async () => {
		const taskId = '00000000-0000-4000-8000-000000000000';
		const { error } = await bench.status({ taskId });
		expect(error?.message).toContain('Magnific does not know the task (HTTP 404)');
		expect(error?.message).toContain(taskId);
		expect(error?.description).toContain('endpoint');
	}, 20_000);

	test.each([
		['nothing', '={{ "" }}', 'Task ID is required'],
		['a path', '../../v1/other', 'Task ID must be an ID'],
		['an object', '={{ {} }}', 'Task ID'],
	])('of %s is refused before any request', async (_name, taskId, said) => {
		const { error } = await bench.status({ taskId });
		expect(error?.message).toContain(said);
		expect((await bench.emulator.state()).requests).toEqual([]);
	});
});

describe('the output of another node', () => {
	test.each([
		['magnific', {}],
		['muleRouter', { endpoint: 'referenceVideoToVideo' }],
	])('for %s is taken as it comes', async (provider, more) => {
		const { json, items, error } = await execute({
			credentials: bench.credentials,
			nodes: [
				node('Source', 'test.source', { items: '[{"json":{}}]' }),
				node('Generate', GENERATE, {
					provider,
					...more,
					prompt: 'As @Video1',
					videoUrl: bench.emulator.referenceUrl,
					completion: 'submitOnly',
				}),
				// The endpoint is left as it is: the item brings its own.
				node('Status', STATUS, { provider, operation: 'wait', options: { pollInterval: 1 } }),
			],
		});
		expect(error).toBeUndefined();
		expect(json[0]).toMatchObject({ provider, status: 'completed', ...more });
		expect(items[0].binary?.data).toBeDefined();
	});

	test('is taken for a failed item, too, whose task ID is in its details', async () => {
		const taskId = await seed({ taskSeconds: 600 });
		const { json } = await bench.status(
			{},
			{
				input: [
					{
						error: 'anything',
						details: { provider: 'magnific', endpoint: 'referenceToVideo', taskId },
					},
				],
			},
		);
		expect(json[0].taskId).toBe(taskId);
	});
});

describe('items of both providers', () => {
	test('each go to their own when Provider is an expression', async () => {
		const input = [
			{ provider: 'magnific', endpoint: 'referenceToVideo', taskId: await seed() },
			{
				provider: 'muleRouter',
				endpoint: 'videoToVideo',
				taskId: await seed({ provider: 'muleRouter' }),
			},
		];
		const { json, error } = await bench.status({ provider: '={{ $json.provider }}' }, { input });
		expect(error).toBeUndefined();
		expect(json.map(({ provider, taskId }) => ({ provider, taskId }))).toEqual(
			input.map(({ provider, taskId }) => ({ provider, taskId })),
		);
	});

	test('are told apart from the provider chosen in the node', async () => {
		const { error } = await bench.status(
			{ provider: 'magnific' },
			{ input: [{ provider: 'muleRouter', endpoint: 'videoEdit', taskId: 'abc' }] },
		);
		expect(error?.message).toContain("the item's task belongs to MuleRouter");
	});
});

describe('Wait', () => {
	test('waits for several tasks at once', async () => {
		const ids = await Promise.all([0, 1, 2].map(async () => await seed({ taskSeconds: 600 })));
		const waiting = bench.status(
			{ operation: 'wait', options: { pollInterval: 1 } },
			{ input: ids.map((taskId) => ({ taskId })) },
		);
		await until(async () => {
			const { requests } = await bench.emulator.state();
			return ids.every((id) => requests.some(({ taskId }) => taskId === id));
		}, 'each task has been looked at while none has ended');
		await bench.emulator.complete(...ids);
		const { json } = await waiting;
		expect(json.map(({ taskId, status }) => [taskId, status])).toEqual(
			ids.map((id) => [id, 'completed']),
		);
	});

	test('gives up at the limit with timedOut, and says so of a failed task', async () => {
		const slow = await seed({ taskSeconds: 600 });
		const { json } = await bench.status({
			operation: 'wait',
			taskId: slow,
			options: { waitLimit: 0.02, pollInterval: 1 },
		});
		expect(json[0]).toMatchObject({ taskId: slow, timedOut: true });
		const failed = await seed({ status: 'failed' });
		const { error } = await bench.status({ operation: 'wait', taskId: failed });
		expect(error?.message).toContain(failed);
	});
});

describe('Wait with an ID that is wrong', () => {
	test('ends after a few looks, as the task is not taken for one that was created a moment ago', async () => {
		const { unknownAge } = timing.wait;
		// The time for a new task stays what it is, minutes.
		timing.wait.unknownAge = 0;
		try {
			const { error } = await bench.status({
				operation: 'wait',
				taskId: 'no-such-task',
				options: { pollInterval: 1 },
			});
			expect(error?.message).toContain('does not know the task');
		} finally {
			timing.wait.unknownAge = unknownAge;
		}
		const { requests } = await bench.emulator.state();
		expect(requests.map(({ action }) => action)).toEqual(
			Array.from({ length: timing.wait.maxRefusals }, () => 'status'),
		);
	});
});

describe('Wait behind a firewall', () => {
	test.each([401, 403, 404])(
		'outlasts its pages with HTTP %i, which tell nothing about the task',
		async (status) => {
			const taskId = await seed({ status: 'completed' });
			await bench.emulator.fault({
				match: { action: 'status' },
				times: timing.wait.maxRefusals + 2,
				fault: { kind: 'html', status },
			});
			const { json, error } = await bench.status({
				operation: 'wait',
				taskId,
				options: { pollInterval: 1 },
			});
			expect(error).toBeUndefined();
			expect(json[0]).toMatchObject({ taskId, status: 'completed' });
		},
	);
});

describe('Download', () => {
	test('fetches the file', async () => {
		const taskId = await seed({ status: 'completed' });
		const { items } = await bench.status({
			operation: 'download',
			taskId,
			binaryPropertyName: 'clip',
		});
		expect(items[0].binary?.clip).toMatchObject({
			fileName: `${taskId}.mp4`,
			mimeType: 'video/mp4',
		});
	});

	test('of a task that is not finished says so', async () => {
		const taskId = await seed({ taskSeconds: 600 });
		const { error } = await bench.status({ operation: 'download', taskId });
		expect(error?.message).toContain('The video is not finished yet');
		expect(error?.description).toContain('Wait');
	});
});

describe('Get Many', () => {
	test("lists Magnific's tasks, up to the limit", async () => {
		const ids = [await seed(), await seed(), await seed()];
		const all = await bench.status({ operation: 'getMany', returnAll: true });
		expect(all.json.map(({ taskId }) => taskId).sort()).toEqual([...ids].sort());
		expect(all.items.every(({ pairedItem }) => (pairedItem as { item: number }).item === 0)).toBe(
			true,
		);
		const two = await bench.status({ operation: 'getMany', limit: 2 });
		expect(two.json).toHaveLength(2);
	});

	test.each<[unknown, string]>([
		[-1, '-1'],
		[0, '0'],
		[1.5, '1.5'],
		['={{ "few" }}', '"few"'],
	])('refuses the limit %j', async (limit, got) => {
		const { error } = await bench.status({ operation: 'getMany', limit: limit as number });
		expect(error?.message).toBe(`Limit must be a whole number of at least 1 (got ${got})`);
	});

	test('refuses a Return All that is no switch', async () => {
		const { error } = await bench.status({ operation: 'getMany', returnAll: '={{ "no" }}' });
		expect(error?.message).toBe('Return All must be true or false (got "no")');
	});

	test('is refused for MuleRouter, which has no list', async () => {
		const { error } = await bench.status({ provider: 'muleRouter', operation: 'getMany' });
		expect(error?.message).toContain('MuleRouter has no list of tasks');
	});

	test.each([
		[401, 'does not accept the API key'],
		[500, 'HTTP 500'],
	])('answered with HTTP %d is an error', async (status, said) => {
		await bench.emulator.fault({
			match: { action: 'list' },
			times: -1,
			fault: { kind: 'status', status },
		});
		const { error } = await bench.status({ operation: 'getMany' });
		expect(error?.message).toContain(said);
		expect(error?.description).not.toContain('billed');
	});
});

describe('an item that cannot be worked on', () => {
	const mule = { provider: 'muleRouter', endpoint: 'videoEdit', taskId: 'ab' };
	test.each<[string, INodeParameters, IDataObject, string]>([
		['a switch', { downloadVideo: '={{ "yes" }}' }, { taskId: 'ab' }, 'Download Video must be'],
		[
			'an option',
			{ operation: 'wait', options: { pollInterval: 0 } },
			{ taskId: 'ab' },
			'Poll Interval (Seconds) must be',
		],
		['a field', { binaryPropertyName: '={{ "" }}' }, { taskId: 'ab' }, 'Put Output File in Field'],
		['the provider', {}, mule, "the item's task belongs to MuleRouter"],
	])('says which task it is about, whatever is wrong: %s', async (_, asked, item, said) => {
		const { json } = await bench.status(asked, {
			input: [item],
			settings: { onError: 'continueRegularOutput' },
		});
		expect(json[0].error).toContain(said);
		const place = { provider: 'magnific', endpoint: 'referenceToVideo', ...item };
		expect(json[0].details).toMatchObject({ ...place, retryable: false });
	});

	test('is refused where Route by Status is no switch', async () => {
		const { error } = await bench.status({ routeByStatus: '={{ "maybe" }}', taskId: 'ab' });
		expect(error?.message).toBe('Route by Status must be true or false (got "maybe")');
	});
});

describe('Route by Status', () => {
	test('sends each item to its output', async () => {
		const ids = [
			await seed({ status: 'failed' }),
			await seed({ status: 'completed' }),
			await seed({ taskSeconds: 600 }),
		];
		const { outputs } = await bench.status(
			{ routeByStatus: true, downloadVideo: false },
			{ input: ids.map((taskId) => ({ taskId })) },
		);
		expect(outputs.map((items) => items.map(({ json }) => json.taskId))).toEqual([
			[ids[1]],
			[ids[2]],
			[ids[0]],
		]);
	});

	test('names its three outputs, and a failed wait goes to Failed', async () => {
		const taskId = await seed({ status: 'failed' });
		const { outputs, error } = await bench.status({
			operation: 'wait',
			routeByStatus: true,
			taskId,
		});
		expect(error).toBeUndefined();
		expect(outputs.map(({ length }) => length)).toEqual([0, 0, 1]);
	});

	test.each(['continueRegularOutput', 'continueErrorOutput'] as const)(
		'leaves an item that cannot be looked up to %s',
		async (onError) => {
			const taskId = await seed({ status: 'completed' });
			const { outputs } = await bench.status(
				{ routeByStatus: true, downloadVideo: false },
				{ input: [{ taskId }, { taskId: '' }], settings: { onError } },
			);
			expect(outputs[0].map(({ json }) => json.taskId)).toEqual([taskId]);
			const failed = onError === 'continueErrorOutput' ? outputs[3] : outputs[2];
			expect(failed.map(({ json }) => json.error)).toEqual(['Task ID is required']);
		},
	);

	test.each([
		['an ID that is none', { taskId: 'a/b' }, true],
		['a task of the other provider', { provider: 'muleRouter', taskId: 'ab' }, true],
		['by an expression', { taskId: 'a/b', isRouted: true }, '={{ $json.isRouted }}'],
	])(
		'sends an error to Failed also when it is all there is: %s',
		async (_, json, routeByStatus) => {
			const { outputs } = await bench.status(
				{ routeByStatus, downloadVideo: false },
				{ input: [json], settings: { onError: 'continueRegularOutput' } },
			);
			expect(outputs.map(({ length }) => length)).toEqual([0, 0, 1]);
			expect(outputs[2][0].json.error).toEqual(expect.any(String));
		},
	);

	test.each(['download', 'getMany'])(
		'has no part in %s, which has one output',
		async (operation) => {
			const { outputs } = await bench.status(
				{ operation, routeByStatus: true, taskId: 'a/b', provider: 'muleRouter' },
				{ settings: { onError: 'continueRegularOutput' } },
			);
			expect(outputs.map(({ length }) => length)).toEqual([1]);
		},
	);
});
