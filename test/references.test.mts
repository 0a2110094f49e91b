import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { IDataObject, INodeParameters } from 'n8n-workflow';
import { built, shortenPauses, timing } from './engine/haste.mts';
import { useBench } from './engine/setup.mts';
import { videoProblems } from './media/built.mts';
import { videoFacts } from './media/facts.mts';

/** What a request refers to, looked at before anything is paid. */

const { linkAdvice } = built<typeof import('../nodes/KlingV2vGenerate/media/linkAdvice.ts')>(
	'KlingV2vGenerate/media/linkAdvice',
);
const { linkExpiry, withoutSignature } =
	built<typeof import('../nodes/shared/util/linkExpiry.ts')>('shared/util/linkExpiry');

const bench = useBench();
const { seenFor } = timing.media;

beforeAll(shortenPauses);
afterEach(() => {
	timing.media.seenFor = seenFor;
});

function submit(parameters: INodeParameters = {}): INodeParameters {
	return {
		prompt: '@Video1',
		videoUrl: bench.emulator.referenceUrl,
		completion: 'submitOnly',
		...parameters,
	};
}

async function requests(action?: string) {
	const { requests: all } = await bench.emulator.state();
	return all.filter((each) => action === undefined || each.action === action);
}

async function answerReferences(status: number, more: IDataObject = {}): Promise<void> {
	await bench.emulator.fault({
		match: { action: 'reference' },
		times: -1,
		...more,
		fault: { kind: 'status', status },
	});
}

test.each(['\u200b', ' ', '\n'])(
	'an address with %j behind it is sent as it was looked at',
	async (stray) => {
		const { error } = await bench.generate(
			submit({ videoUrl: `={{ ${JSON.stringify(bench.emulator.referenceUrl + stray)} }}` }),
		);
		expect(error).toBeUndefined();
		const [create] = await requests('create');
		expect((create.body as IDataObject).video_url).toBe(bench.emulator.referenceUrl);
	},
);

describe('A reference whose host answers n8n', () => {
	test.each([400, 401, 403, 404, 410, 451])(
		'with HTTP %d is refused before anything is paid, with what to do',
		async (status) => {
			await answerReferences(status);
			const { error } = await bench.generate(submit());
			expect(error?.message).toContain(`its host answers HTTP ${status}`);
			expect(error?.message).toContain('Reference Video: Binary File');
			expect(error?.description).toContain('nothing was billed');
			expect(await requests('create')).toEqual([]);
		},
	);

	test.each([429, 500, 503])(
		'with HTTP %d is sent all the same, with a hint; with Unverified Media on Refuse it is not',
		async (status) => {
			await answerReferences(status, { times: 1 });
			const { error, hints } = await bench.generate(submit());
			expect(error).toBeUndefined();
			expect(hints.join()).toContain(`could not be checked: the host answers HTTP ${status}`);
			expect(await requests('create')).toHaveLength(1);
			await answerReferences(status, { times: 1 });
			const refused = await bench.generate(submit({ options: { unverifiedMedia: 'refuse' } }));
			expect(refused.error?.message).toContain('Unverified Media is set to Refuse');
			expect(await requests('create')).toHaveLength(1);
		},
	);

	test('with a page in place of the file is refused, with what to do about the link', async () => {
		const { error } = await bench.generate(
			submit({ videoUrl: `${bench.emulator.mediaUrl}/not-a-video.html` }),
		);
		expect(error?.message).toContain('is an HTML page, not MP4 or MOV: give a link to the file');
	});

	test('is refused for an image, too, with what to do about that', async () => {
		await answerReferences(403, { skip: 1 });
		const { error } = await bench.generate(
			submit({ additionalFields: { imageUrl: `${bench.emulator.mediaUrl}/start.png` } }),
		);
		expect(error?.message).toContain('Image URL: the file cannot be fetched');
		expect(error?.message).toContain('if it does so to n8n only, turn Check Media off');
		expect(error?.message).toContain('the name of its binary field');
	});
});

test.each([
	[
		'https://drive.google.com/file/d/1AbC-d_e/view?usp=sharing',
		'download?export=download&confirm=t&id=1AbC-d_e',
	],
	['https://drive.google.com/open?id=1AbC', 'confirm=t&id=1AbC'],
	['https://www.dropbox.com/s/x/a.mp4?dl=0', 'dl=1'],
	['https://1drv.ms/v/s!abc', 'download=1'],
	['https://tenant.sharepoint.com/:v:/g/x', 'download=1'],
	['https://www.tiktok.com/@user/video/1', 'not the file'],
	['https://youtu.be/x', 'not the file'],
	['https://v16.tiktokcdn.com/x', 'short time'],
	['https://github.com/user/repo/blob/main/a.mp4', 'Raw'],
	['https://bucket.s3.eu-central-1.amazonaws.com/a.mp4', 'signed link'],
	['https://example.com/a.mp4', 'a link to the file itself'],
	['https://notdropbox.com/a.mp4', 'a link to the file itself'],
])('the advice about %s says "%s", and names the way without a link', (link, said) => {
	expect(linkAdvice(link, 'video')).toContain(said);
	expect(linkAdvice(link, 'video')).toContain('Reference Video: Binary File');
});

