import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import type { ReadStream } from 'node:fs';
import { open as openFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createRequire } from 'node:module';
import { BinaryDataConfig, BinaryDataService, getBinaryHelperFunctions } from 'n8n-core';
import type { IBinaryData, IExecuteFunctions } from 'n8n-workflow';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
	binarySource,
	counted,
	httpSource,
	isFault,
	mediaHints,
	planCut,
	timing,
	readImage,
	readVideo,
	storedSource,
	videoProblems,
} from './media/built.mts';
import type { ByteSource } from './media/built.mts';
import { cutClips } from './media/cutClips.mts';
import { longVideo } from './media/longVideo.mts';
import { clips } from './media/clips.mts';
import { images } from './media/images.mts';

/** n8n-core's own helpers, a real HTTP server, and a real binary store on disk. */

const fromCore = createRequire(require.resolve('n8n-core'));
const { Container } = fromCore('@n8n/di');
const utils = 'n8n-core/dist/execution-engine/node-execution-context/utils';
const { getRequestHelperFunctions } = fromCore(`${utils}/request-helper-functions`);
const { assertBinaryData } = fromCore(`${utils}/binary-helper-functions`);
const node = {
	id: '1',
	name: 'Kling',
	type: 'test',
	typeVersion: 1,
	position: [0, 0],
	parameters: {},
};
const http = { helpers: getRequestHelperFunctions({}, node, {}) as IExecuteFunctions['helpers'] };

type Handler = (request: IncomingMessage, response: ServerResponse) => unknown;

let handler: Handler = () => {};
let requests: IncomingMessage[] = [];
let sent = 0;
const server = createServer((request, response) => {
	requests.push(request);
	const write = response.write.bind(response);
	response.write = ((chunk: Buffer, ...more: never[]) => {
		sent += chunk.length;
		return write(chunk, ...more);
	}) as typeof response.write;
	response.on('error', () => {});
	void handler(request, response);
});
let host = '';

beforeAll(async () => {
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	host = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
	timing.media.readTimeout = 15_000;
	requests = [];
	sent = 0;
	// A connection that was not read to its end must not be kept open.
	await until(async () => (await open()) === 0);
});

afterAll(() => {
	server.closeAllConnections();
	server.close();
});

async function open(): Promise<number> {
	return await new Promise((resolve) => server.getConnections((_, count) => resolve(count)));
}

async function pause(milliseconds: number): Promise<void> {
	await new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Waits as long as the machine takes; the test fails by its own time limit if it never comes. */
async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
	while (!(await isSo())) await pause(10);
}

/** As most hosts do it. */
function withRanges(bytes: Buffer): Handler {
	return (request, response) => {
		const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
		const start = Number(from);
		if (start >= bytes.length) {
			response.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end('no such part');
			return;
		}
		const end = Math.min(Number(to), bytes.length - 1);
		response.writeHead(206, {
			'content-range': `bytes ${start}-${end}/${bytes.length}`,
			'content-length': end - start + 1,
		});
		response.write(bytes.subarray(start, end + 1));
		response.end();
	};
}

/** As some do: the whole file, whatever was asked for. */
function withoutRanges(bytes: Buffer): Handler {
	return async (_, response) => {
		response.writeHead(200, { 'content-length': bytes.length });
		await pour(response, bytes);
	};
}

/** Sends on until the other side hangs up. */
async function pour(response: ServerResponse, bytes: Buffer, times = 1): Promise<void> {
	function* chunks() {
		for (let round = 0; round < times; round++) {
			for (let at = 0; at < bytes.length; at += 65536) yield bytes.subarray(at, at + 65536);
		}
	}
	await pipeline(Readable.from(chunks()), response).catch(() => {});
}

function video(address = `${host}/clip.mp4`, signal?: AbortSignal) {
	return readVideo(httpSource(http, address, signal));
}

/** A file of 200 MB that is not in memory: an index at the start, and nothing after it. */
async function large(): Promise<Handler> {
	const start = await clips.bytes('export.mp4');
	return async (_, response) => {
		response.writeHead(200, { 'content-length': 200e6 });
		response.write(start);
		await pour(response, Buffer.alloc(1e6), 200);
	};
}

