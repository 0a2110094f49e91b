import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { RequestListener, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { IDataObject, INodeParameters } from 'n8n-workflow';
import { request } from 'undici';
import type { Result, RunOptions } from './engine/engine.mts';
import { binaryDataConfig, execute, fileStore, GENERATE, node } from './engine/engine.mts';
import { shortenPauses, timing } from './engine/haste.mts';
import { useBench } from './engine/setup.mts';
import { bufferSource, readVideo } from './media/built.mts';
import { tool, run as runTool } from './media/tools.mts';

/** A part of a reference video, from its parameters to the task that is made of it. */

const bench = useBench();
const folder = mkdtempSync(path.join(os.tmpdir(), 'kling-v2v-clips-'));
const clip = path.join(folder, 'clip.mp4');
const long = () => `${bench.emulator.mediaUrl}/reference-long.mp4`;

/** A host that answers as the test says, with the long video unless it says otherwise. */
let handler: (send: (response: ServerResponse, range: string) => void) => RequestListener;
let bytes: Buffer;
let ranges: string[] = [];
const host = createServer((incoming, response) => {
	ranges.push(incoming.headers.range ?? '');
	void handler(sendRange)(incoming, response);
});
let hosted = '';

function sendRange(response: ServerResponse, range: string, headers: Record<string, string> = {}) {
	const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(range) ?? [];
	const part = bytes.subarray(Number(from), Number(to) + 1);
	const end = Number(from) + part.length - 1;
	response.writeHead(206, {
		'content-range': `bytes ${from}-${end}/${bytes.length}`,
		etag: '"first"',
		...headers,
	});
	response.end(part);
}

const whole: typeof handler = (send) => (incoming, response) =>
	send(response, String(incoming.headers.range));

beforeAll(async () => {
	shortenPauses();
	Object.assign(timing.upload, { timeout: 2000, pause: 5 });
	const { body } = await request(long());
	bytes = Buffer.from(await body.arrayBuffer());
	writeFileSync(clip, bytes);
	host.listen(0, '127.0.0.1');
	await once(host, 'listening');
	hosted = `http://127.0.0.1:${(host.address() as AddressInfo).port}/clip.mp4`;
});

beforeEach(() => {
	handler = whole;
	ranges = [];
});

afterAll(() => {
	host.closeAllConnections();
	host.close();
	rmSync(folder, { recursive: true });
});

const part = { clipStart: 4.3, clipLength: 5 };

function ofUrl(more: INodeParameters = {}): INodeParameters {
	return { prompt: '@Video1', videoUrl: long(), options: part, ...more };
}

function ofFile(more: INodeParameters = {}): INodeParameters {
	return {
		prompt: '@Video1',
		videoSource: 'binary',
		videoBinaryPropertyName: 'clip',
		options: part,
		...more,
	};
}

const toMule = { provider: 'muleRouter', endpoint: 'videoEdit' };

async function seen(action: string) {
	return (await bench.emulator.state()).requests.filter((each) => each.action === action);
}

async function billed(): Promise<number> {
	return (await bench.emulator.state()).billed.total;
}

/** The file that the only task was made of. */
async function handedOver(field = 'video_url'): Promise<Buffer> {
	const [{ body }] = await seen('create');
	const url = String((body as IDataObject)[field]);
	if (url.includes('token=')) {
		// The payload of the signed link names the file in n8n's store.
		const [, payload] = (new URL(url).searchParams.get('token') as string).split('.');
		const { id } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { id: string };
		return await fileStore().getAsBuffer({ id } as never);
	}
	const answer = await request(url);
	return Buffer.from(await answer.body.arrayBuffer());
}

/** ffmpeg decodes it without a word, and it is as long as its item says. */
async function expectSound(made: Buffer, { clip: told }: IDataObject): Promise<void> {
	const file = path.join(folder, 'made.mp4');
	writeFileSync(file, made);
	const decoding = ['-v', 'warning', '-nostdin', '-i', file, '-f', 'null', '-'];
	const { stderr } = await runTool(tool('ffmpeg'), decoding);
	expect(stderr).toBe('');
	const asking = ['-v', 'error', '-of', 'json', '-show_streams', '-select_streams', 'v', file];
	const { stdout } = await runTool(tool('ffprobe'), asking);
	const [{ duration }] = (JSON.parse(stdout) as { streams: Array<{ duration: string }> }).streams;
	expect(told).toMatchObject({ duration: expect.closeTo(Number(duration), 3), size: made.length });
	expect(await readVideo(bufferSource(made))).toMatchObject({ hasAudio: true, frameRate: 30 });
}

function good({ error, json }: Result): IDataObject {
	expect(error).toBeUndefined();
	return json[0];
}

const told = { start: 4.3, duration: 5, width: 1280, height: 720, frameRate: 30, codec: 'avc1' };

describe('a part of a reference video', () => {
	test.each([
		['of a URL', () => ofUrl(), {}],
		['of a binary field', () => ofFile(), { files: { clip } }],
	])('%s is uploaded to Magnific, and its item says which part it is', async (_, ask, more) => {
		const result = await bench.generate(ask(), more);
		const item = good(result);
		expect(item).toMatchObject({ status: 'completed', clip: told });
		expect(result.hints).toEqual([
			'Of the reference video, 5 s from 4.3 s on are used (asked for: 5 s from 4.3 s on)',
		]);
		const [ticket] = await seen('upload-request');
		expect(ticket.body).toEqual({ files: [{ content_type: 'video/mp4' }] });
		const [upload] = await seen('upload');
		expect(upload.headers['content-length']).toBe(String((item.clip as IDataObject).size));
		await expectSound(await handedOver(), item);
		expect((await bench.emulator.state()).violations).toEqual([]);
	});

	test.each([
		['of a URL', () => ofUrl({ ...toMule, completion: 'submitOnly' }), {}],
		[
			'of a binary field',
			() => ofFile({ ...toMule, completion: 'submitOnly' }),
			{ files: { clip } },
		],
	])('%s goes to MuleRouter as a signed link to n8n', async (_, ask, more) => {
		const item = good(await bench.generate(ask(), more));
		expect(item).toMatchObject({ clip: told });
		await expectSound(await handedOver('video'), item);
	});

	test('of the only entry of Reference Videos is used in its place', async () => {
		const videos = [{ videoUrl: long(), referType: 'base', keepOriginalSound: true }];
		const ask = { provider: 'muleRouter', endpoint: 'videoToVideo', videoList: { videos } };
		const parameters = { ...ask, prompt: '@Video1', completion: 'submitOnly', options: part };
		expect(good(await bench.generate(parameters))).toMatchObject({ clip: told });
		const [{ body }] = await seen('create');
		expect((body as IDataObject).video_list).toEqual([
			{
				video_url: expect.stringMatching(/binary-data\/signed\?token=/),
				refer_type: 'base',
				keep_original_sound: 'yes',
			},
		]);
	});

	test('begins with the frame that is on screen, and the item says when that is', async () => {
		const options = { clipStart: 4.32, clipLength: 3.99 };
		const item = good(await bench.generate(ofUrl({ options, completion: 'submitOnly' })));
		expect(item.clip).toMatchObject({ start: 4.3, duration: 4 });
	});

	test.each([
		['from the start', { clipLength: 4 }, { start: 0, duration: 4 }],
		['to the end', { clipStart: 8 }, { start: 8, duration: 4 }],
		['of at most 10 s', { clipStart: 1 }, { start: 1, duration: 10 }],
	])('may be %s, where only that is said', async (_, options, expected) => {
		const item = good(await bench.generate(ofUrl({ options, completion: 'submitOnly' })));
		expect(item.clip).toMatchObject(expected);
	});

	test('has a hint where the frames that it needs make it too long for players without edit lists', async () => {
		const options = { clipStart: 7.9, clipLength: 4 };
		const { json, hints } = await bench.generate(ofUrl({ options, completion: 'submitOnly' }));
		expect(json[0].clip).toMatchObject({ start: 7.9, duration: 4 });
		expect(hints.join()).toContain(
			'Video URL: the part is 4 s long, and 11.9 s with the frames before it that it needs',
		);
	});

	test('is what an edit counts as under Max Total Seconds', async () => {
		const ask = (maxTotalSeconds: number) =>
			ofUrl({ ...toMule, completion: 'submitOnly', options: { ...part, maxTotalSeconds } });
		const price = { pricePerSecond: 0.1, maxTotalSeconds: 5, clipStart: 8, clipLength: 4.5 };
		const shorter = ofUrl({ ...toMule, completion: 'submitOnly', options: price });
		// The video ends before the part would.
		expect(good(await bench.generate(shorter))).toMatchObject({ estimatedCost: 0.4 });
		const { error } = await bench.generate(ask(4));
		expect(error?.message).toBe(
			'This run would make 5 seconds of video, and Max Total Seconds is 4',
		);
		expect(await billed()).toBe(1);
	});

	test('is shown by Validate Only, which sends nothing', async () => {
		const options = { ...part, validateOnly: true };
		const [shown] = (await bench.generate(ofUrl({ options }))).json;
		expect(shown).toMatchObject({
			clip: told,
			request: { body: { video_url: `[5 s from 4.3 s on of ${long()}]` } },
		});
		expect((await seen('upload-request')).length + (await billed())).toBe(0);
	});

	test('that items share is cut and uploaded once', async () => {
		const { json } = await bench.generate(ofUrl({ completion: 'submitOnly' }), {
			input: [{}, {}, {}],
		});
		expect(json.map(({ clip: each }) => each)).toEqual(Array(3).fill(json[0].clip));
		expect(await seen('upload')).toHaveLength(1);
		expect(await billed()).toBe(3);
	});

	test('of many videos is told of in each item, and in one hint', async () => {
		const { json, hints } = await bench.generate(
			ofUrl({
				options: { clipStart: '={{ $json.from }}', clipLength: 5 },
				completion: 'submitOnly',
			}),
			{ input: [{ from: 0 }, { from: 2.5 }] },
		);
		expect(json).toMatchObject([{ clip: { start: 0 } }, { clip: { start: 2.5 } }]);
		expect(hints.filter((hint) => hint.includes('part is used'))).toHaveLength(1);
		expect(await seen('upload')).toHaveLength(2);
	});

	test('needs only its own ranges of the file', async () => {
		const options = { clipStart: 9, clipLength: 3 };
		good(await bench.generate(ofUrl({ videoUrl: hosted, options, completion: 'submitOnly' })));
		const read = ranges.map((range) => range.match(/\d+/g)?.map(Number) ?? []);
		// The index is in front; the part begins at the last sync frame before it.
		expect(read[0]).toEqual([0, 65_535]);
		const rest = read.filter(([from]) => from > bytes.length / 2);
		expect(rest.length).toBeGreaterThan(0);
		expect(rest.length + 2).toBeGreaterThanOrEqual(read.length);
	});
});

describe('nothing is paid for a part', () => {
	async function refused(parameters: INodeParameters, more = {}): Promise<string> {
		const { error } = await bench.generate(parameters, more);
		expect(await billed()).toBe(0);
		expect(await seen('create')).toEqual([]);
		return String(error?.message);
	}

	test.each<[string, typeof handler, string]>([
		[
			'of a host that knows no ranges',
			() => (_, response) => response.writeHead(200).end(bytes.subarray(0, 30)),
			'no part can be cut out: ',
		],
		[
			'of a host that is down',
			() => (_, response) => response.writeHead(503).end(),
			'no part can be cut out: the host answers HTTP 503. Without Clip Start and Clip Length, the whole file is used',
		],
		[
			'of what is no video',
			() => (_, response) => response.writeHead(200).end('<p>'.repeat(1000)),
			'no part can be cut out: the file is plain text, not MP4 or MOV',
		],
	])('%s', async (_, answer, sentence) => {
		handler = answer;
		expect(await refused(ofUrl({ videoUrl: hosted }))).toContain(`Video URL: ${sentence}`);
		// A part cannot be had without a look.
		const options = { ...part, checkMedia: false };
		expect(await refused(ofUrl({ videoUrl: hosted, options }))).toContain(sentence);
	});

	test.each([
		[{ clipStart: 13 }, 'the file ends before the part begins, at 13 s'],
		[{ clipStart: 10 }, 'the video is 2 s long, it must be 3 to 10 s'],
		[{ clipLength: 11 }, 'the video is 11 s long, it must be 3 to 10 s'],
		[{ clipStart: '' }, 'Clip Start (Seconds) is empty: give it a value, or remove the option'],
		[{ clipStart: -1 }, 'Clip Start (Seconds) must be a number of at least 0 (got -1)'],
		[{ clipLength: 'x' }, 'Clip Length (Seconds) must be a number'],
	])('of the options %j', async (options, sentence) => {
		expect(await refused(ofUrl({ options }))).toContain(sentence);
	});

	test('where the provider takes links only, and n8n has no public address', async () => {
		bench.credentials.muleRouterApi.baseUrl = 'https://api.mulerouter.ai';
		expect(await refused(ofUrl(toMule))).toContain(
			'or put that part alone where it has a public URL',
		);
	});

	test('of a file that changes between the check and the upload', async () => {
		handler = (send) => (incoming, response) => {
			const etag = ranges.length > 1 ? '"second"' : '"first"';
			(send as typeof sendRange)(response, String(incoming.headers.range), { etag });
		};
		expect(await refused(ofUrl({ videoUrl: hosted }))).toBe(
			'Video URL: the file could not be uploaded to Magnific: it has changed while it was read',
		);
		ranges = [];
		expect(await refused(ofUrl({ ...toMule, videoUrl: hosted }))).toContain(
			'it has changed while it was read',
		);
	});

	test('of a file that breaks off while it is uploaded', async () => {
		handler = (send) => (incoming, response) => {
			if (ranges.length > 1) response.destroy();
			else send(response, String(incoming.headers.range));
		};
		expect(await refused(ofUrl({ videoUrl: hosted }))).toContain(
			'could not be uploaded to Magnific: the host cannot be reached from n8n',
		);
	});
});

describe('a part is handed over once', () => {
	test('where the provider is busy, and the execution sleeps meanwhile', async () => {
		await bench.emulator.fault({
			match: { action: 'create' },
			times: 4,
			fault: { kind: 'status', status: 429, headers: { 'retry-after': '1' } },
		});
		const item = good(await bench.generate(ofUrl()));
		expect(item).toMatchObject({ status: 'completed', clip: told });
		expect(await seen('create')).toHaveLength(5);
		expect(await seen('upload')).toHaveLength(1);
		expect(await billed()).toBe(1);
	});

	test('where Retry On Fail tries again after a refusal', async () => {
		await bench.emulator.fault({
			match: { action: 'create' },
			times: 1,
			fault: { kind: 'status', status: 402 },
		});
		const item = good(
			await bench.generate(ofUrl(), {
				settings: { retryOnFail: true, maxTries: 3, waitBetweenTries: 1 },
			}),
		);
		expect(item).toMatchObject({ status: 'completed', clip: told });
		expect(await seen('upload')).toHaveLength(1);
		expect(await billed()).toBe(1);
	});
});

test('a task that Retry Execution takes up is told of with the part that it was made of', async () => {
	await bench.emulator.fault({
		match: { action: 'status' },
		times: 5,
		fault: { kind: 'status', status: 401 },
	});
	const failed = await bench.generate(ofUrl(), { resumeToken: 'retried' });
	expect(failed.error?.message).toContain('refuses to show the task');
	const retried = await bench.generate(ofUrl(), {
		retryOf: failed.data,
		resumeToken: 'retried',
		mode: 'retry',
	});
	expect(good(retried)).toMatchObject({ status: 'completed', clip: told });
	expect(await seen('upload')).toHaveLength(1);
	expect(await billed()).toBe(1);
});

describe('where n8n keeps files in memory', () => {
	const setMode = async (mode: 'default' | 'filesystem') => {
		binaryDataConfig().mode = mode;
		await fileStore().init();
	};

	beforeAll(async () => await setMode('default'));
	afterAll(async () => await setMode('filesystem'));

	test('a part of a binary field is uploaded to Magnific', async () => {
		const item = good(await bench.generate(ofFile(), { files: { clip } }));
		expect(item).toMatchObject({ status: 'completed', clip: told });
		await expectSound(await handedOver(), item);
	});

	test('each run of the node in an execution hands its own file over', async () => {
		const files = ['reference.mp4', 'reference-portrait.mp4'].map((name) =>
			path.join(folder, name),
		);
		for (const file of files) {
			const { body } = await request(`${bench.emulator.mediaUrl}/${path.basename(file)}`);
			writeFileSync(file, Buffer.from(await body.arrayBuffer()));
		}
		// Neither try of the first run gets its task; n8n goes on with the error item.
		await bench.emulator.fault({
			match: { action: 'create' },
			times: 2,
			fault: { kind: 'status', status: 402 },
		});
		const [first, second] = files.map((file, n) =>
			node(`File ${n}`, 'test.source', {
				items: '[{ "json": {} }]',
				files: JSON.stringify({ clip: file }),
			}),
		);
		const to = (...names: string[]) =>
			names.map((name) => ({ node: name, type: 'main', index: 0 }));
		const { json } = await execute({
			credentials: bench.credentials,
			nodes: [
				node('Source', 'test.source', { items: '[{ "json": {} }]' }),
				first,
				second,
				node('Kling', GENERATE, ofFile({ completion: 'submitOnly', options: {} }), {
					onError: 'continueRegularOutput',
					retryOnFail: true,
					maxTries: 2,
					waitBetweenTries: 1,
				}),
			],
			connections: {
				Source: { main: [to(first.name, second.name)] },
				[first.name]: { main: [to('Kling')] },
				[second.name]: { main: [to('Kling')] },
			} as RunOptions['connections'],
		});
		expect(json[0]).toMatchObject({ status: 'pending' });
		const made = await seen('create');
		expect(made).toHaveLength(3);
		const urls = made.map(({ body }) => (body as IDataObject).video_url);
		// The tries of a run share what was handed over.
		expect(urls[1]).toBe(urls[0]);
		expect(urls[2]).not.toBe(urls[0]);
		expect(await seen('upload')).toHaveLength(2);
	});

	test('a part is refused for MuleRouter, which takes links only', async () => {
		const { error } = await bench.generate(ofUrl(toMule));
		expect(error?.message).toContain(
			'MuleRouter takes videos by URL only, and this n8n keeps binary data in memory, which has none: put that part alone where it has a public URL',
		);
		expect(await billed()).toBe(0);
	});
});

test('an upload host that answers without an end costs no memory and no task', async () => {
	let sent = 0;
	const endless = createServer((incoming, response) => {
		incoming.resume();
		incoming.on('end', async () => {
			response.writeHead(403);
			const piece = Buffer.alloc(65_536, 'x');
			while (!response.destroyed) {
				sent += piece.length;
				if (!response.write(piece)) await once(response, 'drain').catch(() => {});
			}
		});
		response.on('error', () => {});
	}).listen(0, '127.0.0.1');
	await once(endless, 'listening');
	const address = `http://127.0.0.1:${(endless.address() as AddressInfo).port}/put`;
	await bench.emulator.fault({
		match: { action: 'upload-request' },
		times: -1,
		fault: {
			kind: 'wrong-json',
			body: { files: [{ upload_url: address, headers: {}, asset_url: long() }] },
		},
	});
	try {
		const { error } = await bench.generate(ofUrl());
		expect(error?.message).toContain('could not be uploaded to Magnific: HTTP 403');
		expect(sent).toBeLessThan(40e6);
		expect(await billed()).toBe(0);
	} finally {
		endless.closeAllConnections();
		endless.close();
	}
});