describe('An address that a public API cannot reach', () => {
	const cases: Array<[string, INodeParameters, string]> = [
		['in Video URL', { videoUrl: 'http://192.168.1.5/a.mp4' }, 'Video URL'],
		['with the name of a container', { videoUrl: 'http://minio:9000/a.mp4' }, 'Video URL'],
		['of the own machine', { videoUrl: 'http://localhost.:5678/a.mp4' }, 'Video URL'],
		['wrapped in IPv6', { videoUrl: 'http://[64:ff9b::10.0.0.1]/a.mp4' }, 'Video URL'],
		[
			'in Image URL',
			{ additionalFields: { imageUrl: 'http://host.docker.internal/a.png' } },
			'Image URL',
		],
		[
			"in the user's own Webhook URL",
			{ additionalFields: { webhookUrl: 'http://127.0.0.1:5678/webhook/x' } },
			'Webhook URL',
		],
		[
			'with Validate Only',
			{ videoUrl: 'http://10.0.0.1/a.mp4', options: { validateOnly: true } },
			'Video URL',
		],
		[
			'with Check Media off',
			{ videoUrl: 'http://10.0.0.1/a.mp4', options: { checkMedia: false } },
			'Video URL',
		],
		[
			'in a list',
			{
				provider: 'muleRouter',
				videoList: { videos: [{ videoUrl: 'https://example.com/a.mp4' }] },
				additionalFields: { images: ['https://example.com/a.png', 'http://10.0.0.1/b.png'] },
			},
			'Images 2',
		],
		[
			'of an element',
			{
				provider: 'muleRouter',
				endpoint: 'videoEdit',
				videoUrl: 'https://example.com/a.mp4',
				additionalFields: {
					elements: {
						elements: [
							{
								frontalImage: 'https://example.com/a.png',
								referenceImages: ['https://example.com/a.png'],
								referenceVideos: ['http://10.0.0.1/b.mp4'],
							},
						],
					},
				},
			},
			'Elements 1, Reference Videos 1',
		],
	];

	test.each(cases)('%s is refused before any request', async (_name, parameters, label) => {
		bench.credentials.magnificApi.baseUrl = 'https://api.magnific.com';
		bench.credentials.muleRouterApi.baseUrl = 'https://api.mulerouter.ai';
		// The first item is good, and would be looked at.
		const { error } = await bench.generate({ ...submit(), ...parameters }, { input: [{}, {}] });
		expect(error?.message).toMatch(
			new RegExp(`${label}: \\w+ cannot reach \\S+, which is no public address: \\w`),
		);
		expect(error?.description).toContain('Nothing was sent');
		expect(await requests()).toEqual([]);
	});

	test('of one item stops the others before they are looked at', async () => {
		bench.credentials.magnificApi.baseUrl = 'https://api.magnific.com';
		const { error } = await bench.generate(submit({ videoUrl: '={{ $json.url }}' }), {
			input: [{ url: 'https://example.com/a.mp4' }, { url: bench.emulator.referenceUrl }],
		});
		expect(error?.context.itemIndex).toBe(1);
		expect(await requests()).toEqual([]);
	});

	test('is in reach of an API that is itself in a private network', async () => {
		const { error } = await bench.generate(submit());
		expect(error).toBeUndefined();
	});
});

