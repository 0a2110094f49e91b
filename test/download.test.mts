import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Result } from './engine/engine.mts';
import { stored } from './engine/engine.mts';
import { hurry, timing } from './engine/haste.mts';
import { useBench } from './engine/setup.mts';

const bench = useBench();
beforeEach(hurry);
/** Single tests change these. */
const bounds = { ...timing.download };
beforeEach(() => {
	// However busy the machine is, a file that comes in the end is waited for.
	timing.download.patience = 60_000;
});
afterEach(() => void Object.assign(timing.download, bounds));

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

describe('a link', () => {
	test.each([400, 401, 403, 404, 410])(
		'that answers HTTP %d at first is tried again, each time with a fresh one',
		async (status) => {
			await bench.emulator.fault({
				match: { action: 'download' },
				times: 3,
				fault: { kind: 'status', status },
			});
			await expectWhole(await run());
			const { requests } = await bench.emulator.state();
			const order = requests.map(({ action }) => action);
			expect(order.slice(order.indexOf('download'))).toEqual([
				...Array(3).fill(['download', 'status']).flat(),
				'download',
			]);
		},
	);

	test('that works no more when a broken connection is taken up is replaced', async () => {
		await bench.emulator.set({ resultBytes: 3_000_000 });
		await bench.emulator.fault(
			{ match: { action: 'download', nth: 1 }, fault: { kind: 'cut', atBytes: 1_000_000 } },
			{ match: { action: 'download', nth: 2 }, fault: { kind: 'status', status: 403 } },
		);
		await expectWhole(await run());
		const [, , third] = await downloads();
		expect(third.headers.range).toMatch(/^bytes=\d+-$/);
	});

	test('that never works: the item comes out complete with its link, and says so', async () => {
		timing.download.patience = 100;
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
		expect((await downloads()).length).toBeGreaterThan(1);
	});

	test('that redirects is followed', async () => {
		await bench.emulator.fault({
			match: { action: 'download' },
			fault: { kind: 'redirect', location: '/reference.mp4' },
		});
		const { items, error } = await run();
		expect(error).toBeUndefined();
		const reference = await (await fetch(bench.emulator.referenceUrl)).arrayBuffer();
		expect((await stored(items[0])).equals(Buffer.from(reference))).toBe(true);
	});

	test('that redirects for ever is given up after five times', async () => {
		await bench.emulator.fault({
			match: { action: 'download' },
			times: -1,
			fault: { kind: 'redirect', location: '?again' },
		});
		const { hints } = await run();
		expect(hints.join()).toContain('redirects more than 5 times');
		expect(await downloads()).toHaveLength(6);
	});
});

describe('the bounds of a download', () => {
	const expectLinkOnly = ({ json, items, error }: Result) => {
		expect(error).toBeUndefined();
		expect(json[0]).toMatchObject({ status: 'completed', videoUrl: expect.any(String) });
		expect(items[0].binary).toBeUndefined();
	};

	test('hold for a packed file: it ends at the first byte beyond the announced length', async () => {
		// To make so large a file takes the emulator a while.
		timing.download.stall = 20_000;
		await bench.emulator.set({ resultBytes: 10_000_000 });
		await bench.emulator.fault({
			match: { action: 'download' },
			times: -1,
			fault: { kind: 'packed' },
		});
		const result = await run();
		expectLinkOnly(result);
		expect(result.hints.join()).toMatch(/sends more than the \d+ bytes that it announces/);
		expect(await downloads()).toHaveLength(1);
	});

	test('hold for a packed file of unknown length: it ends at the largest size', async () => {
		timing.download.maxBytes = 5 * 1024 ** 2;
		// To make so large a file takes the emulator a while.
		timing.download.stall = 20_000;
		await bench.emulator.set({ resultBytes: 10_000_000 });
		await bench.emulator.fault({
			match: { action: 'download' },
			times: -1,
			fault: { kind: 'packed', chunked: true },
		});
		const result = await run();
		expectLinkOnly(result);
		expect(result.hints.join()).toContain('the file is larger than 5 MiB');
	});

	test('hold for a file that says itself that it is too large: none of it is taken', async () => {
		timing.download.maxBytes = 5 * 1024 ** 2;
		// To make so large a file takes the emulator a while.
		timing.download.stall = 20_000;
		await bench.emulator.set({ resultBytes: 10_000_000 });
		const result = await run();
		expectLinkOnly(result);
		expect(result.hints.join()).toContain('the file is larger than 5 MiB');
		expect(await downloads()).toHaveLength(1);
	});

	test('end a host that drips, and take the file up from another connection', async () => {
		Object.assign(timing.download, { slowestHost: 100, paceWindow: 150 });
		await bench.emulator.fault({
			match: { action: 'download' },
			times: 1,
			fault: { kind: 'trickle', bytesPerSecond: 100 },
		});
		await expectWhole(await run());
		expect(await downloads()).toHaveLength(2);
	});

	test('end a host that drips for ever', async () => {
		Object.assign(timing.download, { slowestHost: 100, paceWindow: 50, patience: 0 });
		await bench.emulator.fault({
			match: { action: 'download' },
			times: -1,
			fault: { kind: 'trickle', bytesPerSecond: 100 },
		});
		const result = await run();
		expectLinkOnly(result);
		expect(result.hints.join()).toContain('the host sends too slowly');
		expect(await downloads()).toHaveLength(timing.download.maxBreaks + 1);
	});

	test('end an attempt that takes too long, however fast its bytes come', async () => {
		Object.assign(timing.download, { longestAttempt: 0, slowestHost: 0 });
		await bench.emulator.fault({
			match: { action: 'download' },
			times: -1,
			fault: { kind: 'trickle', bytesPerSecond: 10_000 },
		});
		const result = await run();
		expectLinkOnly(result);
		expect(result.hints.join()).toContain('the file takes more than');
	});

	test('leave a download of another execution alone', async () => {
		timing.download.stall = 60_000;
		await bench.emulator.fault({
			match: { action: 'download' },
			times: 1,
			fault: { kind: 'hang' },
		});
		let stop = () => {};
		const stopped = new Promise<void>((resolve) => (stop = resolve));
		let hasEnded = false;
		const hanging = bench
			.generate({ prompt: '@Video1', videoUrl: bench.emulator.referenceUrl }, { stop: stopped })
			.finally(() => (hasEnded = true));
		while ((await downloads()).length === 0)
			await new Promise((resolve) => setTimeout(resolve, 20));
		const other = await run();
		expect(other.items[0].binary).toBeDefined();
		expect(hasEnded).toBe(false);
		stop();
		await hanging;
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
		timing.download.patience = 100;
		const { error } = await bench.status({ operation: 'download', taskId });
		expect(error?.message).toContain(`The video of task ${taskId} could not be downloaded`);
		expect(error?.context.details).toMatchObject({ taskId, retryable: true });
	});
});
