import { describe, expect, test } from '@jest/globals';
import type { IDataObject, IRunExecutionData } from 'n8n-workflow';
import type { RunOptions } from './engine/engine.mts';
import { execute, withCredentials } from './engine/engine.mts';
import { passed, Pauses, until } from './engine/pauses.mts';

/** Pause Until Callback where something goes wrong around it. */

const pauses = new Pauses();
const { bench, complete, fail, call, idsOf, billed } = pauses;

const dropCallbacks = async () => await bench.emulator.set({ callbacks: { mode: 'drop' } });

const promptsOf = async () => (await bench.emulator.state()).tasks.map(({ body }) => body.prompt);

describe('n8n', () => {
	test.each([
		{ away: 3, ends: true, then: 'is asked again' },
		{ away: 15, ends: false, then: 'is given up, and the execution waits for the next call' },
	])('whose database is away for $away readings $then', async ({ away, ends }) => {
		await dropCallbacks();
		await pauses.server.run('e1', pauses.workflow(1));
		await complete(...(await idsOf()));
		pauses.breakDatabase((reading) => reading <= away);
		expect(await call('e1')).toBe(200);
		await passed(600);
		expect(pauses.server.ended.has('e1')).toBe(ends);
		if (!ends) {
			pauses.breakDatabase(() => false);
			await passed(100);
			await until(async () => {
				await call('e1');
				return pauses.server.ended.has('e1');
			});
		}
		expect((await pauses.server.end('e1')).json[0].status).toBe('completed');
	});

	test('whose database is away at the request itself is asked again', async () => {
		await dropCallbacks();
		await pauses.server.run('e1', pauses.workflow(1));
		await complete(...(await idsOf()));
		pauses.breakDatabase((reading) => reading > 1 && reading <= 5);
		await call('e1');
		expect((await pauses.server.end('e1')).json[0].status).toBe('completed');
	});

	test('whose database is away when a call comes at the end of all tries hears the call', async () => {
		await dropCallbacks();
		await pauses.server.run('e1', pauses.workflow(1));
		const [id] = await idsOf();
		let tries = 0;
		pauses.breakDatabase(async (reading) => {
			tries = reading;
			if (reading === 5) await passed(300);
			return reading <= 5;
		});
		await call('e1');
		await until(() => tries === 5);
		await complete(id);
		await call('e1');
		expect((await pauses.server.end('e1')).json[0].status).toBe('completed');
	});

	test.each(['callback', 'poll'])(
		'whose database is away after a task was created loses no task (%s)',
		async (completion) => {
			await bench.emulator.set({
				taskSeconds: completion === 'poll' ? 1 : 600,
				callbacks: { mode: 'drop' },
			});
			let wasAway = false;
			pauses.breakDatabase(async () => {
				if (wasAway || (await idsOf()).length === 0) return false;
				return (wasAway = true);
			});
			const { json, error } = await pauses.server.run(
				'e1',
				pauses.workflow(1, { completion }, { onError: 'continueRegularOutput' }),
			);
			expect(wasAway).toBe(true);
			expect(error).toBeUndefined();
			expect(json[0].taskId).toBe((await idsOf())[0]);
		},
	);

	test('may be told any name of the node', async () => {
		await dropCallbacks();
		const { nodes, ...more } = pauses.workflow(1);
		await pauses.server.run('e1', {
			...more,
			nodes: [nodes[0], { ...nodes[1], name: 'a {{b}} }}"' }],
		});
		await complete(...(await idsOf()));
		await call('e1');
		expect((await pauses.server.end('e1')).json[0].status).toBe('completed');
	});

	test('that queues the execution for its turn is not given it a second time', async () => {
		await dropCallbacks();
		await pauses.server.run('e1', pauses.twice());
		await complete(...(await idsOf()));
		// As with N8N_CONCURRENCY_PRODUCTION_LIMIT, when all turns are taken.
		const queue: Array<() => void> = [];
		pauses.server.turn = async () => await new Promise<void>((begin) => queue.push(begin));
		await call('e1');
		await until(() => queue.length === 1);
		await call('e1');
		await passed(500);
		queue.shift()?.();
		await until(async () => (await idsOf()).length === 2);
		queue.shift()?.();
		await passed(500);
		expect(await billed()).toBe(2);
	});
});