describe('a host that sends parts', () => {
	test('is asked once where the index comes first', async () => {
		const bytes = await clips.bytes('export.mp4');
		handler = withRanges(bytes);
		expect(await video()).toMatchObject({ width: 1280, height: 720, size: bytes.length });
		expect(requests.map(({ headers }) => headers.range)).toEqual(['bytes=0-65535']);
		expect(sent).toBe(65536);
	});

	test('is asked twice where the index comes last', async () => {
		const bytes = await clips.bytes('phone.mov');
		handler = withRanges(bytes);
		expect(await video()).toMatchObject({ container: 'mov', width: 1280, size: bytes.length });
		expect(requests).toHaveLength(2);
		expect(sent).toBeLessThan(80_000);
	});

	test('is asked only with GET, for the bytes as they are, and without a key', async () => {
		handler = withRanges(await clips.bytes('phone.mov'));
		await video();
		for (const { method, headers } of requests) {
			expect(method).toBe('GET');
			expect(headers['accept-encoding']).toBe('identity');
			expect(Object.keys(headers).filter((name) => /key|auth|cookie/.test(name))).toEqual([]);
		}
	});

	test('may redirect', async () => {
		const serve = withRanges(await clips.bytes('phone.mov'));
		handler = (request, response) =>
			request.url === '/clip.mp4'
				? response.writeHead(302, { location: '/elsewhere?token=1' }).end()
				: serve(request, response);
		expect(await video()).toMatchObject({ width: 1280 });
		expect(requests).toHaveLength(4);
	});

	test('may send more than was asked for', async () => {
		const bytes = await clips.bytes('export.mp4');
		handler = async (_, response) => {
			response.writeHead(206, { 'content-range': `bytes 0-${bytes.length - 1}/${bytes.length}` });
			await pour(response, bytes);
		};
		const source = counted(httpSource(http, `${host}/clip.mp4`));
		expect(await readVideo(source)).toMatchObject({ width: 1280, size: bytes.length });
		expect(source.bytes).toBe(65536);
	});

	test('may not tell the size', async () => {
		const bytes = await clips.bytes('fragments-keyframes.mp4');
		handler = (_, response) => {
			response.writeHead(206, { 'content-range': `bytes 0-${bytes.length - 1}/*` });
			response.end(bytes);
		};
		expect(await video()).toMatchObject({ duration: 3, frameRate: 25, size: bytes.length });
	});

	test('gives images, too', async () => {
		const bytes = await images.bytes('1920x1080.png');
		handler = withRanges(bytes);
		expect(await readImage(httpSource(http, `${host}/start.png`))).toEqual({
			type: 'png',
			width: 1920,
			height: 1080,
			size: bytes.length,
		});
	});

	test('may have an empty file', async () => {
		handler = withRanges(Buffer.alloc(0));
		expect(await video()).toEqual({ fault: 'wrong', reason: 'is empty', size: 0 });
	});
});

describe('a host that sends the whole file', () => {
	test('is hung up on when enough has come', async () => {
		handler = await large();
		expect(await video()).toMatchObject({
			width: 1280,
			duration: expect.closeTo(8, 1),
			size: 200e6,
		});
		expect(requests).toHaveLength(1);
		// What was under way in buffers of the system.
		expect(sent).toBeLessThan(20e6);
	});

	test('is not waited for where the index comes last', async () => {
		const bytes = await clips.bytes('phone.mov');
		handler = withoutRanges(bytes);
		const found = await video();
		expect(found).toEqual({
			fault: 'unchecked',
			reason: 'the host does not send parts of a file',
			size: bytes.length,
		});
		expect(videoProblems('Video URL', found)).toEqual([]);
		expect(mediaHints('Video URL', found)).toEqual([
			'Video URL could not be checked: the host does not send parts of a file',
		]);
	});

	test('may never end', async () => {
		handler = async (_, response) => {
			response.writeHead(200);
			await pour(response, Buffer.alloc(65536, '<p>'), Infinity);
		};
		expect(await video()).toMatchObject({
			fault: 'wrong',
			reason: 'is plain text, not MP4 or MOV',
		});
		expect(sent).toBeLessThan(20e6);
	});

	test('counts with what is too large', async () => {
		handler = async (_, response) => {
			response.writeHead(200, { 'content-length': 900 * 1024 * 1024 });
			await pour(response, await clips.bytes('phone.mov'), 300);
		};
		expect(videoProblems('Video URL', await video())).toEqual([
			'Video URL: the file is 900 MB, it must be at most 200 MB',
		]);
	});
});

