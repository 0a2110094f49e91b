import { beforeEach, describe, expect, test } from '@jest/globals';
import { anotherProcess } from './engine/anotherProcess.mts';
import { passed, Pauses, until } from './engine/pauses.mts';
import { WaitingServer } from './engine/waiting.mts';

const pauses = new Pauses();
const { bench, complete, call, idsOf, billed } = pauses;

async function looks(): Promise<number> {
	return (await bench.emulator.state()).requests.filter(({ action }) => action === 'status').length;
}

/** The task of the first node is done, and its video comes slowly at the first try. */
async function pauseBeforeSlowDownload(executionId: string): Promise<void> {
	await pauses.server.run(executionId, pauses.twice());
	await complete(...(await idsOf()));
	await bench.emulator.fault({ match: { action: 'download' }, fault: { kind: 'slow', ms: 1500 } });
}

const settle = async () => await passed(150);

describe('Pause Until Callback', () => {
	test('creates all items with the resume URL, and waits without a worker', async () => {
		const paused = await pauses.server.run(
			'e1',
			pauses.workflow(5, { options: { maxConcurrentTasks: 1 } }),
		);
		expect(paused.run.data.waitTill).toBeInstanceOf(Date);
		const { tasks, billed } = await bench.emulator.state();
		expect(billed.total).toBe(5);
		for (const { body } of tasks) expect(body.webhook_url).toMatch(`${pauses.server.url}/e1`);
	});

	test('continues with the same output as waiting itself, files included', async () => {
		await pauses.server.run('e1', pauses.workflow(3));
		// The emulator calls back as the provider does, signed and at every change of status.
		await complete(...(await idsOf()));
		const { json, items, error } = await pauses.server.end('e1');
		expect(error).toBeUndefined();
		expect(json.map(({ taskId }) => taskId)).toEqual(await idsOf());
		expect(
			json.every(({ status, timedOut }) => status === 'completed' && timedOut === undefined),
		).toBe(true);
		expect(items.every(({ binary }) => binary?.data.mimeType === 'video/mp4')).toBe(true);
		expect(items.map(({ pairedItem }) => (pairedItem as { item: number }).item)).toEqual([0, 1, 2]);
		expect(await billed()).toBe(3);
	});

	test('takes no callback at its word: not the forged, the early, nor the repeated', async () => {
		await pauses.server.run('e1', pauses.workflow(2));
		const [first, second] = await idsOf();
		for (let n = 0; n < 3; n++) {
			await call('e1', {
				task_id: first,
				status: 'COMPLETED',
				generated: ['https://evil.example/x.mp4'],
			});
		}
		await call('e1', 'nonsense');
		await complete(first, first);
		await settle();
		expect(pauses.server.ended.size).toBe(0);
		await complete(second);
		const { json } = await pauses.server.end('e1');
		expect(JSON.stringify(json)).not.toContain('evil');
		expect(pauses.server.answers.every((status) => status === 200 || status === 409)).toBe(true);
	});

	test('needs but one callback of many: the others may be lost', async () => {
		await bench.emulator.set({ callbacks: { mode: 'drop' } });
		await pauses.server.run('e1', pauses.workflow(3));
		await complete(...(await idsOf()));
		await settle();
		expect(pauses.server.ended.size).toBe(0);
		await call('e1');
		expect((await pauses.server.end('e1')).json).toHaveLength(3);
	});

	test('does not wait for what has finished before it waits', async () => {
		await bench.emulator.set({ taskSeconds: 0, callbacks: { mode: 'drop' } });
		// By the time the provider has answered, the task is done.
		await bench.emulator.fault({
			match: { action: 'create' },
			times: -1,
			fault: { kind: 'slow', ms: 300 },
		});
		const { run, json, items } = await pauses.server.run('e1', pauses.workflow(2));
		expect(run.data.waitTill).toBeUndefined();
		expect(json.map(({ status }) => status)).toEqual(['completed', 'completed']);
		expect(items[1].binary?.data).toBeDefined();
	});

	test('answers the caller at once, not after the download', async () => {
		await bench.emulator.set({ callbacks: { mode: 'drop' }, resultBytes: 200_000 });
		await pauses.server.run('e1', pauses.workflow(1));
		await complete(...(await idsOf()));
		await bench.emulator.fault({
			match: { action: 'download' },
			fault: { kind: 'trickle', bytesPerSecond: 150_000 },
		});
		await call('e1');
		expect(pauses.server.ended.size).toBe(0);
		await pauses.server.end('e1');
		expect(pauses.server.slowest).toBeLessThan(300);
	});

	test('coalesces calls: twenty at once continue once, and cost few requests', async () => {
		await bench.emulator.set({ callbacks: { mode: 'drop' } });
		await pauses.server.run('e1', pauses.workflow(20));
		await complete(...(await idsOf()));
		const before = await looks();
		const statuses = await Promise.all(Array.from({ length: 20 }, async () => await call('e1')));
		expect(statuses).toEqual(Array(20).fill(200));
		const { json } = await pauses.server.end('e1');
		await settle();
		expect(json).toHaveLength(20);
		expect((await looks()) - before).toBeLessThanOrEqual(40);
		expect(pauses.server.refused).toBe(0);
	});

	test('continues once also with two processes', async () => {
		await pauses.server.close();
		pauses.server = await WaitingServer.open([
			anotherProcess('KlingV2vGenerate'),
			anotherProcess('KlingV2vGenerate'),
		]);
		await bench.emulator.set({ callbacks: { mode: 'drop' } });
		await pauses.server.run('e1', pauses.workflow(3));
		await complete(...(await idsOf()));
		await Promise.all(Array.from({ length: 20 }, async () => await call('e1')));
		const { json } = await pauses.server.end('e1');
		await settle();
		expect(json).toHaveLength(3);
		expect(pauses.server.ended.size).toBe(1);
		expect(await billed()).toBe(3);
	});

	test('asks again when a look fails: no other callback may come', async () => {
		await bench.emulator.set({ callbacks: { mode: 'drop' } });
		await pauses.server.run('e1', pauses.workflow(1));
		await complete(...(await idsOf()));
		await bench.emulator.fault(
			{ match: { action: 'status' }, fault: { kind: 'reset' } },
			{ match: { action: 'status' }, fault: { kind: 'status', status: 503 } },
		);
		expect(await call('e1')).toBe(200);
		expect((await pauses.server.end('e1')).json[0].status).toBe('completed');
	});

	test('keeps waiting at a provider that is down', async () => {
		await bench.emulator.set({ callbacks: { mode: 'drop' } });
		await pauses.server.run('e1', pauses.workflow(1));
		await complete(...(await idsOf()));
		await bench.emulator.fault({
			match: { action: 'status' },
			times: -1,
			fault: { kind: 'status', status: 503 },
		});
		expect(await call('e1')).toBe(200);
		await settle();
		expect(pauses.server.ended.size).toBe(0);
		await bench.emulator.control('DELETE', '/faults');
		await call('e1');
		expect((await pauses.server.end('e1')).json[0].status).toBe('completed');
	});

	test('a process that is late does not send an execution back that has gone on', async () => {
		await pauses.server.close();
		pauses.server = await WaitingServer.open([
			anotherProcess('KlingV2vGenerate'),
			anotherProcess('KlingV2vGenerate'),
		]);
		await bench.emulator.set({ callbacks: { mode: 'drop' } });
		await pauseBeforeSlowDownload('e1');
		await call('e1');
		await call('e1');
		await until(async () => (await idsOf()).length === 2);
		await new Promise((resolve) => setTimeout(resolve, 2000));
		expect(await idsOf()).toHaveLength(2);

		await complete(...(await idsOf()));
		await call('e1');
		expect((await pauses.server.end('e1')).json).toHaveLength(1);
		expect(await billed()).toBe(2);
	});

	test('a call for the second pause is heard while one for the first is still at work', async () => {
		await bench.emulator.set({ callbacks: { mode: 'drop' } });
		await pauseBeforeSlowDownload('e1');
		await call('e1');
		await pauses.server.expire('e1');
		await complete(...(await idsOf()));
		await call('e1');
		expect((await pauses.server.end('e1')).json).toHaveLength(1);
		expect(await billed()).toBe(2);
	});

	test('puts the task IDs out at the deadline, ready for Kling Task Status', async () => {
		await pauses.server.run('e1', pauses.workflow(2, { options: { waitLimit: 5 } }));
		const deadline = pauses.server.deadline('e1') as Date;
		expect(deadline.getTime() - Date.now()).toBeGreaterThan(4.5 * 60_000);
		expect(deadline.getTime() - Date.now()).toBeLessThan(5.1 * 60_000);
		const { json } = await pauses.server.expire('e1');
		expect(json).toEqual(
			(await idsOf()).map((taskId) =>
				expect.objectContaining({ taskId, timedOut: true, provider: 'magnific' }),
			),
		);
	});
});