describe('A reference that redirects', () => {
	let proxy: Server;
	let asked: string[];
	const { HTTP_PROXY } = process.env;

	/** Stands for every host of the internet: n8n asks them by way of a proxy. */
	beforeEach(async () => {
		asked = [];
		proxy = createServer(({ url = '' }, response) => {
			asked.push(url);
			const location = new URL(url).searchParams.get('to');
			if (location === null) response.writeHead(404).end();
			else response.writeHead(302, { location }).end();
		}).listen(0, '127.0.0.1');
		await once(proxy, 'listening');
		process.env.HTTP_PROXY = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
		bench.credentials.magnificApi.baseUrl = 'https://api.magnific.com';
	});

	afterEach(async () => {
		if (HTTP_PROXY === undefined) delete process.env.HTTP_PROXY;
		else process.env.HTTP_PROXY = HTTP_PROXY;
		proxy.closeAllConnections();
		proxy.close();
		await once(proxy, 'close');
	});

	const START = 'http://media.example.com/a.mp4?to=';

	test.each([
		'http://10.0.0.1/a.mp4',
		'http://localhost:5678/a.mp4',
		'http://[::ffff:169.254.169.254]/a.mp4',
		`${encodeURIComponent('http://cdn.example.com/a.mp4?to=http://minio:9000/a.mp4')}`,
	])('to %s is refused before anything is paid where the API is public', async (to) => {
		const { error } = await bench.generate(submit({ videoUrl: START + to }));
		expect(error?.message).toMatch(
			/^Video URL: the file cannot be fetched: the link leads to \S+, which is no public address: /,
		);
		expect(error?.description).toContain('Nothing was sent');
		const hosts = asked.map((url) => new URL(url).hostname);
		expect(hosts.filter((host) => !host.endsWith('example.com'))).toEqual([]);
	});

	test('to a public host is followed', async () => {
		const to = encodeURIComponent('http://cdn.example.com/gone.mp4');
		const { error } = await bench.generate(submit({ videoUrl: START + to }));
		expect(error?.message).toContain('its host answers HTTP 404');
		expect(asked).toEqual([START + to, 'http://cdn.example.com/gone.mp4']);
	});
});

describe('A signed link', () => {
	const token = (claims: object) =>
		`eyJhbGciOiJIUzI1NiJ9.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2lnbmF0dXJl`;

	/** As CloudFront writes one. */
	const policy = (time: number) =>
		Buffer.from(
			`{"Statement": [{"Resource": "*", "Condition": {"DateLessThan": {"AWS:EpochTime": ${time}}}}]}`,
		)
			.toString('base64')
			.replace(/[+=/]/g, (sign) => ({ '+': '-', '=': '_' })[sign] ?? '~');

	test.each([
		['?token=exp=1893456000~hmac=ab', '2030-01-01T00:00:00.000Z'],
		['?hdnts=st=1~exp=1893456000~acl=/*~hmac=ab', '2030-01-01T00:00:00.000Z'],
		['?Expires=1893456000&Signature=x&Key-Pair-Id=y', '2030-01-01T00:00:00.000Z'],
		['?x-expires=1893456000&x-signature=x', '2030-01-01T00:00:00.000Z'],
		['?X-Amz-Date=20300101T000000Z&X-Amz-Expires=60', '2030-01-01T00:01:00.000Z'],
		['?X-Goog-Date=20300101T000000Z&X-Goog-Expires=60', '2030-01-01T00:01:00.000Z'],
		['?sv=2024-01-01&se=2030-01-01T00%3A00%3A00Z&sig=x', '2030-01-01T00:00:00.000Z'],
		['?ex=70dbd880&is=70dbd880&hm=ab', '2030-01-01T00:00:00.000Z'],
		['?q-sign-time=1893452400;1893456000', '2030-01-01T00:00:00.000Z'],
		[`?Policy=${policy(1893456000)}&Signature=x&Key-Pair-Id=y`, '2030-01-01T00:00:00.000Z'],
		['?Policy=x&Signature=x', null],
		[`?token=${token({ exp: 1893456000 })}`, '2030-01-01T00:00:00.000Z'],
		[`?token=${token({ sub: 'x' })}`, null],
		['?token=eyJ.x.y', null],
		['?se=2030-01-01', null],
		['?expires=soon', null],
		['?expire=5', null],
		['', null],
	])('that ends with "%s" works until %s', (query, expiry) => {
		expect(linkExpiry(`https://example.com/a.mp4${query}`)).toBe(expiry);
	});

	test.each([
		['?id=5&token=exp=1893456000~hmac=ab', '?id=5'],
		['?id=5&Expires=1893456000&Signature=x&Key-Pair-Id=y', '?id=5'],
		['?id=5&AWSAccessKeyId=x&Expires=1893456000&Signature=y', '?id=5'],
		[
			'?response-content-type=video%2Fmp4&X-Amz-Algorithm=a&X-Amz-Credential=c&X-Amz-Date=20300101T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=x',
			'?response-content-type=video%2Fmp4',
		],
		['?comp=x&sv=2024-01-01&sr=b&sp=r&se=2030-01-01T00%3A00%3A00Z&sig=x', '?comp=x'],
		['?ex=70dbd880&is=70dbd880&hm=ab', ''],
		['?q-sign-algorithm=sha1&q-ak=x&q-sign-time=1893452400;1893456000&q-signature=y', ''],
		['?id=5&se=2030', '?id=5&se=2030'],
		['?id=5', '?id=5'],
		[`?token=${token({ exp: 1893456000 })}`, `?token=${token({ exp: 1893456000 })}`],
	])('that ends with "%s" is the same file as one signed anew: "%s"', (query, rest) => {
		expect(withoutSignature(`https://example.com/a.mp4${query}`)).toBe(
			`https://example.com/a.mp4${rest}`,
		);
	});

	test('that has run out is refused before any request', async () => {
		const { error } = await bench.generate(
			submit({ videoUrl: `${bench.emulator.referenceUrl}?Expires=1500000000&Signature=x` }),
		);
		expect(error?.message).toContain(
			'Video URL: the link worked until 2017-07-14T02:40:00.000Z only',
		);
		expect(await requests()).toEqual([]);
	});

	test('that runs out soon brings a hint', async () => {
		const soon = Math.round(Date.now() / 1000) + 600;
		const { error, hints } = await bench.generate(
			submit({ videoUrl: `${bench.emulator.referenceUrl}?Expires=${soon}` }),
		);
		expect(error).toBeUndefined();
		expect(hints.join()).toContain('the provider may fetch it later');
	});
});

