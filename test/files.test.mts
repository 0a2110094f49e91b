import { once } from 'node:events';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import type { IDataObject, INodeExecutionData, INodeParameters } from 'n8n-workflow';
import { request } from 'undici';
import { shortenPauses, timing } from './engine/haste.mts';
import { keys, useBench } from './engine/setup.mts';

const bench = useBench();
const folder = mkdtempSync(path.join(os.tmpdir(), 'kling-v2v-files-'));
const files = { clip: path.join(folder, 'clip.mp4'), still: path.join(folder, 'still.png') };

async function fetchTo(file: string, from: string): Promise<void> {
	const { body } = await request(`${bench.emulator.mediaUrl}/${from}`);
	writeFileSync(file, Buffer.from(await body.arrayBuffer()));
}

beforeAll(async () => {
	shortenPauses();
	Object.assign(timing.upload, { timeout: 500, pause: 5 });
	await fetchTo(files.clip, 'reference.mp4');
	await fetchTo(files.still, 'start.png');
});

function fromFile(more: INodeParameters = {}): INodeParameters {
	return { prompt: '@Video1', videoSource: 'binary', videoBinaryPropertyName: 'clip', ...more };
}

async function seen(action: string) {
	return (await bench.emulator.state()).requests.filter((each) => each.action === action);
}

/** What the files were declared as when a place for them was asked for. */
async function declared(): Promise<string[]> {
	const types = (await seen('upload-request')).map(
		({ body }) => (body as { files: Array<{ content_type: string }> }).files[0].content_type,
	);
	return types.sort();
}

/** A host that reads nothing of a request for some time, and then all of it. */
async function slowLine(heldFor: number, answer = '') {
	const host = createServer((incoming, response) => {
		setTimeout(() => incoming.resume(), heldFor);
		incoming.on('end', () =>
			response.writeHead(200, { 'content-type': 'application/json' }).end(answer),
		);
	}).listen(0, '127.0.0.1');
	await once(host, 'listening');
	return {
		url: `http://127.0.0.1:${(host.address() as AddressInfo).port}`,
		close() {
			host.closeAllConnections();
			host.close();
		},
	};
}