describe('the provider', () => {
	test.each([
		['application/json', 1],
		['application/json', 1.1],
		['application/octet-stream', 1],
		['application/octet-stream', 1.1],
	])(
		'whose API lags behind its own callback is asked again (%s, %d)',
		async (type, typeVersion) => {
			await dropCallbacks();
			await pauses.server.run('e1', pauses.workflow(1, {}, { typeVersion }));
			const [id] = await idsOf();
			await complete(id);
			await bench.emulator.fault({
				match: { action: 'status' },
				fault: { kind: 'task-status', providerStatus: 'IN_PROGRESS' },
			});
			const told = { task_id: id, status: 'COMPLETED', generated: ['https://example.com/x.mp4'] };
			await call('e1', told, type);
			expect((await pauses.server.end('e1')).json[0].taskId).toBe(id);
		},
	);

	test('whose link comes after the callback is asked for it again', async () => {
		await dropCallbacks();
		await pauses.server.run('e1', pauses.workflow(1));
		const [id] = await idsOf();
		await bench.emulator.fault({
			match: { action: 'status' },
			times: 2,
			fault: { kind: 'no-video' },
		});
		await complete(id);
		await call('e1', {
			task_id: id,
			status: 'COMPLETED',
			generated: ['https://example.com/x.mp4'],
		});
		const { json, items } = await pauses.server.end('e1');
		expect(json[0].videoUrl).toMatch(/^http/);
		expect(items[0].binary?.data).toBeDefined();
	});

	test('that repeats the resume URL in its refusal tells nobody how to continue the execution', async () => {
		const fault = { kind: 'echo', status: 400 };
		await bench.emulator.fault({ match: { action: 'create' }, fault });
		const { error, run, log } = await pauses.server.run('e1', pauses.workflow(1));
		expect(error?.message).toContain('"webhook_url');
		const { requests } = await bench.emulator.state();
		const [{ body }] = requests.filter(({ action }) => action === 'create');
		const { search } = new URL(String((body as IDataObject).webhook_url));
		expect(search.length).toBeGreaterThan(40);
		expect(JSON.stringify([run, log, error])).not.toContain(search);
	});

	test('that is down when the node runs once more for its error need not be asked again', async () => {
		await dropCallbacks();
		await pauses.server.run('e1', pauses.workflow(1));
		const [id] = await idsOf();
		await fail(id);
		await bench.emulator.fault({
			match: { action: 'status' },
			skip: 1,
			times: -1,
			fault: { kind: 'status', status: 503 },
		});
		await call('e1');
		const { error } = await pauses.server.end('e1');
		expect(error?.message).toContain(id);
	});
});

describe('Retry On Fail with Continue On Fail', () => {
	const settings = {
		onError: 'continueRegularOutput',
		retryOnFail: true,
		maxTries: 2,
		waitBetweenTries: 1,
	} as const;

	test('never takes what waits for what was asked', async () => {
		await bench.emulator.fault({
			match: { action: 'create' },
			fault: { kind: 'status', status: 400 },
		});
		const items = [{ text: 'one' }, { text: 'two' }];
		const paused = await pauses.server.run(
			'e1',
			pauses.workflow(items, { prompt: '=@Video1 {{ $json.text }}' }, settings),
		);
		expect(paused.run.data.waitTill).toBeDefined();
		expect(await promptsOf()).toEqual(['@Video1 two']);
		await complete(...(await idsOf()));
		const { json } = await pauses.server.end('e1');
		expect(json.map(({ error, status }) => error ?? status)).toEqual([
			expect.stringContaining('HTTP 400'),
			'completed',
		]);
	});
});

describe('n8n dies right after a callback has continued the execution', () => {
	/** What is then in n8n's database, as "Retry execution" with the present workflow takes it up. */
	async function dieAfterCallback(options: RunOptions): Promise<IRunExecutionData> {
		await dropCallbacks();
		await pauses.server.run('e1', options);
		await complete(...(await idsOf()));
		await call('e1');
		await pauses.server.end('e1');
		const saved = pauses.server.resumed('e1');
		const [entry] = saved.executionData?.nodeExecutionStack ?? [];
		entry.node = withCredentials(options.nodes[1], options.credentials);
		return saved;
	}

	test.each([
		{ prompt: '=@Video1 {{ $json.text }}' },
		{ prompt: '@Video1', videoUrl: '={{ $json.videoUrl }}' },
	])('a retry passes the videos on, and pays for none made of them (%j)', async (parameters) => {
		const item = { text: 'a cat', videoUrl: bench.emulator.referenceUrl };
		const options = pauses.workflow([item], parameters);
		const saved = await dieAfterCallback(options);
		const { json, error } = await pauses.server.run('e2', { ...options, retryOf: saved });
		expect(error).toBeUndefined();
		expect(json.map(({ taskId }) => taskId)).toEqual(await idsOf());
		expect(await billed()).toBe(1);
	});
});

test('a failed item of a node without a source keeps its details', async () => {
	await bench.emulator.set({ taskSeconds: 0, failTasks: { nth: [1] } });
	const { nodes, credentials } = pauses.workflow(
		1,
		{ completion: 'poll' },
		{ onError: 'continueErrorOutput' },
	);
	const { outputs } = await execute({ credentials, nodes: [nodes[1]], start: [[{ json: {} }]] });
	expect(outputs[1][0].json.details).toMatchObject({ taskId: (await idsOf())[0] });
});
