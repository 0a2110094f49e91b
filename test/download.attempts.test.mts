import { createRequire } from 'node:module';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { NodeRun } from '../nodes/shared/n8n/nodeRun.ts';
import type { KlingTask } from '../nodes/shared/task.ts';
import { loadPackage } from './engine/engine.mts';
import { built, timing } from './engine/haste.mts';

const { attemptDownload, download } =
	built<typeof import('../nodes/shared/result/download.ts')>('shared/result/download');
const { openResult } = built<typeof import('../nodes/shared/result/openResult.ts')>(
	'shared/result/openResult',
);
const { Pace } = built<typeof import('../nodes/shared/result/pace.ts')>('shared/result/pace');

/** n8n's own request function, behind `helpers.httpRequest`. */
const fromCore = createRequire(require.resolve('n8n-core'));
const { Container } = fromCore('@n8n/di');
const { OutboundHttp } = fromCore('@n8n/backend-network');

let server: Server;
let port: number;
let requests: number;
let answer: (response: ServerResponse) => void;
/** Milliseconds since 1970: passes by pauses alone. */
let now: number;
let pauses: number[];

beforeAll(async () => await loadPackage());

beforeEach(async () => {
	requests = 0;
	now = 1_000_000;
	pauses = [];
	server = createServer((_request, response) => {
		requests++;
		answer(response);
	});
	await once(server.listen(0, '127.0.0.1'), 'listening');
	({ port } = server.address() as AddressInfo);
});

afterEach(async () => {
	server.closeAllConnections();
	await new Promise((resolve) => server.close(resolve));
});

/** A run whose clock goes on by its own pauses, with the API at a base URL. */
function runAt(baseUrl: string): NodeRun {
	const clock = {
		now: () => now,
		random: () => 1,
		check: () => {},
		pause: async (milliseconds: number) => {
			pauses.push(milliseconds);
			now += milliseconds;
		},
	};
	const context = {
		getCredentials: async () => ({ apiKey: 'a-key', baseUrl }),
		helpers: {
			httpRequest: async (options: unknown) =>
				await Container.get(OutboundHttp).requests().request(options),
			httpRequestWithAuthentication: async () => {
				throw new Error('the API is down');
			},
		},
	};
	return { clock, context, signal: new AbortController().signal } as unknown as NodeRun;
}

function taskAt(link: string): KlingTask {
	return {
		provider: 'magnific',
		endpoint: 'referenceToVideo',
		taskId: 'a-task',
		status: 'completed',
		providerStatus: 'COMPLETED',
		videoUrls: [link],
		createdAt: null,
		updatedAt: null,
	};
}

const PRIVATE_API = 'http://127.0.0.1:1';

const status = (code: number, headers: Record<string, string> = {}) =>
	(answer = (response) => response.writeHead(code, headers).end());