describe('a task that fails', () => {
	beforeEach(async () => await bench.emulator.set({ failTasks: { nth: [2] } }));

	test('ends the execution with its error, as it does when the node waits itself', async () => {
		await pauses.server.run('e1', pauses.workflow(2));
		await complete(...(await idsOf()).slice(0, 1));
		await pauses.fail((await idsOf())[1]);
		const { error, run } = await pauses.server.end('e1');
		expect(error?.message).toContain('Magnific could not make the video');
		expect(error?.message).toContain((await idsOf())[1]);
		expect(error?.description).toContain((await idsOf())[0]);
		expect(run.data.resultData.error).toBeDefined();
	});

	test.each(['continueRegularOutput', 'continueErrorOutput'] as const)(
		'goes where %s says, and the others come out',
		async (onError) => {
			await pauses.server.run('e1', pauses.workflow(3, {}, { onError }));
			const ids = await idsOf();
			await pauses.fail(ids[1]);
			await complete(ids[0], ids[2]);
			const { outputs } = await pauses.server.end('e1');
			const all = outputs.flat();
			const failed = all.filter(({ json }) => json.error);
			expect(all).toHaveLength(3);
			expect(failed.map(({ json }) => (json.details as { taskId: string }).taskId)).toEqual([
				ids[1],
			]);
			if (onError === 'continueErrorOutput') expect(outputs[1]).toHaveLength(1);
		},
	);
});