test.each([400, 401, 403, 404, 410, 451])(
	'a file that its host does not give is refused: HTTP %i',
	async (status) => {
		handler = (_, response) => response.writeHead(status).end('<html>no</html>');
		expect(videoProblems('Video URL', await video())).toEqual([
			`Video URL: the file cannot be fetched: its host answers HTTP ${status}`,
		]);
		expect(requests).toHaveLength(1);
	},
);

describe('a file that changes while it is read', () => {
	test.each<[string, (bytes: Buffer) => Handler]>([
		[
			'by its ETag',
			(bytes) => (request, response) => {
				response.setHeader('etag', requests.length > 1 ? '"second"' : '"first"');
				return withRanges(bytes)(request, response);
			},
		],
		[
			'by its size',
			(bytes) => (request, response) =>
				withRanges(requests.length > 1 ? bytes.subarray(1) : bytes)(request, response),
		],
	])('is read no further, %s', async (_, serve) => {
		const bytes = await clips.bytes('phone.mov');
		handler = serve(bytes);
		const source = httpSource(http, `${host}/clip.mp4`);
		expect(await source.read(0, 10)).toEqual(bytes.subarray(0, 10));
		const changed = { fault: 'unchecked', reason: 'it has changed while it was read' };
		expect(await source.read(10, 10)).toEqual(changed);
		expect(await source.read(20, 10)).toEqual(changed);
	});

	test('is not told from one whose host names its version only at first', async () => {
		const bytes = await clips.bytes('phone.mov');
		handler = (request, response) => {
			if (requests.length === 1) response.setHeader('etag', '"first"');
			return withRanges(bytes)(request, response);
		};
		expect(await video()).toMatchObject({ width: 1280 });
	});
});