describe('a reference video from a binary field', () => {
	test('is uploaded to Magnific: a ticket, then the bytes without the key', async () => {
		const { json, error } = await bench.generate(fromFile(), { files });
		expect(error).toBeUndefined();
		expect(json[0].status).toBe('completed');
		const [ticket] = await seen('upload-request');
		expect(ticket.body).toEqual({ files: [{ content_type: 'video/mp4' }] });
		expect(ticket.headers['x-magnific-api-key']).toBe(keys.magnific);
		const [put] = await seen('upload');
		expect(put.listener).toBe('media');
		expect(put.carriesKey).toBe(false);
		expect(put.headers['content-length']).toBe(String(readFileSync(files.clip).length));
		const [create] = await seen('create');
		expect((create.body as IDataObject).video_url).toMatch(/\/assets\//);
		expect((await bench.emulator.state()).violations).toEqual([]);
	});

	test.each(['magnific', 'muleRouter'])(
		'may be given to %s as the file itself, by an expression',
		async (provider) => {
			// A signed link leads to an n8n, and none is here.
			await bench.emulator.set({ referenceChecks: false });
			const { json, error } = await bench.generate(
				fromFile({
					provider,
					endpoint: 'videoEdit',
					videoBinaryPropertyName: '={{ $binary.clip }}',
				}),
				{ files },
			);
			expect(error).toBeUndefined();
			expect(json[0].status).toBe('completed');
		},
	);

	test.each(['clip', '_files.clip'])(
		'is found by "%s" where n8n keeps files within the JSON (Binary Mode "combined")',
		async (videoBinaryPropertyName) => {
			const { binary } = (
				await bench.generate(fromFile({ options: { validateOnly: true } }), { files })
			).data.resultData.runData.Source[0].data?.main[0]?.[0] as INodeExecutionData;
			const { json, error } = await bench.generate(fromFile({ videoBinaryPropertyName }), {
				input: [{ _files: binary as unknown as IDataObject }],
			});
			expect(error).toBeUndefined();
			expect(json[0].status).toBe('completed');
		},
	);

	test('is declared as a type that Magnific takes, if n8n knows it by another', async () => {
		const clip = path.join(folder, 'clip.m4v');
		await fetchTo(clip, 'reference.mp4');
		const { error } = await bench.generate(fromFile(), { files: { ...files, clip } });
		expect(error).toBeUndefined();
		expect(await declared()).toEqual(['video/mp4']);
	});

	test('is uploaded when the provider has time again', async () => {
		await bench.emulator.fault({
			match: { action: 'upload-request' },
			times: 5,
			fault: { kind: 'status', status: 429, headers: { 'retry-after': '0.02' } },
		});
		const { json, error } = await bench.generate(fromFile(), { files });
		expect(error).toBeUndefined();
		expect(json[0].status).toBe('completed');
		expect(await seen('upload-request')).toHaveLength(6);
	});

	test('is uploaded again after a fault that passes, and paid once', async () => {
		await bench.emulator.fault(
			{ match: { action: 'upload-request' }, fault: { kind: 'status', status: 503 } },
			{ match: { action: 'upload' }, fault: { kind: 'reset' } },
		);
		const { json, error } = await bench.generate(fromFile(), { files });
		expect(error).toBeUndefined();
		expect(json[0].status).toBe('completed');
		expect((await bench.emulator.state()).billed.total).toBe(1);
	});

	test.each([
		['upload-request', { kind: 'status', status: 401 }, 'does not accept the API key'],
		['upload-request', { kind: 'wrong-json', body: { files: [] } }, 'not the documented one'],
		['upload', { kind: 'status', status: 403 }, 'could not be uploaded to Magnific: HTTP 403'],
		['upload', { kind: 'hang' }, 'could not be uploaded to Magnific'],
	])(
		'that cannot be uploaded (%s, %j) is an error, and nothing is paid',
		async (action, fault, said) => {
			await bench.emulator.fault({ match: { action }, times: -1, fault });
			const { error } = await bench.generate(fromFile(), { files });
			expect(error?.message).toContain(said);
			expect(error?.description).toContain('nothing was billed');
			expect((await bench.emulator.state()).billed.total).toBe(0);
			expect(JSON.stringify(error)).not.toContain(keys.magnific);
		},
	);

	test('has the time that a slow line takes', async () => {
		const large = path.join(folder, 'large.mp4');
		writeFileSync(large, Buffer.concat([readFileSync(files.clip), Buffer.alloc(20_000_000)]));
		const { timeout } = timing.upload;
		timing.upload.timeout = 200;
		const line = await slowLine(5 * timing.upload.timeout);
		await bench.emulator.fault({
			match: { action: 'upload-request' },
			fault: {
				kind: 'wrong-json',
				body: {
					files: [
						{
							upload_url: `${line.url}/put`,
							headers: {},
							asset_url: bench.emulator.referenceUrl,
						},
					],
				},
			},
		});
		try {
			const { error } = await bench.generate(
				fromFile({ completion: 'submitOnly', options: { checkMedia: false } }),
				{ files: { clip: large } },
			);
			expect(error).toBeUndefined();
		} finally {
			timing.upload.timeout = timeout;
			line.close();
		}
	});

	test('is not uploaded again for a task that an earlier try has created', async () => {
		await bench.emulator.fault({
			match: { action: 'status' },
			times: 5,
			fault: { kind: 'status', status: 401 },
		});
		const { error } = await bench.generate(fromFile(), {
			files,
			settings: { retryOnFail: true, maxTries: 3, waitBetweenTries: 1 },
		});
		expect(error).toBeUndefined();
		expect(await seen('upload')).toHaveLength(1);
		expect((await bench.emulator.state()).billed.total).toBe(1);
	});

	test('that the item does not have is refused before any request', async () => {
		const { error } = await bench.generate(fromFile({ videoBinaryPropertyName: 'nothing' }), {
			files,
		});
		expect(error?.message).toBe(
			'Input Binary Field: the item has no binary field "nothing" (it has: clip, still)',
		);
		expect((await bench.emulator.state()).requests).toEqual([]);
	});

	test('goes to MuleRouter as a signed link to n8n, where n8n is in reach', async () => {
		// The emulator is on loopback as n8n is: a link is made, and the task is asked for with it.
		await bench.generate(
			fromFile({ provider: 'muleRouter', endpoint: 'videoEdit', completion: 'submitOnly' }),
			{ files },
		);
		await bench.generate(
			fromFile({ provider: 'muleRouter', endpoint: 'videoToVideo', completion: 'submitOnly' }),
			{ files },
		);
		const [edit, documented] = (await seen('create')).map(({ body }) => body as IDataObject);
		expect(edit.video).toMatch(/^http:\/\/127\.0\.0\.1\/rest\/binary-data\/signed\?token=/);
		expect(documented.video_list).toEqual([
			{
				video_url: expect.stringMatching(/binary-data\/signed\?token=/),
				refer_type: 'feature',
			},
		]);
	});

	test.each([400, 500])(
		'shows no signed link where the answer (HTTP %d) repeats it',
		async (status) => {
			const fault = { kind: 'echo', status };
			await bench.emulator.fault({ match: { action: 'create' }, fault });
			const { json, log } = await bench.generate(
				fromFile({ provider: 'muleRouter', endpoint: 'videoEdit' }),
				{ files, settings: { onError: 'continueRegularOutput' } },
			);
			const [{ video }] = (await seen('create')).map(({ body }) => body as IDataObject);
			const token = new URL(String(video)).searchParams.get('token') as string;
			expect(token.length).toBeGreaterThan(40);
			expect(json[0].error).toContain('binary-data/signed');
			expect(JSON.stringify([json, log])).not.toContain(token.slice(0, 40));
		},
	);

	test('is refused for MuleRouter where n8n is not in reach, with what to do', async () => {
		bench.credentials.muleRouterApi.baseUrl = 'https://api.mulerouter.ai';
		const { error } = await bench.generate(
			fromFile({ provider: 'muleRouter', endpoint: 'videoEdit' }),
			{ files },
		);
		expect(error?.message).toContain('takes videos by URL only');
		expect(error?.message).toContain('WEBHOOK_URL');
	});
});

describe('an image', () => {
	test.each([
		['a binary field', async () => 'still'],
		['Base64', async () => readFileSync(files.still).toString('base64')],
		[
			'a data URI',
			async () => `data:image/png;base64,${readFileSync(files.still).toString('base64')}`,
		],
	])('as %s is uploaded to Magnific', async (_name, value) => {
		const { json, error } = await bench.generate(
			fromFile({ additionalFields: { imageUrl: await value() } }),
			{ files },
		);
		expect(error).toBeUndefined();
		expect(json[0].status).toBe('completed');
		expect(await declared()).toEqual(['image/png', 'video/mp4']);
		const [create] = await seen('create');
		expect((create.body as IDataObject).image_url).toMatch(/\/assets\//);
		expect((await bench.emulator.state()).violations).toEqual([]);
	});

	test('that another node has named no image is declared as what it is', async () => {
		const unnamed = path.join(folder, 'still.bin');
		await fetchTo(unnamed, 'start.jpg');
		const { error } = await bench.generate(
			fromFile({ additionalFields: { imageUrl: 'unnamed' } }),
			{
				files: { ...files, unnamed },
			},
		);
		expect(error).toBeUndefined();
		expect(await declared()).toEqual(['image/jpeg', 'video/mp4']);
	});

	test('has the time that a slow line takes to MuleRouter', async () => {
		const large = path.join(folder, 'large.png');
		writeFileSync(large, Buffer.concat([readFileSync(files.still), Buffer.alloc(9_000_000)]));
		const { createTimeout } = timing.http;
		timing.http.createTimeout = 200;
		const line = await slowLine(
			5 * timing.http.createTimeout,
			JSON.stringify({
				task_info: { id: '8e1e315e-b50d-4334-a231-be7d19a372f4', status: 'pending' },
			}),
		);
		try {
			bench.credentials.muleRouterApi.baseUrl = line.url;
			const { error, json } = await bench.generate(
				{
					provider: 'muleRouter',
					endpoint: 'videoEdit',
					prompt: '@Video1',
					videoUrl: bench.emulator.referenceUrl,
					completion: 'submitOnly',
					options: { checkMedia: false },
					additionalFields: { images: ['still', 'still'] },
				},
				{ files: { still: large } },
			);
			expect(error).toBeUndefined();
			expect(json[0].status).toBe('pending');
		} finally {
			timing.http.createTimeout = createTimeout;
			line.close();
		}
	});

	test('goes to MuleRouter as Base64, or as the URL it is', async () => {
		const base64 = readFileSync(files.still).toString('base64');
		const url = `${bench.emulator.mediaUrl}/start.png`;
		const { error } = await bench.generate(
			{
				provider: 'muleRouter',
				endpoint: 'referenceVideoToVideo',
				prompt: '@Video1',
				videoUrl: bench.emulator.referenceUrl,
				completion: 'submitOnly',
				additionalFields: {
					images: ['still', url],
					elements: {
						elements: [
							{ frontalImage: `data:image/png;base64,${base64}`, referenceImages: ['still'] },
						],
					},
				},
			},
			{ files },
		);
		expect(error).toBeUndefined();
		const [{ body }] = await seen('create');
		expect(body).toMatchObject({
			images: [base64, url],
			elements: [
				{
					type: 'image',
					frontal_image: `data:image/png;base64,${base64}`,
					reference_images: [base64],
				},
			],
		});
		expect((await bench.emulator.state()).violations).toEqual([]);
	});
});

describe('the check before paying', () => {
	test.each([
		['reference-short.mp4', 'the video is 2 s long, it must be 3 to 10 s'],
		['reference-long.mp4', 'the video is 12 s long, it must be 3 to 10 s'],
		['reference-small.mp4', 'the video is 640 x 360 px, each side must be 720 to 2160 px'],
		['reference-slow.mp4', 'the video has 15 frames a second, it must have 24 to 60'],
		['reference.mkv', 'not MP4 or MOV'],
		['not-a-video.html', 'not MP4 or MOV'],
	])('refuses %s with what it found and what is allowed', async (name, said) => {
		const { error } = await bench.generate({ videoUrl: `${bench.emulator.mediaUrl}/${name}` });
		expect(error?.message).toContain('Video URL: the ');
		expect(error?.message).toContain(said);
		expect(await seen('create')).toEqual([]);
	});

	test('says everything wrong with an item in one error', async () => {
		const { error } = await bench.generate({
			videoUrl: `${bench.emulator.mediaUrl}/reference-small.mp4`,
			additionalFields: { imageUrl: `${bench.emulator.mediaUrl}/start-small.png` },
		});
		expect(error?.message).toContain('Video URL: the video is 640 x 360 px');
		expect(error?.message).toContain('Image URL: the image is 200 x 200 px');
		expect((await bench.emulator.state()).billed.total).toBe(0);
	});

	test('holds images to the ratio where MuleRouter asks for it, and not for Magnific', async () => {
		const narrow = `${bench.emulator.mediaUrl}/start-narrow.png`;
		const video = { videoUrl: bench.emulator.referenceUrl, prompt: '@Video1' };
		const { error } = await bench.generate({
			provider: 'muleRouter',
			endpoint: 'videoEdit',
			...video,
			additionalFields: { images: [narrow] },
		});
		expect(error?.message).toContain('Images 1: the image is 300 x 900 px, a ratio of 1:3');
		const good = await bench.generate({
			...video,
			additionalFields: { imageUrl: narrow },
			completion: 'submitOnly',
		});
		expect(good.error).toBeUndefined();
	});

	test('looks into files of binary fields, too', async () => {
		const short = path.join(folder, 'short.mp4');
		await fetchTo(short, 'reference-short.mp4');
		const { error } = await bench.generate(fromFile(), { files: { clip: short } });
		expect(error?.message).toBe('Input Binary Field: the video is 2 s long, it must be 3 to 10 s');
		expect(await seen('upload')).toEqual([]);
	});

	test('makes a hint, not an error, of a host that n8n cannot reach', async () => {
		await bench.emulator.set({ referenceChecks: false });
		const { json, hints, error } = await bench.generate({
			prompt: '@Video1',
			videoUrl: 'http://127.0.0.1:9/a.mp4',
			completion: 'submitOnly',
		});
		expect(error).toBeUndefined();
		expect(json[0].taskId).toBeDefined();
		expect(hints.join()).toContain('Video URL could not be checked');
	});

	test('is left out when the user turns it off', async () => {
		await bench.emulator.set({ referenceChecks: false });
		const { error } = await bench.generate({
			videoUrl: `${bench.emulator.mediaUrl}/reference-short.mp4`,
			completion: 'submitOnly',
			options: { checkMedia: false },
		});
		expect(error).toBeUndefined();
		expect(await seen('reference')).toEqual([]);
	});

	test('looks at a file of many items once, and costs one small request', async () => {
		await bench.emulator.set({ referenceChecks: false });
		await bench.generate(
			{ prompt: '@Video1', videoUrl: bench.emulator.referenceUrl, completion: 'submitOnly' },
			{ input: [{}, {}, {}, {}] },
		);
		expect(await seen('reference')).toHaveLength(1);
	});

	test('with Continue On Fail refuses the bad item, and makes the others', async () => {
		const { json } = await bench.generate(
			{ videoUrl: `=${bench.emulator.mediaUrl}/{{ $json.name }}`, completion: 'submitOnly' },
			{
				input: [{ name: 'reference-short.mp4' }, { name: 'reference.mp4' }],
				settings: { onError: 'continueRegularOutput' },
			},
		);
		expect(json[0].error).toContain('2 s long');
		expect(json[1].taskId).toBeDefined();
		expect((await bench.emulator.state()).billed.total).toBe(1);
	});
});
