import { beforeEach, describe, expect, jest, test } from '@jest/globals';
import { fileStore } from './engine/engine.mts';
import type { Seen } from '../dev/emulator/client.mjs';
import { shortenPauses, timing } from './engine/haste.mts';
import { database, marks } from './engine/marks.mts';
import { useBench } from './engine/setup.mts';
import { passed, until } from './engine/until.mts';

const bench = useBench();
const unhurried = structuredClone(timing);
beforeEach(() => {
	Object.assign(timing, structuredClone(unhurried));
	shortenPauses();
});

/** Long against every pause between two requests, which are milliseconds here. */
const QUIET_MS = 1500;

/** More requests after Stop than anything under way could explain: the run has gone on. */
const GOES_ON = 20;

/** However busy the machine is: as soon as the emulator has seen such a request. */
const requestSeen = async (action: string): Promise<void> =>
	await until(
		async () => (await bench.emulator.state()).requests.some((each) => each.action === action),
		`a request "${action}" is made`,
	);

/** @returns all requests, once no further one comes */
async function untilQuiet(): Promise<Seen[]> {
	const first = (await bench.emulator.state()).requests;
	for (let known = first; ; ) {
		await passed(QUIET_MS);
		const { requests } = await bench.emulator.state();
		const isQuiet = requests.length === known.length;
		if (isQuiet || requests.length > first.length + GOES_ON) return requests;
		known = requests;
	}
}

/** Runs three items, two tasks at a time, presses Stop, and looks at what was sent after that. */
async function stopAt(action: string) {
	const result = await bench.generate(
		{
			prompt: '@Video1',
			videoUrl: bench.emulator.referenceUrl,
			options: { maxConcurrentTasks: 2 },
		},
		{ input: [{}, {}, {}], stop: requestSeen(action) },
	);
	const known = (await bench.emulator.state()).requests.length;
	const late = (await untilQuiet()).slice(known).filter((each) => each.action !== 'reference');
	return { ...result, ...(await bench.emulator.state()), late };
}

/** As many as were under way when Stop came: each of the two tasks has at most one. */
const UNDER_WAY = 2;

describe('Stop', () => {
	test('while waiting: nothing more is sent, and every task ID is in the log and the execution', async () => {
		await bench.emulator.set({ taskSeconds: 600 });
		const { late, tasks, log, data } = await stopAt('status');
		expect(late.length).toBeLessThanOrEqual(UNDER_WAY);
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
				{
					prompt: '@Video1',
					videoUrl: bench.emulator.referenceUrl,
					options: { whileWaiting: 'run' },
				},
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
		// Stop comes before the answer, however late the test sees the request.
		timing.lostAnswer.graceAfterStop = 30_000;
		timing.http.createTimeout = 30_000;
		await bench.emulator.fault({ match: { action: 'create' }, fault: { kind: 'slow', ms: 3000 } });
		const { late, tasks, log } = await stopAt('create');
		expect(late.length).toBeLessThanOrEqual(UNDER_WAY);
		expect(tasks).toHaveLength(1);
		expect(log.map(({ message }) => message)).toContain(`Kling task created: ${tasks[0].taskId}`);
	});

	test("while n8n's database takes its time for a mark: nothing is sent, and nothing is left of it", async () => {
		const { answer } = database;
		marks.clear();
		const writing = new Promise<void>((begin) => {
			database.answer = async () => {
				begin();
				await passed(50);
			};
		});
		const { data } = await bench.generate(
			{ prompt: '@Video1', videoUrl: bench.emulator.referenceUrl },
			{ stop: writing },
		);
		const requests = await untilQuiet();
		database.answer = answer;
		expect(requests.map(({ action }) => action)).not.toContain('create');
		expect([...marks.values()].flat()).toEqual([]);
		expect(JSON.stringify(data.executionData?.contextData)).not.toContain('uncertain');
	});

	test('while the answer is lost: the log names what may have been created', async () => {
		timing.http.createTimeout = 30_000;
		timing.lostAnswer.listGrace = 30_000;
		await bench.emulator.fault({
			match: { action: 'create' },
			fault: { kind: 'hang', makeTask: true },
		});
		const { tasks, log, late } = await stopAt('create');
		expect(late.length).toBeLessThanOrEqual(UNDER_WAY);
		expect(tasks).toHaveLength(1);
		expect(log.map(({ message }) => message).join('\n')).toContain(tasks[0].taskId);
	});

	test.each([
		['while downloading', 0],
		['before the store has begun to take the file', 500],
	])('%s: the connection is given up', async (_when, storeDelay) => {
		const store = fileStore().store.bind(fileStore());
		const slowly = jest.spyOn(fileStore(), 'store').mockImplementation(async (...file) => {
			await passed(storeDelay);
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
			expect(late.length).toBeLessThanOrEqual(UNDER_WAY);
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
		expect(late.length).toBeLessThanOrEqual(UNDER_WAY);
		expect(billed.total).toBe(0);
	});
});