describe('what says nothing about the file is a value', () => {
	test.each([408, 418, 429, 500, 503])('HTTP %i', async (status) => {
		handler = (_, response) => response.writeHead(status).end('<html>no</html>');
		expect(await video()).toEqual({
			fault: 'unchecked',
			reason: `the host answers HTTP ${status}`,
			size: undefined,
		});
		expect(requests).toHaveLength(1);
	});

	test('another part than asked for', async () => {
		handler = (_, response) => {
			response.writeHead(206, { 'content-range': 'bytes 100-199/1000' }).end(Buffer.alloc(100));
		};
		expect(await video()).toMatchObject({ reason: 'the host does not send parts of a file' });
	});

	test('redirects in a circle', async () => {
		handler = (_, response) => response.writeHead(302, { location: '/clip.mp4' }).end();
		expect(await video()).toMatchObject({
			fault: 'unchecked',
			reason: 'the host redirects more than 5 times',
		});
		expect(requests).toHaveLength(6);
	});

	test('a redirect without an address', async () => {
		handler = (_, response) => response.writeHead(302).end();
		expect(await video()).toMatchObject({
			fault: 'unchecked',
			reason: 'the host answers HTTP 302 and names no address to go on at',
		});
	});

	test('no answer', async () => {
		timing.media.readTimeout = 200;
		handler = () => {};
		const found = await video();
		expect(found).toMatchObject({ fault: 'unchecked', reason: 'the host took more than 0.2 s' });
	});

	test('an answer that breaks off without an end', async () => {
		timing.media.readTimeout = 300;
		handler = (_, response) => {
			response.writeHead(206, { 'content-range': 'bytes 0-65535/1000000' });
			response.write(Buffer.alloc(100));
		};
		const found = await video();
		expect(found).toMatchObject({ fault: 'unchecked', reason: 'the host took more than 0.3 s' });
	});

	test('an answer that trickles', async () => {
		timing.media.readTimeout = 300;
		handler = async (_, response) => {
			response.writeHead(206, { 'content-range': 'bytes 0-65535/1000000' });
			while (!response.destroyed) {
				response.write(Buffer.alloc(10));
				await pause(20);
			}
		};
		expect(await video()).toMatchObject({ reason: 'the host took more than 0.3 s' });
	});

	test('a connection that breaks', async () => {
		handler = (_, response) => {
			response.writeHead(206, {
				'content-range': 'bytes 0-65535/1000000',
				'content-length': 65536,
			});
			response.write(Buffer.alloc(1000), () => response.destroy());
		};
		expect(await video()).toMatchObject({
			fault: 'unchecked',
			reason: expect.stringContaining('the host cannot be reached from n8n'),
		});
	});

	test.each([
		['nobody listens', 'http://127.0.0.1:1/clip.mp4'],
		['no such host', 'http://no-such-host.invalid/clip.mp4'],
		['no address', 'http://'],
	])('%s', async (_, address) => {
		expect(await video(address)).toMatchObject({
			fault: 'unchecked',
			reason: expect.stringMatching(/^the host cannot be reached from n8n \(.+\)$/),
		});
	});

	test('a run that is stopped, before and during a read', async () => {
		handler = () => {};
		const ending = new AbortController();
		const under = video(undefined, ending.signal);
		await until(() => requests.length === 1);
		ending.abort();
		const reason = 'the execution was stopped';
		expect(await under).toMatchObject({ fault: 'unchecked', reason });
		expect(requests).toHaveLength(1);
		expect(await video(undefined, ending.signal)).toMatchObject({ fault: 'unchecked', reason });
		expect(requests).toHaveLength(1);
	});
});