describe('A reference that was looked at some minutes ago', () => {
	/** The second item has to wait for the first, which takes longer than what was seen holds. */
	async function afterWaiting(parameters: INodeParameters = {}) {
		timing.media.seenFor = -1;
		await bench.emulator.set({ referenceChecks: false });
		return await bench.generate(
			submit({
				completion: 'poll',
				downloadVideo: false,
				videoUrl: '={{ $json.url }}',
				...parameters,
				options: { maxConcurrentTasks: 1, ...(parameters.options as IDataObject) },
			}),
			{
				input: ['a', 'b'].map((name) => ({ url: `${bench.emulator.referenceUrl}?${name}` })),
				settings: { onError: 'continueRegularOutput' },
			},
		);
	}

	test('is looked at again right before its task is created', async () => {
		const { json } = await afterWaiting();
		expect(json.map(({ status }) => status)).toEqual(['completed', 'completed']);
		const order = (await requests())
			.filter(({ action }) => action === 'reference' || action === 'create')
			.map(({ action, path }) => (action === 'create' ? 'create' : path.slice(-1)));
		// At first, both are looked at together.
		expect(order.slice(0, 2).sort()).toEqual(['a', 'b']);
		expect(order.slice(2)).toEqual(['a', 'create', 'b', 'create']);
	});

	test('and is gone by then: its item fails, and nothing is paid for it', async () => {
		// Looked at first: both; again: the first, then the second.
		await answerReferences(404, { skip: 3 });
		const { json } = await afterWaiting();
		expect(json[0].status).toBe('completed');
		expect(json[1].error).toContain('its host answers HTTP 404');
		expect(await requests('create')).toHaveLength(1);
	});

	test('is left alone where Check Media is off', async () => {
		await afterWaiting({ options: { checkMedia: false } });
		expect(await requests('reference')).toEqual([]);
		expect(await requests('create')).toHaveLength(2);
	});

	test('is looked at again by the turn after a sleep, as long after as it was', async () => {
		timing.media.seenFor = 1;
		await bench.emulator.set({ referenceChecks: false, taskSeconds: 1 });
		const { json, sleeps } = await bench.generate(
			submit({
				completion: 'poll',
				downloadVideo: false,
				options: { maxConcurrentTasks: 1, whileWaiting: 'sleep' },
			}),
			{ input: [{}, {}] },
		);
		expect(json.map(({ status }) => status)).toEqual(['completed', 'completed']);
		expect(sleeps).toBeGreaterThan(0);
		// Once for both items at first, which have the same link, and once before the second.
		expect((await requests('reference')).length).toBeGreaterThanOrEqual(2);
		expect((await requests('create')).length).toBe(2);
	});
});

describe('A reference video of 12 seconds', () => {
	const long = () => `${bench.emulator.mediaUrl}/reference-long.mp4`;

	test('is refused for Magnific, which documents at most 10', async () => {
		const { error } = await bench.generate(submit({ videoUrl: long() }));
		expect(error?.message).toContain('the video is 12 s long, it must be 3 to 10 s');
	});

	test('brings a hint for MuleRouter, which may take up to 15', async () => {
		await bench.emulator.set({ referenceChecks: false });
		const { error, hints } = await bench.generate({
			...submit({ videoUrl: long() }),
			provider: 'muleRouter',
			endpoint: 'videoEdit',
		});
		expect(error).toBeUndefined();
		expect(hints.join()).toContain('the video is 12 s long: 3 to 10 s are documented');
	});
});

test.each([
	[10.05, []],
	[10.5, []],
	[15.5, []],
	[15.7, ['Video URL: the video is 15.7 s long, it must be 3 to 15 s']],
])('a reference video of %d s at a provider that takes 15: %j', (duration, problems) => {
	const facts = videoFacts({ duration });
	const longest = { max: 15, tolerance: 0.5 };
	expect(videoProblems('Video URL', facts, longest)).toEqual(problems);
});
