import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { IHttpRequestOptions } from 'n8n-workflow';
import { loadPackage } from './engine/engine.mts';
import { built } from './engine/haste.mts';

const { BOUNDED, readBoundedJson, UnreadableAnswer } =
	built<typeof import('../nodes/shared/http/boundedJson.ts')>('shared/http/boundedJson');

/** n8n's own request function, behind `helpers.httpRequest`. */
const fromCore = createRequire(require.resolve('n8n-core'));
const { Container } = fromCore('@n8n/di');
const { OutboundHttp } = fromCore('@n8n/backend-network');

let server: Server;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let acceptEncoding: string | undefined;
let sent: number;
const closed: Array<Promise<unknown>> = [];

beforeAll(async () => await loadPackage());

beforeEach(async () => {
	sent = 0;
	server = createServer((request, response) => {
		acceptEncoding = request.headers['accept-encoding'] as string | undefined;
		closed.push(once(request.socket, 'close'));
		answer(request, response);
	});
	await once(server.listen(0, '127.0.0.1'), 'listening');
});

afterEach(async () => {
	// A connection that the reader leaves open would keep this from ending.
	await Promise.all(closed.splice(0));
	await new Promise((resolve) => server.close(resolve));
});

const limits = { maxBytes: 10_000, timeout: 2_000 };

async function read(overrides: Partial<typeof limits> = {}): Promise<unknown> {
	const connection = new AbortController();
	const { port } = server.address() as AddressInfo;
	const options: IHttpRequestOptions = {
		...BOUNDED,
		url: `http://127.0.0.1:${port}/`,
		method: 'GET',
		json: true,
		abortSignal: connection.signal,
	};
	const response = await Container.get(OutboundHttp).requests().request(options);
	return await readBoundedJson(response, () => connection.abort(), { ...limits, ...overrides });
}

/** Answers with a body, and counts what is taken of it. */
function serve(body: Buffer | string, headers: Record<string, string> = {}): void {
	answer = (_request, response) => response.writeHead(200, headers).end(body);
}

/** Answers with a body that does not end, in pieces, as long as somebody reads. */
function serveForEver(piece: Buffer): void {
	answer = (_request, response) => {
		const write = (): void => {
			sent += piece.length;
			response.write(piece, (error) => {
				if (!error && !response.destroyed) setImmediate(write);
			});
		};
		write();
	};
}

describe('A bounded answer', () => {
	test('is read as JSON, and asked for unpacked', async () => {
		serve('{"a":["ü"]}');
		expect(await read()).toEqual({ a: ['ü'] });
		expect(acceptEncoding).toBe('identity');
	});

	test.each(['<!doctype html>', 'error code: 1010', ''])(
		'that is no JSON comes as its text: %j',
		async (text) => {
			serve(text);
			expect(await read()).toBe(text);
		},
	);

	test('loses its byte order mark', async () => {
		serve('\uFEFF{}');
		expect(await read()).toEqual({});
	});

	test('that announces more than is allowed is refused', async () => {
		serve('x'.repeat(10_001));
		await expect(read()).rejects.toThrow('the answer is longer than 10 KiB');
	});

	test('that has exactly as much as is allowed is read', async () => {
		serve(`"${'x'.repeat(9_998)}"`);
		expect(await read()).toHaveLength(9_998);
	});

	test('without a length is given up when it is too long, and its host stops sending', async () => {
		serveForEver(Buffer.alloc(16_384, 'x'));
		await expect(read()).rejects.toThrow('the answer is longer than 10 KiB');
		await Promise.all(closed);
		const atTheEnd = sent;
		await new Promise((resolve) => setImmediate(resolve));
		expect(sent).toBe(atTheEnd);
	});

	const bomb = Buffer.alloc(50_000_000, ' ');
	test.each([
		['gzip', gzipSync(bomb)],
		['deflate', deflateSync(bomb)],
		['br', brotliCompressSync(bomb)],
	])('that comes packed (%s) is unpacked up to what is allowed', async (coding, body) => {
		serve(body, { 'content-encoding': coding, 'content-length': String(body.length) });
		const before = process.memoryUsage().arrayBuffers;
		await expect(read()).rejects.toThrow('the answer is longer than 10 KiB');
		expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(5_000_000);
	});

	test.each(['{}', `{"a":"${'x'.repeat(5_000)}"}`])(
		'that comes packed and is not too long is read, whatever length it announces',
		async (text) => {
			const body = gzipSync(text);
			serve(body, { 'content-encoding': 'gzip', 'content-length': String(body.length) });
			expect(await read()).toEqual(JSON.parse(text));
		},
	);

	test('that comes packed without a length is bound by what is allowed', async () => {
		const body = gzipSync(bomb);
		answer = (_request, response) => {
			response.writeHead(200, { 'content-encoding': 'gzip' });
			response.write(body.subarray(0, 10));
			response.end(body.subarray(10));
		};
		await expect(read()).rejects.toThrow('the answer is longer than 10 KiB');
	});

	test('in a coding that n8n does not know is refused', async () => {
		serve('xx', { 'content-encoding': 'gzip, gzip' });
		await expect(read()).rejects.toThrow('came packed, which was not asked for (gzip, gzip)');
	});

	test('that breaks off is no answer', async () => {
		answer = (request, response) => {
			response.writeHead(200, { 'content-length': '100' });
			response.write('{"a":', () => request.socket.destroy());
		};
		await expect(read()).rejects.toThrow(UnreadableAnswer);
	});

	test.each(['"a"', '17', 'null', '{"a":[]', '[1'])(
		'that breaks off behind %s is no answer: more may have followed',
		async (text) => {
			answer = (request, response) => {
				response.writeHead(200, { 'content-length': '100' });
				response.write(text, () => request.socket.destroy());
			};
			await expect(read()).rejects.toThrow(UnreadableAnswer);
		},
	);

	test('that breaks off behind the last bracket of its JSON is read', async () => {
		answer = (request, response) => {
			response.writeHead(200, { 'content-length': '100' });
			response.write('{"a":[1]}', () => setTimeout(() => request.socket.destroy(), 50));
		};
		expect(await read()).toEqual({ a: [1] });
	});

	test('that never ends is given up when its time is over', async () => {
		answer = (_request, response) => void response.write('{');
		await expect(read({ timeout: 50 })).rejects.toThrow('the answer takes more than 0.05 s');
	});
});