describe('a binary field', () => {
	const store = getBinaryHelperFunctions(
		{ executionId: 'media', restApiUrl: '' } as never,
		'media',
	);

	/** The helpers of a node whose first item has these binary fields. */
	function context(binary: Record<string, IBinaryData>) {
		const input = { main: [[{ json: {}, binary }]] };
		return {
			helpers: {
				...store,
				assertBinaryData: (itemIndex: number, field: string) =>
					assertBinaryData(input, node, itemIndex, field, 0),
			} as IExecuteFunctions['helpers'],
		};
	}

	async function check(binary: Record<string, IBinaryData>, field = 'data') {
		const source = await binarySource(context(binary), 0, field);
		return isFault(source) ? source : await readVideo(source);
	}

	describe.each(['default', 'filesystem'])('of n8n in mode %s', (mode) => {
		beforeAll(async () => {
			const config = Container.get(BinaryDataConfig);
			config.mode = mode;
			config.localStoragePath = path.join(process.env.N8N_USER_FOLDER as string, 'binary');
			await Container.get(BinaryDataService).init();
		});

		test.each(['export.mp4', 'phone.mov', 'fragments-heavy-keyframes.mp4', 'long-fast.mp4'])(
			'holds %s',
			async (name) => {
				const bytes = await clips.bytes(name);
				const data = await store.prepareBinaryData(Buffer.from(bytes), name, 'video/mp4');
				expect(data.id === undefined).toBe(mode === 'default');
				const found = await check({ data });
				expect(found).toEqual(
					await readVideo({
						size: bytes.length,
						read: async (at, length) => bytes.subarray(at, at + length),
					}),
				);
				expect(found).toHaveProperty('width');
				// Hosts before n8n 2 did not note the number of bytes.
				expect(await check({ data: { ...data, bytes: undefined } })).toEqual(found);
			},
		);

		test('gives any part of a file as it is', async () => {
			const bytes = await clips.bytes('phone.mov');
			const data = await store.prepareBinaryData(Buffer.from(bytes), 'phone.mov', 'video/mp4');
			const source = (await storedSource(store, data)) as ByteSource;
			for (const [offset, length] of [
				[0, 10],
				[1, 1],
				[2, 2],
				[65535, 65537],
				[1_048_570, 20],
				[bytes.length - 7, 7],
				[bytes.length - 7, 100],
				[bytes.length + 5, 5],
			]) {
				const part = (await source.read(offset, length)) as Buffer;
				expect(part.equals(bytes.subarray(offset, offset + length))).toBe(true);
			}
		});
	});

	describe('of many gigabytes', () => {
		const part = { start: 3001.5, length: 8 };
		let moving: Readable[] = [];

		/** Counts what is read of the store's streams. */
		const watched = {
			...store,
			getBinaryStream: async (id: string, size?: number) => {
				const stream = await store.getBinaryStream(id, size);
				moving.push(stream);
				return stream;
			},
		};
		const bytesRead = () =>
			moving.reduce((sum, stream) => sum + (stream as ReadStream).bytesRead, 0);

		/** A file with its index at the end, and holes for its pictures. */
		async function inStore() {
			const short = await cutClips.bytes('heavy.mov');
			const video = longVideo(short, Math.ceil((2.2 * 2 ** 30) / short.length));
			const data = await store.prepareBinaryData(Buffer.from('draft'), 'long.mov', 'video/mp4');
			const file = Container.get(BinaryDataService).getPath(data.id as string);
			const handle = await openFile(file, 'r+');
			const tail = 8 * 2 ** 20;
			for (const [offset, length] of [
				[0, 65_536],
				[video.size - tail, tail],
			]) {
				await handle.write((await video.read(offset, length)) as Buffer, 0, length, offset);
			}
			await handle.close();
			return { ...data, bytes: video.size };
		}

		test('is read where its part is, and nowhere else', async () => {
			const source = await storedSource(watched, await inStore());
			moving = [];
			const cut = await planCut(source as ByteSource, part);
			if (isFault(cut)) throw new Error(cut.reason);
			expect(bytesRead()).toBeLessThan(10 * 2 ** 20);
			moving = [];
			let length = 0;
			for await (const chunk of cut.stream()) length += chunk.length;
			expect(length).toBe(cut.size);
			// The stream reads one chunk ahead.
			expect(bytesRead()).toBeLessThan(cut.size * 1.1 + 4 * 2 ** 20);
			expect(moving.every(({ destroyed }) => destroyed)).toBe(true);
		}, 60_000);
	});

	test('of a store that begins with the first byte only is streamed through once', async () => {
		const bytes = await clips.bytes('phone.mov');
		let streams = 0;
		const source = (await storedSource(
			{
				getBinaryStream: async () => {
					streams++;
					return Readable.from(
						(function* () {
							for (let at = 0; at < bytes.length; at += 1000) yield bytes.subarray(at, at + 1000);
						})(),
					);
				},
				getBinaryMetadata: async () => ({ fileSize: bytes.length }),
			},
			{ id: 's3:file', data: 's3', mimeType: 'video/mp4' },
		)) as ByteSource;
		for (const offset of [0, 500, 999, 5000, 5001, 40_000]) {
			expect(await source.read(offset, 1)).toEqual(bytes.subarray(offset, offset + 1));
		}
		expect(streams).toBe(1);
		expect(await source.read(0, 3)).toEqual(bytes.subarray(0, 3));
		expect(streams).toBe(2);
		expect(await source.read(bytes.length - 2, 10)).toEqual(bytes.subarray(-2));
		expect(streams).toBe(2);
	});

	test('that is not there is named', async () => {
		expect(await check({}, 'clip')).toMatchObject({
			fault: 'wrong',
			reason: expect.stringContaining("The item has no binary field 'clip'"),
		});
	});

	test('whose file is gone from the store is not judged', async () => {
		const data = {
			id: 'filesystem-v2:workflows/x/executions/y/binary_data/z',
			data: 'filesystem-v2',
			mimeType: 'video/mp4',
		};
		for (const bytes of [undefined, 1000]) {
			expect(await check({ data: { ...data, bytes } })).toMatchObject({
				fault: 'unchecked',
				reason: expect.stringMatching(/^n8n's binary store does not give it \(.+\)$/),
			});
		}
	});
});
