import { beforeAll, describe, expect, test } from '@jest/globals';
import { hurry, timing } from './engine/haste.mts';
import { useBench } from './engine/setup.mts';

const bench = useBench();

/** Times are a twentieth of the real ones: tasks of three seconds stand for tasks of a minute. */
const SCALE = 20;

beforeAll(() => {
	hurry();
	timing.poll.shortest = 2_800 / SCALE;
});

describe('20 items of a minute each, three at a time', () => {
	test('take at most 1.1 times the ideal, never more than three at once, in order', async () => {
		await bench.emulator.set({ taskSeconds: 60 / SCALE, maxConcurrent: { magnific: 3 } });
		const { json, items, error, milliseconds } = await bench.generate(
			{
				prompt: '=@Video1 {{ $itemIndex }}',
				videoUrl: bench.emulator.referenceUrl,
				options: { maxConcurrentTasks: 3 },
			},
			{ input: Array.from({ length: 20 }, () => ({})) },
		);
		expect(error).toBeUndefined();
		const ideal = (7 * 60_000) / SCALE;
		process.stdout.write(
			`20 items at 3: ${milliseconds} ms, ideal ${ideal} ms, ratio ${(milliseconds / ideal).toFixed(3)}\n`,
		);
		expect(milliseconds).toBeLessThanOrEqual(1.1 * ideal);
		const { tasks, requests, billed } = await bench.emulator.state();
		expect(billed.total).toBe(20);
		// The emulator itself refuses a fourth: none was asked for.
		expect(requests.filter(({ action, status }) => action === 'create' && status === 429)).toEqual(
			[],
		);
		const promptOf = new Map(tasks.map(({ taskId, body }) => [taskId, body.prompt]));
		expect(json.map(({ taskId }) => promptOf.get(taskId as string))).toEqual(
			Array.from({ length: 20 }, (_, n) => `@Video1 ${n}`),
		);
		expect(items.every(({ binary }) => binary?.data)).toBe(true);
	});

	test('a slow download holds up no task', async () => {
		await bench.emulator.set({ taskSeconds: 0.3, resultBytes: 300_000 });
		await bench.emulator.fault({
			match: { action: 'download' },
			times: 3,
			fault: { kind: 'trickle', bytesPerSecond: 150_000 },
		});
		const { error } = await bench.generate(
			{
				prompt: '@Video1',
				videoUrl: bench.emulator.referenceUrl,
				options: { maxConcurrentTasks: 3 },
			},
			{ input: Array.from({ length: 6 }, () => ({})) },
		);
		expect(error).toBeUndefined();
		const { requests } = await bench.emulator.state();
		const begun = (action: string, n: number) =>
			requests.filter((request) => request.action === action)[n].at;
		// All tasks of the second round are under way within the two seconds that a file trickles in.
		expect(begun('create', 5) - begun('download', 0)).toBeLessThan(2000);
	});
});