describe('items that nothing calls back for', () => {
	const items = [{ dry: true }, { dry: false }, { url: 'nonsense' }, { dry: true }];
	const mixed = () =>
		pauses.workflow(
			items,
			{
				videoUrl: `={{ $json.url ?? "${bench.emulator.referenceUrl}" }}`,
				options: { validateOnly: '={{ $json.dry ?? false }}' },
			},
			{ onError: 'continueRegularOutput' },
		);
	const preview = {
		provider: 'magnific',
		endpoint: 'referenceToVideo',
		request: expect.objectContaining({ method: 'POST' }),
	};
	const bad = expect.objectContaining({ error: expect.stringContaining('Video URL must be') });

	test('with Validate Only per item come out beside the video, in the order of the input', async () => {
		await pauses.server.run('e1', mixed());
		const [taskId] = await idsOf();
		await complete(taskId);
		const { json, items: found } = await pauses.server.end('e1');
		const video = expect.objectContaining({ taskId, status: 'completed' });
		expect(json).toEqual([preview, video, bad, preview]);
		expect(found.map(({ pairedItem }) => (pairedItem as { item: number }).item)).toEqual([
			0, 1, 2, 3,
		]);
		expect(found.map(({ binary }) => binary !== undefined)).toEqual([false, true, false, false]);
		const { requests } = await bench.emulator.state();
		expect(requests.filter(({ path }) => path.includes('undefined'))).toEqual([]);
		expect(await billed()).toBe(1);
	});

	test('are not late at the deadline', async () => {
		await pauses.server.run('e1', mixed());
		const { json } = await pauses.server.expire('e1');
		const late = expect.objectContaining({ taskId: (await idsOf())[0], timedOut: true });
		expect(json).toEqual([preview, late, bad, preview]);
	});
});

describe('an item that cannot be created', () => {
	test('with Continue On Fail is put out with the others', async () => {
		await bench.emulator.fault({
			match: { action: 'create' },
			fault: { kind: 'status', status: 400 },
		});
		await pauses.server.run('e1', pauses.workflow(2, {}, { onError: 'continueRegularOutput' }));
		await complete(...(await idsOf()));
		const { json } = await pauses.server.end('e1');
		expect(json[0].error).toContain('HTTP 400');
		expect(json[1].status).toBe('completed');
	});
});

