import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { shortenPauses, timing } from './engine/haste.mts';
import { useBench } from './engine/setup.mts';
import { until } from './engine/until.mts';

/** Answers of an API that are more than anybody asked for: what they cost, and what they mean for money. */

const bench = useBench();
const ID = '8e1e315e-b50d-4334-a231-be7d19a372f4';
const { readTimeout } = timing.http;

let server: Server;
let answers: Array<(response: ServerResponse, request: IncomingMessage) => void>;
let seen: string[];
let sent: number;

beforeAll(shortenPauses);

beforeEach(async () => {
	seen = [];
	sent = 0;
	server = createServer((request, response) => {
		request.resume();
		seen.push(request.method as string);
		// The last one answers all that follow.
		(answers.length > 1 ? answers.shift() : answers[0])?.(response, request);
	});
	await once(server.listen(0, '127.0.0.1'), 'listening');
	const { port } = server.address() as AddressInfo;
	bench.credentials.muleRouterApi.baseUrl = `http://127.0.0.1:${port}`;
});

afterEach(async () => {
	timing.http.readTimeout = readTimeout;
	// No answer may keep its connection.
	await until(
		async () => await new Promise((is) => server.getConnections((_, open) => is(open === 0))),
		'every connection is closed',
	);
	server.close();
});

function json(body: unknown, status = 200) {
	return (response: ServerResponse) =>
		response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

const created = json({ task_info: { id: ID, status: 'pending' } }, 202);
const completed = json({
	videos: ['http://127.0.0.1/a.mp4'],
	task_info: { id: ID, status: 'completed' },
});

/** A body that goes on for as long as somebody takes it. */
function endless(status: number) {
	const piece = Buffer.alloc(65_536, ' ');
	return (response: ServerResponse) => {
		response.writeHead(status, { 'content-type': 'application/json' });
		const write = () => {
			sent += piece.length;
			response.write(piece, (error) => {
				if (!error && !response.destroyed) setImmediate(write);
			});
		};
		write();
	};
}

const packed = gzipSync(Buffer.alloc(100_000_000, ' '), { level: 1 });

/** A few hundred kilobytes that are a hundred megabytes once they are unpacked. */
function bomb(status: number, withLength: boolean) {
	return (response: ServerResponse) => {
		response.writeHead(status, {
			'content-type': 'application/json',
			'content-encoding': 'gzip',
			...(withLength ? { 'content-length': packed.length } : {}),
		});
		response.end(packed);
	};
}

/** A byte from time to time, for ever. */
function drip(status: number) {
	return (response: ServerResponse) => {
		response.writeHead(status, { 'content-type': 'application/json' });
		const timer = setInterval(() => response.write(' '), 20);
		response.on('close', () => clearInterval(timer));
	};
}

function edit(more: Record<string, unknown> = {}) {
	return bench.generate({
		provider: 'muleRouter',
		endpoint: 'videoEdit',
		prompt: '@Video1',
		videoUrl: bench.emulator.referenceUrl,
		downloadVideo: false,
		options: { checkMedia: false },
		...more,
	});
}

describe('The answer to a creation', () => {
	test.each([
		['that never ends', () => endless(202)],
		['that unpacks to a hundred megabytes', () => bomb(202, false)],
		['that unpacks to more than its length', () => bomb(202, true)],
		['that drips', () => drip(202)],
		[
			'that breaks off',
			() => (response: ServerResponse) => {
				response.writeHead(202, { 'content-length': 100 }).write('{"task_info":');
				setTimeout(() => response.destroy(), 20);
			},
		],
	])('%s leaves the item uncertain: it is not sent again', async (_name, answer) => {
		timing.http.readTimeout = 500;
		answers = [answer()];
		const { error } = await edit({ completion: 'submitOnly' });
		expect(error?.message).toContain('may have created a task that is billed: no answer came');
		expect(seen).toEqual(['POST']);
	});

	test.each([401, 422])('of HTTP %d is a refusal, however much follows', async (status) => {
		answers = [endless(status)];
		const { error } = await edit({ completion: 'submitOnly' });
		expect(error?.message).toContain(`(HTTP ${status})`);
		expect(error?.description).toContain('nothing was billed');
		expect(seen).toEqual(['POST']);
		// Bytes in the buffers between the two count as sent.
		expect(sent).toBeLessThan(timing.http.maxJsonBytes + 20_000_000);
	});

	const answer = JSON.stringify({ task_info: { id: ID, status: 'pending' } });
	const small = gzipSync(answer);
	test.each<[string, (response: ServerResponse) => void]>([
		[
			'that comes packed, though it was not asked for so,',
			(response) =>
				response
					.writeHead(202, { 'content-encoding': 'gzip', 'content-length': small.length })
					.end(small),
		],
		[
			'that breaks off behind its last bracket',
			(response) => {
				response.writeHead(202, { 'content-length': 1000 }).write(answer);
				setTimeout(() => response.destroy(), 50);
			},
		],
		['that is whole and does not end', (response) => response.writeHead(202).write(answer)],
	])('%s tells its task ID', async (_name, send) => {
		timing.http.readTimeout = 500;
		answers = [send];
		const { json: items, error } = await edit({ completion: 'submitOnly' });
		expect(error).toBeUndefined();
		expect(items[0].taskId).toBe(ID);
		expect(seen).toEqual(['POST']);
	});

	test('of a megabyte is read', async () => {
		answers = [
			json({ task_info: { id: ID, status: 'pending' }, more: 'x'.repeat(1_000_000) }, 202),
		];
		const { json: items } = await edit({ completion: 'submitOnly' });
		expect(items[0].taskId).toBe(ID);
	});
});

describe('The answer to a look', () => {
	test.each([
		['that never ends', () => endless(200)],
		['that unpacks to a hundred megabytes', () => bomb(200, false)],
		['that drips', () => drip(200)],
	])('%s loses no task: the next look finds it', async (_name, answer) => {
		timing.http.readTimeout = 500;
		answers = [created, answer(), completed];
		const { json: items, error } = await edit();
		expect(error).toBeUndefined();
		expect(items[0]).toMatchObject({ taskId: ID, status: 'completed' });
		expect(seen.filter((method) => method === 'POST')).toHaveLength(1);
	});

	test('ends with Stop', async () => {
		timing.http.readTimeout = 60_000;
		answers = [created, drip(200)];
		const stop = until(() => seen.length === 2, 'the look has begun');
		const { error } = await bench.generate(
			{
				provider: 'muleRouter',
				endpoint: 'videoEdit',
				prompt: '@Video1',
				videoUrl: bench.emulator.referenceUrl,
				options: { checkMedia: false },
			},
			{ stop },
		);
		expect(error).toBeDefined();
		expect(seen).toHaveLength(2);
	});
});
