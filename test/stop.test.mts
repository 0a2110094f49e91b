import { beforeAll, describe, expect, jest, test } from '@jest/globals';
import { fileStore } from './engine/engine.mts';
import { hurry } from './engine/haste.mts';
import { useBench } from './engine/setup.mts';

const bench = useBench();
beforeAll(hurry);

const later = async (milliseconds: number) =>
	await new Promise((resolve) => setTimeout(resolve, milliseconds));

/** However busy the machine is: as soon as the emulator has seen such a request. */
async function requestSeen(action: string): Promise<void> {
	for (;;) {
		const { requests } = await bench.emulator.state();
		if (requests.some((request) => request.action === action)) return;
		await later(20);
	}
}

/** Runs three items, presses Stop, and looks a while later at what was sent after a second. */
async function stopAt(action: string) {
	let stoppedAt = 0;
	const result = await bench.generate(
		{
			prompt: '@Video1',
			videoUrl: bench.emulator.referenceUrl,
			options: { maxConcurrentTasks: 2 },
		},
		{
			input: [{}, {}, {}],
			stop: requestSeen(action).then(() => {
				stoppedAt = Date.now();
			}),
		},
	);
	await later(1500);
	const state = await bench.emulator.state();
	const late = state.requests.filter(
		({ at, action }) => at > stoppedAt + 1000 && action !== 'reference',
	);
	return { ...result, ...state, late };
}

describe('Stop', () => {
	test('while waiting: nothing is sent after a second, and every task ID is in the log and the execution', async () => {
		await bench.emulator.set({ taskSeconds: 600 });
		const { late, tasks, log, data } = await stopAt('status');
		expect(late).toEqual([]);
		expect(tasks.length).toBeGreaterThan(0);
		for (const { taskId } of tasks) {
			expect(log.map(({ message }) => message)).toContain(`Kling task created: ${taskId}`);
			expect(JSON.stringify(data)).toContain(taskId);
		}
	});

	test.each(['continueRegularOutput', 'continueErrorOutput'] as const)(
		'with On Error = %s: the task ID is in the item, and the task is not forgotten',
		async (onError) => {
			await bench.emulator.set({ taskSeconds: 600 });
			const { outputs, data } = await bench.generate(
				{ prompt: '@Video1', videoUrl: bench.emulator.referenceUrl },
				{ settings: { onError }, stop: requestSeen('status') },
			);
			const [{ taskId }] = (await bench.emulator.state()).tasks;
			const details = { provider: 'magnific', endpoint: 'referenceToVideo', taskId };
			expect(outputs.flat().map(({ json }) => json)).toEqual([
				{ error: 'The execution was stopped', details },
			]);
			expect(JSON.stringify(data.executionData?.contextData)).toContain(taskId);
		},
	);

	test('while a task is being created: its answer is heard out, and its ID is in the log', async () => {
		await bench.emulator.set({ taskSeconds: 600 });
		await bench.emulator.fault({ match: { action: 'create' }, fault: { kind: 'slow', ms: 200 } });
		const { late, tasks, log } = await stopAt('create');
		expect(late).toEqual([]);
		expect(tasks).toHaveLength(1);
		expect(log.map(({ message }) => message)).toContain(`Kling task created: ${tasks[0].taskId}`);
	});

	test('while the answer is lost: the log names what may have been created', async () => {
		await bench.emulator.fault({
			match: { action: 'create' },
			fault: { kind: 'hang', makeTask: true },
		});
		const { tasks, log, late } = await stopAt('create');
		expect(late).toEqual([]);
		expect(tasks).toHaveLength(1);
		expect(log.map(({ message }) => message).join('\n')).toContain(tasks[0].taskId);
	});

	test.each([
		['while downloading', 0],
		['before the store has begun to take the file', 500],
	])('%s: the connection is given up', async (_when, storeDelay) => {
		const store = fileStore().store.bind(fileStore());
		const slowly = jest.spyOn(fileStore(), 'store').mockImplementation(async (...file) => {
			await later(storeDelay);
			return await store(...file);
		});
		try {
			await bench.emulator.set({ taskSeconds: 0.1, resultBytes: 5_000_000 });
			await bench.emulator.fault({
				match: { action: 'download' },
				times: -1,
				fault: { kind: 'trickle', bytesPerSecond: 100_000 },
			});
			const { requests, late } = await stopAt('download');
			expect(late).toEqual([]);
			const downloads = requests.filter(({ action }) => action === 'download');
			expect(downloads.length).toBeGreaterThan(0);
			expect(downloads.map(({ ended }) => ended)).not.toContain(null);
		} finally {
			slowly.mockRestore();
		}
	});

	test('while backing off: no further try', async () => {
		await bench.emulator.fault({
			match: { action: 'create' },
			times: -1,
			fault: { kind: 'status', status: 429, headers: { 'retry-after': '1' } },
		});
		const { late, billed } = await stopAt('create');
		expect(late).toEqual([]);
		expect(billed.total).toBe(0);
	});
});
