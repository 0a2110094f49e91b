import { beforeAll, describe, expect, jest, test } from '@jest/globals';
import { fileStore } from './engine/engine.mts';
import { shortenPauses, timing } from './engine/haste.mts';
import { useBench } from './engine/setup.mts';
import { until } from './engine/until.mts';

const bench = useBench();
beforeAll(shortenPauses);

describe('a batch with three tasks at a time', () => {
	const ITEMS = 9;
	const AT_ONCE = 3;

	test('creates the next task as soon as any of the three has ended, and puts items out in order', async () => {
		await bench.emulator.set({ taskSeconds: 600, maxConcurrent: { magnific: AT_ONCE } });
		const running = bench.generate(
			{
				prompt: '=@Video1 {{ $itemIndex }}',
				videoUrl: bench.emulator.referenceUrl,
				// Fixed: what is learned from tasks that end when the test says so would be of no use.
				options: { maxConcurrentTasks: AT_ONCE, pollInterval: 1 },
			},
			{ input: Array.from({ length: ITEMS }, () => ({})) },
		);
		const ended = new Set<string>();
		while (ended.size < ITEMS) {
			const created = Math.min(ended.size + AT_ONCE, ITEMS);
			await until(
				async () => (await bench.emulator.state()).tasks.length === created,
				`there are ${created} tasks, of which ${ended.size} have ended`,
			);
			const { tasks } = await bench.emulator.state();
			const open = tasks.map(({ taskId }) => taskId).filter((id) => !ended.has(id));
			// Not always the oldest one: no task waits for another.
			const ending = open[(ended.size * 7) % open.length];
			ended.add(ending);
			await bench.emulator.complete(ending);
		}
		const { json, items, error } = await running;
		expect(error).toBeUndefined();
		const { tasks, requests, billed } = await bench.emulator.state();
		expect(billed.total).toBe(ITEMS);
		// The emulator itself refuses a fourth: none was asked for.
		expect(requests.filter(({ action, status }) => action === 'create' && status === 429)).toEqual(
			[],
		);
		const promptOf = new Map(tasks.map(({ taskId, body }) => [taskId, body.prompt]));
		expect(json.map(({ taskId }) => promptOf.get(taskId as string))).toEqual(
			Array.from({ length: ITEMS }, (_, n) => `@Video1 ${n}`),
		);
		expect(items.every(({ binary }) => binary?.data)).toBe(true);
	});

	test.each(['run', 'sleep'])(
		'creates the next task also where the one before cannot be looked at any more (%s)',
		async (whileWaiting) => {
			await bench.emulator.fault({
				match: { action: 'status' },
				times: timing.wait.maxRefusals,
				fault: { kind: 'status', status: 401 },
			});
			const { json, data } = await bench.generate(
				{
					prompt: '@Video1',
					videoUrl: bench.emulator.referenceUrl,
					options: { maxConcurrentTasks: 1, whileWaiting },
				},
				{ input: [{}, {}], settings: { onError: 'continueRegularOutput' } },
			);
			expect(json).toMatchObject([
				{ error: expect.stringContaining('refuses to show the task') },
				{ status: 'completed' },
			]);
			expect(data.waitTill).toBeUndefined();
		},
	);

	test('creates the next three tasks while the videos of the first three are still being stored', async () => {
		const { stall } = timing.download;
		timing.download.stall = 600_000;
		const store = fileStore().store.bind(fileStore());
		let isOpen = false;
		const held = jest.spyOn(fileStore(), 'store').mockImplementation(async (...file) => {
			await until(() => isOpen, 'the store takes files');
			return await store(...file);
		});
		try {
			const running = bench.generate(
				{
					prompt: '@Video1',
					videoUrl: bench.emulator.referenceUrl,
					options: { maxConcurrentTasks: AT_ONCE },
				},
				{ input: Array.from({ length: 2 * AT_ONCE }, () => ({})) },
			);
			await until(
				async () => (await bench.emulator.state()).tasks.length === 2 * AT_ONCE,
				'six tasks are created while nothing is stored',
			);
			isOpen = true;
			const { error, items } = await running;
			expect(error).toBeUndefined();
			expect(items.filter(({ binary }) => binary?.data)).toHaveLength(2 * AT_ONCE);
		} finally {
			isOpen = true;
			held.mockRestore();
			timing.download.stall = stall;
		}
	});
});