describe('before anything is spent', () => {
	test('a way to continue that there is none of is refused', async () => {
		const { error } = await pauses.server.run('e1', pauses.workflow(1, { completion: 'later' }));
		expect(error?.message).toContain(
			'When to Continue must be one of poll, callback, submitOnly (got "later")',
		);
		expect((await bench.emulator.state()).requests).toEqual([]);
	});

	test('a resume URL that a public API cannot reach is refused, with what to do', async () => {
		bench.credentials.magnificApi.baseUrl = 'https://api.magnific.com';
		const { error } = await pauses.server.run('e1', pauses.workflow(1));
		expect(error?.message).toContain('cannot call n8n back at 127.0.0.1');
		expect(error?.message).toContain('WEBHOOK_URL');
	});

	test("a Webhook URL of the user's own is refused beside it", async () => {
		const { error } = await pauses.server.run(
			'e1',
			pauses.workflow(1, { additionalFields: { webhookUrl: 'https://example.com/hook' } }),
		);
		expect(error?.message).toContain(
			'Webhook URL cannot be set together with Pause Until Callback',
		);
		expect((await bench.emulator.state()).requests).toEqual([]);
	});

	test('MuleRouter, which has no callback per request, is refused', async () => {
		const { error } = await pauses.server.run(
			'e1',
			pauses.workflow(1, {
				provider: 'muleRouter',
				endpoint: 'videoEdit',
			}),
		);
		expect(error?.message).toContain('MuleRouter cannot call back per request');
		expect((await bench.emulator.state()).requests).toEqual([]);
	});
});

describe('Retry On Fail', () => {
	test('creates no task twice before the pause', async () => {
		await bench.emulator.fault({
			match: { action: 'create' },
			skip: 1,
			fault: { kind: 'status', status: 400 },
		});
		const paused = await pauses.server.run(
			'e1',
			pauses.workflow(3, {}, { retryOnFail: true, maxTries: 3, waitBetweenTries: 1 }),
		);
		expect(paused.run.data.waitTill).toBeDefined();
		expect(await billed()).toBe(3);
	});
});

describe('Retry Execution', () => {
	test('asks for tasks that call back to the execution of before, and pays for none again', async () => {
		await bench.emulator.fault({
			match: { action: 'create' },
			skip: 1,
			fault: { kind: 'status', status: 400 },
		});
		const failed = await pauses.server.run('e1', pauses.workflow(2));
		expect(failed.error?.message).toContain('HTTP 400');
		const [first] = await idsOf();
		await bench.emulator.set({ callbacks: { mode: 'drop' } });
		await complete(first);
		await pauses.server.run('e2', { ...pauses.workflow(2), retryOf: failed.data });
		const [, second] = await idsOf();
		await complete(second);
		await call('e2');
		const { json, items, error } = await pauses.server.end('e2');
		expect(error).toBeUndefined();
		expect(json.map(({ taskId, status }) => [taskId, status])).toEqual([
			[first, 'completed'],
			[second, 'completed'],
		]);
		expect(items.every(({ binary }) => binary?.data)).toBe(true);
		expect(await billed()).toBe(2);
	});

	test('of a failed batch pays for the failed task alone, and pauses for it', async () => {
		await bench.emulator.set({ failTasks: { nth: [2] } });
		await pauses.server.run('e1', pauses.workflow(3));
		const [first, bad, third] = await idsOf();
		await pauses.fail(bad);
		await complete(first, third);
		const failed = await pauses.server.end('e1');
		expect(failed.error?.message).toContain(bad);
		expect(failed.error?.description).toContain(
			'Retry Execution take them up without paying twice',
		);

		const paused = await pauses.server.run('e2', { ...pauses.workflow(3), retryOf: failed.data });
		expect(paused.run.data.waitTill).toBeDefined();
		const [, , , anew] = await idsOf();
		await complete(anew);
		const { json, items, error } = await pauses.server.end('e2');
		expect(error).toBeUndefined();
		expect(json.map(({ taskId }) => taskId)).toEqual([first, anew, third]);
		expect(items.every(({ binary }) => binary?.data)).toBe(true);
		expect(await billed()).toBe(4);
	});
});