describe('A download that does not begin', () => {
	test.each([404, 403, 400, 429, 500, 503])(
		'for HTTP %d is tried for minutes, with growing pauses, and told with its link',
		async (code) => {
			status(code);
			const attempt = await download(runAt(PRIVATE_API), taskAt(`http://127.0.0.1:${port}/a.mp4`));
			expect(attempt).toMatchObject({
				is: 'failed',
				task: { videoUrls: [`http://127.0.0.1:${port}/a.mp4`] },
			});
			const { message, details } = (attempt as { error: Error & { details: object } }).error;
			expect(message).toContain(`HTTP ${code} (tried ${requests} times in 9 minutes)`);
			expect(details).toMatchObject({ taskId: 'a-task', httpStatus: code, retryable: true });
			expect(pauses.slice(0, 7)).toEqual(
				[2, 4, 8, 16, 32, 60, 60].map((seconds) => seconds * 1000),
			);
			expect(requests).toBe(pauses.length + 1);
		},
	);

	test('waits as long as Retry-After asks', async () => {
		status(429, { 'retry-after': '90' });
		const run = runAt(PRIVATE_API);
		const attempt = await attemptDownload(run, taskAt(`http://127.0.0.1:${port}/a.mp4`));
		expect(attempt).toMatchObject({ is: 'later', pause: 90_000, attempts: { failed: 1 } });
		expect(pauses).toEqual([]);
	});

	test('for want of a connection is worth another attempt', async () => {
		const link = `http://127.0.0.1:${port}/a.mp4`;
		server.close();
		const attempt = await attemptDownload(runAt(PRIVATE_API), taskAt(link));
		expect(attempt).toMatchObject({ is: 'later', reason: expect.stringContaining('ECONNREFUSED') });
	});

	test('counts on from what an earlier attempt has stored', async () => {
		status(404);
		const run = runAt(PRIVATE_API);
		const task = taskAt(`http://127.0.0.1:${port}/a.mp4`);
		const stored = { failed: 3, since: now - 60_000 };
		expect(await attemptDownload(run, task, stored)).toMatchObject({
			is: 'later',
			pause: 16_000,
			attempts: { failed: 4, since: stored.since },
		});
		const late = { failed: 3, since: now - timing.download.patience };
		expect(await attemptDownload(run, task, late)).toMatchObject({ is: 'failed' });
	});

	test.each([402, 405, 451])('for HTTP %d is not tried again', async (code) => {
		status(code);
		const attempt = await download(runAt(PRIVATE_API), taskAt(`http://127.0.0.1:${port}/a.mp4`));
		expect(attempt).toMatchObject({ is: 'failed' });
		expect(requests).toBe(1);
	});
});

describe('A link that points inward', () => {
	test.each(['127.0.0.1', 'localhost', '169.254.169.254', '10.0.0.8', '[::1]'])(
		'to %s is not asked for where the API is public',
		async (host) => {
			const attempt = await download(
				runAt('https://api.magnific.com'),
				taskAt(`http://${host}:${port}/a.mp4`),
			);
			expect(attempt).toMatchObject({ is: 'failed' });
			expect((attempt as { error: Error }).error.message).toContain('is no public address');
			expect(requests).toBe(0);
		},
	);

	test('is not followed from a redirect', async () => {
		answer = (response) =>
			response.writeHead(302, { location: `http://127.0.0.1:${port}/inside` }).end();
		const opening = openResult(runAt(PRIVATE_API), {
			link: `http://localhost:${port}/a.mp4`,
			from: 0,
			signal: new AbortController().signal,
			isForbidden: (hostname) => hostname === '127.0.0.1',
		});
		await expect(opening).rejects.toThrow('which is no public address');
		expect(requests).toBeLessThanOrEqual(1);
	});
});

describe('The pace of a host', () => {
	const SLOWEST = 16;
	const WINDOW = 60_000;

	test('is judged once a whole window has passed', () => {
		const pace = new Pace(0, SLOWEST, WINDOW);
		expect(pace.isTooSlow(WINDOW - 1)).toBe(false);
		expect(pace.isTooSlow(WINDOW)).toBe(true);
	});

	test('is fast enough with just what is asked for', () => {
		const pace = new Pace(0, SLOWEST, WINDOW);
		pace.arrived(SLOWEST * WINDOW, 1);
		expect(pace.isTooSlow(WINDOW)).toBe(false);
		// The next window begins empty.
		expect(pace.isTooSlow(2 * WINDOW)).toBe(true);
	});

	test('does not suffer from a slow disk', () => {
		const pace = new Pace(0, SLOWEST, WINDOW);
		pace.paused(1_000);
		expect(pace.isTooSlow(10 * WINDOW)).toBe(false);
		expect(pace.silence(10 * WINDOW)).toBe(0);
		pace.resumed(10 * WINDOW);
		expect(pace.isTooSlow(11 * WINDOW - 1_001)).toBe(false);
		expect(pace.isTooSlow(11 * WINDOW - 1_000)).toBe(true);
	});

	test('knows since when nothing has come', () => {
		const pace = new Pace(0, SLOWEST, WINDOW);
		pace.arrived(1, 5_000);
		expect(pace.silence(7_000)).toBe(2_000);
	});
});
