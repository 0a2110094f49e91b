import { describe, expect, test } from '@jest/globals';
import { passed, Pauses, until } from './engine/pauses.mts';

/** A callback is an alarm clock for an execution that sleeps: it makes the next look come at once. */

const pauses = new Pauses();
const { bench, complete, call, idsOf, billed } = pauses;

async function looks(): Promise<number> {
	return (await bench.emulator.state()).requests.filter(({ action }) => action === 'status').length;
}

const ended = (taskId: string) => ({ task_id: taskId, status: 'COMPLETED', generated: [] });

describe('A callback to a sleeping execution', () => {
	test('wakes it, and the video comes out as without any callback', async () => {
		const asleep = await pauses.server.run('e1', pauses.workflow(2));
		expect(asleep.run.data.waitTill).toBeInstanceOf(Date);
		const { tasks } = await bench.emulator.state();
		for (const { body } of tasks) expect(body.webhook_url).toMatch(`${pauses.server.url}/e1`);
		await complete(...(await idsOf()));
		const { json, items, error } = await pauses.server.end('e1');
		expect(error).toBeUndefined();
		expect(json.map(({ taskId }) => taskId)).toEqual(await idsOf());
		expect(items.every(({ binary }) => binary?.data.mimeType === 'video/mp4')).toBe(true);
		expect(items.map(({ pairedItem }) => (pairedItem as { item: number }).item)).toEqual([0, 1]);
		expect(await billed()).toBe(2);
	});

	test('is answered at once and wakes nothing unless it names an ended task of the execution', async () => {
		await pauses.server.run('e1', pauses.workflow(1));
		const [taskId] = await idsOf();
		const bodies = [
			'nonsense',
			{},
			ended('another-task'),
			{ ...ended(taskId), status: 'IN_PROGRESS' },
			{ ...ended(taskId), task_id: [taskId] },
		];
		for (let n = 0; n < 50; n++) {
			expect(await call('e1', bodies[n % bodies.length])).toBe(200);
		}
		expect(pauses.server.ended.size).toBe(0);
		expect(await looks()).toBe(0);
	});

	test('is not believed: a forged end makes one look, and the execution sleeps on', async () => {
		await pauses.server.run('e1', pauses.workflow(1));
		const [taskId] = await idsOf();
		for (let n = 0; n < 20; n++) {
			await call('e1', { ...ended(taskId), generated: ['https://evil.example/x.mp4'] });
			await passed(20);
		}
		expect(pauses.server.ended.size).toBe(0);
		expect(pauses.server.deadline('e1')).toBeInstanceOf(Date);
		// No caller can make the execution look again and again.
		expect(await looks()).toBeLessThanOrEqual(3);
	});

	test('wakes it once, however many come in the same instant', async () => {
		await bench.emulator.set({ callbacks: { mode: 'drop' } });
		await pauses.server.run('e1', pauses.workflow(1));
		const [taskId] = await idsOf();
		await complete(taskId);
		await Promise.all(Array.from({ length: 20 }, async () => await call('e1', ended(taskId))));
		const { json } = await pauses.server.end('e1');
		expect(json).toMatchObject([{ taskId, status: 'completed' }]);
		expect(await billed()).toBe(1);
	});

	test('wakes it once in a process, though n8n works on a further call until it sleeps again', async () => {
		await bench.emulator.set({ callbacks: { mode: 'drop' } });
		await pauses.server.run('e1', pauses.workflow(2));
		const [first] = await idsOf();
		await complete(first);
		const gates: Array<() => void> = [];
		pauses.server.turn = async () => await new Promise((goOn) => gates.push(goOn));
		await Promise.all([call('e1', ended(first)), call('e1', ended(first))]);
		await passed(200);
		gates[0]();
		await until(async () => (await looks()) > 0, 'the first call has woken it');
		await until(() => pauses.server.deadline('e1') !== undefined, 'it sleeps again');
		const before = await looks();
		gates.at(1)?.();
		await passed(200);
		expect(await looks()).toBe(before);
	});

	test('may be lost: the next timer finds the video', async () => {
		await bench.emulator.set({ callbacks: { mode: 'drop' } });
		await pauses.server.run('e1', pauses.workflow(1));
		await complete(...(await idsOf()));
		await passed(100);
		const { json } = await pauses.server.expire('e1');
		expect(json[0].status).toBe('completed');
	});

	test('of the first of two nodes does not wake the second', async () => {
		await pauses.server.run('e1', pauses.twice());
		const [first] = await idsOf();
		await complete(first);
		for (let n = 0; n < 100 && (await idsOf()).length < 2; n++) await passed(50);
		for (let n = 0; n < 100 && !pauses.server.deadline('e1'); n++) await passed(50);
		const before = await looks();
		await call('e1', ended(first));
		await passed(100);
		expect(await looks()).toBe(before);
		await complete((await idsOf())[1]);
		await pauses.server.end('e1');
		expect(await billed()).toBe(2);
	});
});

describe('Pause Until Callback', () => {
	test('keeps to Max Concurrent Tasks', async () => {
		await pauses.server.run('e1', pauses.workflow(3, { options: { maxConcurrentTasks: 1 } }));
		expect(await billed()).toBe(1);
	});

	test('refuses a way to continue that there is none of', async () => {
		const { error } = await pauses.server.run('e1', pauses.workflow(1, { completion: 'later' }));
		expect(error?.message).toContain(
			'When to Continue must be one of poll, callback, submitOnly (got "later")',
		);
		expect((await bench.emulator.state()).requests).toEqual([]);
	});

	test('refuses a resume URL that a public API cannot reach, and says what to do', async () => {
		bench.credentials.magnificApi.baseUrl = 'https://api.magnific.com';
		const { error } = await pauses.server.run('e1', pauses.workflow(1));
		expect(error?.message).toContain('cannot call n8n back at 127.0.0.1');
		expect(error?.message).toContain('WEBHOOK_URL');
	});

	test("refuses a Webhook URL of the user's own beside it", async () => {
		const { error } = await pauses.server.run(
			'e1',
			pauses.workflow(1, { additionalFields: { webhookUrl: 'https://example.com/hook' } }),
		);
		expect(error?.message).toContain(
			'Webhook URL cannot be set together with Pause Until Callback',
		);
		expect((await bench.emulator.state()).requests).toEqual([]);
	});

	test('refuses MuleRouter, which has no callback per request', async () => {
		const { error } = await pauses.server.run(
			'e1',
			pauses.workflow(1, { provider: 'muleRouter', endpoint: 'videoEdit' }),
		);
		expect(error?.message).toContain('MuleRouter cannot call back per request');
		expect((await bench.emulator.state()).requests).toEqual([]);
	});
});
