import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, test } from '@jest/globals';
import type { Result } from './engine/engine.mts';
import { stored } from './engine/engine.mts';
import { hurry } from './engine/haste.mts';
import { useBench } from './engine/setup.mts';

const bench = useBench();
beforeAll(hurry);

async function run(): Promise<Result> {
	return await bench.generate({ prompt: '@Video1', videoUrl: bench.emulator.referenceUrl });
}

async function downloads() {
	return (await bench.emulator.state()).requests.filter(({ action }) => action === 'download');
}

async function expectWhole({ json, items, error }: Result): Promise<void> {
	expect(error).toBeUndefined();
	const { sha256 } = (await bench.emulator.control('GET', `/tasks/${json[0].taskId}/sha256`)) as {
		sha256: string;
	};
	expect(
		createHash('sha256')
			.update(await stored(items[0]))
			.digest('hex'),
	).toBe(sha256);
}

describe('a broken connection', () => {
	test.each([
		['cut', { kind: 'cut', atBytes: 3_000_000 }],
		['stalled', { kind: 'stall', atBytes: 3_000_000 }],
	])('that is %s is taken up where it broke', async (_name, fault) => {
		await bench.emulator.set({ resultBytes: 8_000_000 });
		await bench.emulator.fault({ match: { action: 'download' }, times: 2, fault });
		await expectWhole(await run());
		const [, second] = await downloads();
		expect(second.headers.range).toMatch(/^bytes=\d+-$/);
		expect(second.headers['if-range']).toBeDefined();
	});

	test('that had not told the length is taken up where it broke', async () => {
		await bench.emulator.set({ resultBytes: 3_000_000 });
		await bench.emulator.fault({
			match: { action: 'download' },
			fault: { kind: 'cut', atBytes: 1_000_000, chunked: true },
		});
		await expectWhole(await run());
		const [first, second] = await downloads();
		expect(first.headers.range).toBeUndefined();
		expect(second.headers.range).toMatch(/^bytes=\d+-$/);
	});

	test('that does not tell the length when it is taken up is no other file', async () => {
		await bench.emulator.set({ resultBytes: 3_000_000, acceptRanges: false });
		await bench.emulator.fault(
			{ match: { action: 'download', nth: 1 }, fault: { kind: 'cut', atBytes: 1_000_000 } },
			{
				match: { action: 'download', nth: 2 },
				fault: { kind: 'cut', atBytes: 2_000_000, chunked: true },
			},
		);
		await expectWhole(await run());
		expect(await downloads()).toHaveLength(3);
	});

	test('that breaks within the first bytes is no reason to doubt the file', async () => {
		await bench.emulator.fault({
			match: { action: 'download' },
			times: 2,
			fault: { kind: 'cut', atBytes: 5 },
		});
		await expectWhole(await run());
	});

	test('at a host without ranges is read past what is there already', async () => {
		await bench.emulator.set({ resultBytes: 200_000, acceptRanges: false });
		await bench.emulator.fault({
			match: { action: 'download' },
			times: 2,
			fault: { kind: 'cut', atBytes: 90_000 },
		});
		await expectWhole(await run());
		expect(await downloads()).toHaveLength(3);
	});

	test.each([500, 502, 503, 429])('that begins with HTTP %d is tried again', async (status) => {
		await bench.emulator.fault({
			match: { action: 'download' },
			times: 2,
			fault: { kind: 'status', status },
		});
		await expectWhole(await run());
	});

	test('with another part than asked for is not pieced together wrongly', async () => {
		await bench.emulator.set({ resultBytes: 200_000 });
		await bench.emulator.fault(
			{ match: { action: 'download', nth: 1 }, times: 1, fault: { kind: 'cut', atBytes: 60_000 } },
			{ match: { action: 'download', nth: 2 }, times: 1, fault: { kind: 'wrong-range' } },
		);
		await expectWhole(await run());
	});
});

describe('a link that has expired', () => {
	test.each([403, 404, 410])('(HTTP %d) is replaced by a fresh one, once', async (status) => {
		await bench.emulator.fault({
			match: { action: 'download' },
			fault: { kind: 'status', status },
		});
		await expectWhole(await run());
		const { requests } = await bench.emulator.state();
		const order = requests.map(({ action }) => action);
		expect(order.slice(order.indexOf('download'))).toEqual(['download', 'status', 'download']);
	});

	test('again and again: the item comes out complete with its link, and says so', async () => {
		await bench.emulator.fault({
			match: { action: 'download' },
			times: -1,
			fault: { kind: 'status', status: 403 },
		});
		const { json, items, hints, error } = await run();
		expect(error).toBeUndefined();
		expect(json[0]).toMatchObject({
			status: 'completed',
			videoUrl: expect.stringMatching(/^http/),
		});
		expect(items[0].binary).toBeUndefined();
		expect(hints.join()).toContain(`could not be downloaded: the link answers HTTP 403`);
		expect(hints.join()).toContain('Kling Task Status');
		expect((await downloads()).length).toBeGreaterThan(2);
	});
});

describe('what is no video', () => {
	test.each([
		['a page of HTML', { kind: 'html', status: 200 }],
		['a text', { kind: 'not-video', contentType: 'video/mp4', body: 'Not found, sorry' }],
		['nothing', { kind: 'not-video', contentType: 'video/mp4', body: '' }],
	])('(%s) is refused, and the item comes out with its link', async (_name, fault) => {
		await bench.emulator.fault({ match: { action: 'download' }, times: -1, fault });
		const { json, items, hints, error } = await run();
		expect(error).toBeUndefined();
		expect(json[0].status).toBe('completed');
		expect(items[0].binary).toBeUndefined();
		expect(hints.join()).toContain('is no video');
	});

	test.each([
		['an empty list', { kind: 'no-video' }],
		['a script for a link', { kind: 'bad-video-url', value: 'javascript:alert(1)' }],
		['a number for a link', { kind: 'bad-video-url', value: 7 }],
		['a relative link', { kind: 'bad-video-url', value: '/a.mp4' }],
	])('(%s) is a failed task, whose id is told', async (_name, fault) => {
		await bench.emulator.fault({ match: { action: 'status' }, times: -1, fault });
		const { error } = await run();
		const [{ taskId }] = (await bench.emulator.state()).tasks;
		expect(error?.message).toContain('has no link to a video');
		expect(error?.context.details).toMatchObject({ taskId, status: 'failed' });
		expect(await downloads()).toEqual([]);
	});

	test('(a link that is late) is asked for again', async () => {
		await bench.emulator.fault({
			match: { action: 'status' },
			times: 2,
			fault: { kind: 'no-video' },
		});
		await expectWhole(await run());
	});
});

describe('the operation Download', () => {
	test('is an error when the file cannot be had', async () => {
		const { taskId } = (await bench.emulator.control('POST', '/tasks', {
			provider: 'magnific',
			status: 'completed',
		})) as { taskId: string };
		await bench.emulator.fault({
			match: { action: 'download' },
			times: -1,
			fault: { kind: 'reset' },
		});
		const { error } = await bench.status({ operation: 'download', taskId });
		expect(error?.message).toContain(`The video of task ${taskId} could not be downloaded`);
		expect(error?.context.details).toMatchObject({ taskId, retryable: true });
	});
});
