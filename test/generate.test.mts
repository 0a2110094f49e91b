import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import type { INodeParameters } from 'n8n-workflow';
import { stored } from './engine/engine.mts';
import { keys, useBench } from './engine/setup.mts';
import { images } from './media/images.mts';

const bench = useBench();
const options = { pollInterval: 1 };

async function billed(): Promise<number> {
	return (await bench.emulator.state()).billed.total;
}

/** The requests that create tasks, as the provider saw them. */
async function creations() {
	const { requests } = await bench.emulator.state();
	return requests.filter(({ action }) => action === 'create');
}

function muleRouter(endpoint: string, more: INodeParameters = {}): INodeParameters {
	const { referenceUrl } = bench.emulator;
	const video =
		endpoint === 'videoToVideo'
			? { videoList: { videos: [{ videoUrl: referenceUrl }] } }
			: { videoUrl: referenceUrl };
	return { provider: 'muleRouter', endpoint, prompt: 'As @Video1', ...video, options, ...more };
}

describe('a finished video', () => {
	test('comes out of Magnific as the documented item, with its file', async () => {
		const { emulator } = bench;
		const { json, items, error } = await bench.generate({
			prompt: 'As a watercolour of @Video1',
			videoUrl: emulator.referenceUrl,
			options,
		});
		expect(error).toBeUndefined();
		const { tasks, violations } = await emulator.state();
		expect(violations).toEqual([]);
		expect(json[0]).toEqual({
			provider: 'magnific',
			endpoint: 'referenceToVideo',
			taskId: tasks[0].taskId,
			status: 'completed',
			providerStatus: 'COMPLETED',
			videoUrl: expect.stringContaining(tasks[0].taskId),
			videoUrls: [json[0].videoUrl],
			videoUrlExpiresAt: expect.stringMatching(/^20\d\d-.*Z$/),
			createdAt: null,
			updatedAt: null,
			media: {
				width: 1280,
				height: 720,
				duration: 5,
				frameRate: 24,
				codec: 'avc1',
				size: expect.any(Number),
			},
		});
		expect(items[0].pairedItem).toEqual({ item: 0 });
		expect(items[0].binary?.data).toMatchObject({
			fileName: `${tasks[0].taskId}.mp4`,
			mimeType: 'video/mp4',
			fileExtension: 'mp4',
		});
		const { sha256 } = (await emulator.control('GET', `/tasks/${tasks[0].taskId}/sha256`)) as {
			sha256: string;
		};
		expect(
			createHash('sha256')
				.update(await stored(items[0]))
				.digest('hex'),
		).toBe(sha256);
	});

	test.each(['videoToVideo', 'referenceVideoToVideo', 'videoEdit'])(
		'comes out of MuleRouter through %s',
		async (endpoint) => {
			const { json, items, error } = await bench.generate(muleRouter(endpoint));
			expect(error).toBeUndefined();
			expect(json[0]).toMatchObject({
				provider: 'muleRouter',
				endpoint,
				status: 'completed',
				createdAt: expect.stringMatching(/^20/),
			});
			expect(items[0].binary?.data.mimeType).toBe('video/mp4');
			expect((await bench.emulator.state()).violations).toEqual([]);
		},
	);

	test('goes into the field the user names, and is left at the provider when not wanted', async () => {
		const named = await bench.generate({
			videoUrl: bench.emulator.referenceUrl,
			binaryPropertyName: 'clip',
			options,
		});
		expect(Object.keys(named.items[0].binary ?? {})).toEqual(['clip']);
		const unwanted = await bench.generate({
			videoUrl: bench.emulator.referenceUrl,
			downloadVideo: false,
			options,
		});
		expect(unwanted.items[0].binary).toBeUndefined();
		expect(unwanted.json[0].videoUrl).toMatch(/^http/);
	});

	test('of many items keeps the order of the input, and pairs each with its own', async () => {
		await bench.emulator.set({ taskSeconds: [2, 0.1, 1, 0.1] });
		const { json, items } = await bench.generate(
			{
				prompt: '={{ $json.text }}',
				videoUrl: bench.emulator.referenceUrl,
				options: { ...options, maxConcurrentTasks: 4 },
			},
			{ input: ['one', 'two', 'three', 'four'].map((text) => ({ text })) },
		);
		const { tasks } = await bench.emulator.state();
		const promptOf = new Map(tasks.map(({ taskId, body }) => [taskId, body.prompt]));
		expect(json.map(({ taskId }) => promptOf.get(taskId as string))).toEqual([
			'one',
			'two',
			'three',
			'four',
		]);
		expect(items.map(({ pairedItem }) => pairedItem)).toEqual(
			[0, 1, 2, 3].map((item) => ({ item })),
		);
	});
});

describe('the request', () => {
	test('holds what the user set, spelled as Magnific documents it', async () => {
		await bench.generate({
			mode: 'pro',
			prompt: 'As @Video1',
			videoUrl: bench.emulator.referenceUrl,
			additionalFields: {
				imageUrl: `${bench.emulator.mediaUrl}/start.png`,
				duration: 7,
				aspectRatio: 'auto',
				cfgScale: 0.75,
				negativePrompt: 'text',
				webhookUrl: `${bench.emulator.mediaUrl}/hook`,
			},
			completion: 'submitOnly',
		});
		const [{ path, body, headers }] = await creations();
		expect(path).toBe('/v1/ai/reference-to-video/kling-v3-omni-pro');
		expect(headers['x-magnific-api-key']).toBe(keys.magnific);
		expect(body).toEqual({
			prompt: 'As @Video1',
			video_url: bench.emulator.referenceUrl,
			image_url: `${bench.emulator.mediaUrl}/start.png`,
			duration: '7',
			aspect_ratio: 'auto',
			cfg_scale: 0.75,
			negative_prompt: 'text',
			webhook_url: `${bench.emulator.mediaUrl}/hook`,
		});
	});

	test('leaves out what the user left alone', async () => {
		const magnific = { videoUrl: bench.emulator.referenceUrl, completion: 'submitOnly' };
		await bench.generate(magnific);
		for (const endpoint of ['videoToVideo', 'referenceVideoToVideo', 'videoEdit']) {
			await bench.generate(muleRouter(endpoint, { completion: 'submitOnly' }));
		}
		const video = bench.emulator.referenceUrl;
		expect(
			(await creations()).map(({ path, body }) => [path.split('kling-v3-omni')[1], body]),
		).toEqual([
			['-std', { video_url: video }],
			[
				'/video-to-video/generation',
				{ prompt: 'As @Video1', video_list: [{ video_url: video, refer_type: 'feature' }] },
			],
			[
				'/reference-video-to-video/generation',
				// MuleRouter asks for the shape there, though it documents a default.
				{ prompt: 'As @Video1', video, aspect_ratio: '16:9' },
			],
			['/video-to-video/edit', { prompt: 'As @Video1', video }],
		]);
	});

	test('holds what the user set, spelled as MuleRouter documents it', async () => {
		const image = `${bench.emulator.mediaUrl}/start.png`;
		const element = { frontalImage: image, referenceImages: [image] };
		await bench.generate(
			muleRouter('videoToVideo', {
				mode: 'std',
				videoList: {
					videos: [
						{
							videoUrl: bench.emulator.referenceUrl,
							referType: 'feature',
							keepOriginalSound: true,
						},
					],
				},
				additionalFields: {
					firstFrame: image,
					lastFrame: image,
					negativePrompt: 'text',
					images: [image],
					elements: { elements: [element] },
					aspectRatio: '9:16',
					duration: 8,
				},
				completion: 'submitOnly',
			}),
		);
		await bench.generate(
			muleRouter('referenceVideoToVideo', {
				keepAudio: true,
				additionalFields: { aspectRatio: '1:1', duration: 4, images: [image, image] },
				completion: 'submitOnly',
			}),
		);
		const wireElement = { type: 'image', frontal_image: image, reference_images: [image] };
		const [first, second] = await creations();
		expect(first.headers.authorization).toBe(`Bearer ${keys.muleRouter}`);
		expect(first.body).toEqual({
			prompt: 'As @Video1',
			video_list: [
				{
					video_url: bench.emulator.referenceUrl,
					refer_type: 'feature',
					keep_original_sound: 'yes',
				},
			],
			mode: 'std',
			first_frame: image,
			last_frame: image,
			negative_prompt: 'text',
			images: [image],
			elements: [wireElement],
			aspect_ratio: '9:16',
			duration: 8,
		});
		expect(second.body).toEqual({
			prompt: 'As @Video1',
			video: bench.emulator.referenceUrl,
			keep_audio: true,
			aspect_ratio: '1:1',
			duration: 4,
			images: [image, image],
		});
		expect((await bench.emulator.state()).violations).toEqual([]);
	});

	test('drops fields that belong to another endpoint', async () => {
		await bench.generate(
			muleRouter('videoEdit', {
				additionalFields: {
					duration: 9,
					aspectRatio: '1:1',
					firstFrame: 'https://example.com/a.png',
				},
				completion: 'submitOnly',
			}),
		);
		expect((await creations())[0].body).toEqual({
			prompt: 'As @Video1',
			video: bench.emulator.referenceUrl,
		});
	});

	test('takes numbers that an expression gives as texts', async () => {
		await bench.generate(
			{
				videoUrl: bench.emulator.referenceUrl,
				additionalFields: { duration: '={{ $json.seconds }}', cfgScale: '={{ $json.scale }}' },
				completion: 'submitOnly',
			},
			{ input: [{ seconds: '6', scale: '0.2' }] },
		);
		expect((await creations())[0].body).toMatchObject({ duration: '6', cfg_scale: 0.2 });
	});

	test('takes switches that an expression gives as texts', async () => {
		const { items, error } = await bench.generate({
			prompt: '@Video1',
			videoUrl: bench.emulator.referenceUrl,
			downloadVideo: '={{ " FALSE" }}',
			options: { checkMedia: '={{ "true" }}' },
		});
		expect(error).toBeUndefined();
		expect(items[0].binary).toBeUndefined();
	});

	test('holds megabytes of text in a process whose regular expressions are not optimized any more', () => {
		// As in any that has compiled many of them: V8 then keeps a place to go back to for each character.
		const script = `
			const { providers } = require('./dist/nodes/shared/providers/index');
			const { checkValue } = require('./dist/nodes/shared/parameters/check');
			const { excerpt } = require('./dist/nodes/shared/util/unknown');
			const { additionalFields } = providers.magnific.parameters;
			const image = additionalFields.find(({ name }) => name === 'imageUrl');
			const base64 = Buffer.alloc(10e6).toString('base64');
			const uri = 'data:image/png;base64,' + base64;
			const given = [base64, uri, base64 + '!', uri + '!'];
			const problems = given.map((each) => checkValue(image, each, 'Image URL').problems.length);
			console.log(JSON.stringify([problems, excerpt('a' + ' '.repeat(20e6) + 'b').length]));`;
		const flags = ['--no-regexp-optimization', '-e', script];
		expect(execFileSync(process.execPath, flags, { encoding: 'utf8' })).toBe('[[0,0,1,1],1]\n');
	});

	test('takes an image as Base64 up to the documented 10 MB', async () => {
		const png = await images.bytes('640x360.png');
		const image = Buffer.concat([png, Buffer.alloc(10e6 - png.length)]).toString('base64');
		const { error } = await bench.generate(
			muleRouter('videoToVideo', {
				additionalFields: { firstFrame: '={{ $json.image }}' },
				completion: 'submitOnly',
			}),
			{ input: [{ image }] },
		);
		expect(error).toBeUndefined();
		const [{ body }] = (await bench.emulator.state()).tasks;
		expect(body.first_frame).toContain(createHash('sha256').update(image).digest('hex'));
	});

	test('never takes the key to a result host', async () => {
		await bench.emulator.fault({
			match: { action: 'download' },
			fault: { kind: 'redirect', location: 'other-origin' },
		});
		const { items } = await bench.generate({ videoUrl: bench.emulator.referenceUrl, options });
		expect(items[0].binary?.data).toBeDefined();
		const { requests } = await bench.emulator.state();
		const downloads = requests.filter(({ action }) => action === 'download');
		expect(downloads.length).toBeGreaterThan(1);
		expect(downloads.filter(({ carriesKey }) => carriesKey)).toEqual([]);
	});
});

describe('Return Task ID Immediately', () => {
	test('gives the task ID without waiting, and nothing to download', async () => {
		await bench.emulator.set({ taskSeconds: 600 });
		const { json, items } = await bench.generate({
			videoUrl: bench.emulator.referenceUrl,
			completion: 'submitOnly',
		});
		const { tasks, requests } = await bench.emulator.state();
		expect(requests.filter(({ action }) => action === 'status')).toEqual([]);
		expect(json[0]).toMatchObject({
			provider: 'magnific',
			endpoint: 'referenceToVideo',
			taskId: tasks[0].taskId,
			status: 'pending',
			providerStatus: 'CREATED',
			videoUrl: null,
			videoUrls: [],
			videoUrlExpiresAt: null,
		});
		expect(items[0].binary).toBeUndefined();
	});
});

describe('a run of Generate', () => {
	const url = 'https://example.com/a.mp4';
	const element = { frontalImage: url, referenceImages: [url] };
	const list = { videos: [{ videoUrl: url }] };
	const cases: Array<[string, INodeParameters, string[]]> = [
		[
			'a video URL that an expression leaves empty',
			{ videoUrl: '={{ $json.nothing }}' },
			['Video URL is required'],
		],
		[
			'a video URL that is no http(s) URL',
			{ videoUrl: 'ftp://example.com/a.mp4' },
			['Video URL must be an http or https URL'],
		],
		[
			'a video URL without a host',
			{ videoUrl: 'https://' },
			['Video URL must be an http or https URL'],
		],
		[
			'a prompt of 2,501 characters',
			{ videoUrl: url, prompt: 'x'.repeat(2501) },
			['Prompt must be at most 2500 characters (got 2501)'],
		],
		[
			'a Validate Only that an expression leaves empty',
			{ videoUrl: url, options: { validateOnly: '={{ $json.nothing }}' } },
			['Validate Only is empty: give it a value, or remove the option'],
		],
		[
			'spending limits that an expression leaves empty',
			{ videoUrl: url, options: { maxTasks: '={{ "" }}', maxTotalSeconds: '={{ null }}' } },
			['Max Tasks is empty', 'Max Total Seconds is empty'],
		],
		[
			'a switch that an expression gives as another word',
			{ videoUrl: url, downloadVideo: '={{ "yes" }}' },
			['Download Video must be true or false (got "yes")'],
		],
		[
			'a wait of a year',
			{ videoUrl: url, options: { waitLimit: 525_600 } },
			['Wait Limit (Minutes) must be a number from 0 to 43200 (got 525600)'],
		],
		[
			'a duration of 2',
			{ videoUrl: url, additionalFields: { duration: 2 } },
			['Duration must be a whole number from 3 to 15 (got 2)'],
		],
		[
			'a duration of 16',
			{ videoUrl: url, additionalFields: { duration: 16 } },
			['Duration must be a whole number from 3 to 15 (got 16)'],
		],
		[
			'a duration of 3.5',
			{ videoUrl: url, additionalFields: { duration: 3.5 } },
			['Duration must be a whole number from 3 to 15 (got 3.5)'],
		],
		[
			'a duration that is no number',
			{ videoUrl: url, additionalFields: { duration: '={{ "long" }}' } },
			['Duration must be a whole number from 3 to 15 (got "long")'],
		],
		[
			'a CFG scale of 1.5',
			{ videoUrl: url, additionalFields: { cfgScale: 1.5 } },
			['CFG Scale must be a number from 0 to 1 (got 1.5)'],
		],
		[
			'a prompt that is an object',
			{ videoUrl: url, prompt: '={{ { a: 1 } }}' },
			['Prompt must be text (got an object)'],
		],
		[
			'an unknown aspect ratio',
			{ videoUrl: url, additionalFields: { aspectRatio: '={{ "4:3" }}' } },
			['Aspect Ratio must be one of 16:9, 1:1, 9:16, auto (got "4:3")'],
		],
		[
			'an unknown mode',
			{ videoUrl: url, mode: '={{ "ultra" }}' },
			['Mode must be one of pro, std (got "ultra")'],
		],
		[
			'an empty prompt where it is required',
			{ provider: 'muleRouter', prompt: ' ', videoList: list },
			['Prompt is required'],
		],
		[
			'no reference video in the list',
			{ provider: 'muleRouter', prompt: 'x', videoList: { videos: [] } },
			['Reference Videos is required'],
		],
		[
			'an entry of the list that an expression leaves empty',
			{ provider: 'muleRouter', prompt: 'x', videoList: { videos: [{ videoUrl: '={{ "" }}' }] } },
			['Reference Videos 1, Video URL is required'],
		],
		[
			'two reference videos',
			{
				provider: 'muleRouter',
				prompt: 'x',
				videoList: { videos: [{ videoUrl: url }, { videoUrl: url }] },
			},
			['Reference Videos takes exactly one video (2 given)'],
		],
		[
			'five elements',
			{
				provider: 'muleRouter',
				prompt: 'x',
				videoList: list,
				additionalFields: { elements: { elements: Array(5).fill(element) } },
			},
			['Elements takes at most 4 (5 given)'],
		],
		[
			'lists of what is no text',
			{
				provider: 'muleRouter',
				prompt: 'x',
				videoList: list,
				additionalFields: {
					images: '={{ 5 }}',
					elements: {
						elements: [{ referenceImages: '={{ [5] }}', referenceVideos: '={{ { a: 1 } }}' }],
					},
				},
			},
			[
				'Images 1 must be text (got 5)',
				'Elements 1, Reference Images 1 must be text (got 5)',
				'Elements 1, Reference Videos 1 must be text (got an object)',
			],
		],
		[
			'three images and two elements',
			{
				provider: 'muleRouter',
				prompt: 'x',
				videoList: list,
				additionalFields: { images: [url, url, url], elements: { elements: [element, element] } },
			},
			['Images, Elements and frames together are limited to 4 beside a reference video (5 given)'],
		],
		[
			'three images and two frames',
			{
				provider: 'muleRouter',
				prompt: 'x',
				videoList: list,
				additionalFields: { images: [url, url, url], firstFrame: url, lastFrame: url },
			},
			[
				'Images, Elements and frames together are limited to 4 beside a reference video (5 given)',
				'Last Frame cannot be used beside more than one of Images',
			],
		],
		[
			'an element without its images',
			{
				provider: 'muleRouter',
				prompt: 'x',
				videoList: list,
				additionalFields: {
					elements: { elements: [{ frontalImage: url }, { referenceImages: [url] }] },
				},
			},
			[
				'Elements 1: an element needs a Frontal Image, and 1 to 3 Reference Images',
				'Elements 2: an element needs a Frontal Image, and 1 to 3 Reference Images',
			],
		],
		[
			'a last frame without a first',
			{
				provider: 'muleRouter',
				prompt: 'x',
				videoList: list,
				additionalFields: { lastFrame: url },
			},
			['Last Frame needs a First Frame'],
		],
		[
			'a first frame when editing',
			{
				provider: 'muleRouter',
				prompt: 'x',
				videoList: { videos: [{ videoUrl: url, referType: 'base' }] },
				additionalFields: { firstFrame: url },
			},
			['First Frame and Last Frame cannot be used when Refer Type is Base'],
		],
		[
			'an image that is nothing of all it may be',
			{
				provider: 'muleRouter',
				prompt: 'x',
				videoList: list,
				additionalFields: { firstFrame: 'my picture' },
			},
			[
				'First Frame must be an http or https URL, a data URI, Base64 or the name of a binary field (got "my picture")',
			],
		],
		[
			'a long text that is no Base64',
			{ videoUrl: url, additionalFields: { imageUrl: '={{ "A".repeat(14_000_000) + "!" }}' } },
			['Image URL must be an http or https URL, a data URI, Base64 or the name'],
		],
		[
			'a poll interval below a second',
			{ videoUrl: url, options: { pollInterval: 0.5 } },
			['Poll Interval (Seconds) must be a number of at least 1 (got 0.5)'],
		],
		[
			'a negative wait limit',
			{ videoUrl: url, options: { waitLimit: -1 } },
			['Wait Limit (Minutes) must be a number from 0 to 43200 (got -1)'],
		],
		[
			'several things at once',
			{
				videoUrl: 'x',
				prompt: 'x'.repeat(3000),
				additionalFields: { duration: 99, cfgScale: -1, imageUrl: 'y' },
			},
			[
				'Prompt must be',
				'Video URL must be',
				'Duration must be',
				'CFG Scale must be',
				'Image URL: the item has no binary field "y" (it has: none)',
			],
		],
	];

	// What n8n itself finds empty before the run, it says in its own words.
	test.each([
		['no video URL', {}, 'Parameter "Video URL" is required'],
		[
			'an empty entry in the list',
			{ provider: 'muleRouter', prompt: 'x', videoList: { videos: [{ videoUrl: '' }] } },
			'Parameter "Video URL" is required',
		],
		[
			'an empty prompt',
			{ provider: 'muleRouter', videoList: list },
			'Parameter "Prompt" is required',
		],
		[
			'no field for the file',
			{ videoUrl: url, binaryPropertyName: '' },
			'Parameter "Put Output File in Field" is required',
		],
	])('with %s does not begin, as n8n names the problem', async (_name, parameters, said) => {
		const { error } = await bench.generate(parameters as INodeParameters);
		expect(error?.message).toContain(said);
		expect((await bench.emulator.state()).requests).toEqual([]);
	});

	test.each(cases)(
		'with %s ends in one error that names the problem, and sends no request',
		async (_name, parameters, said) => {
			const { error } = await bench.generate(parameters);
			for (const part of said) expect(error?.message).toContain(part);
			expect(error?.description).toContain('nothing was billed');
			expect(error?.context.itemIndex).toBe(0);
			expect((await bench.emulator.state()).requests).toEqual([]);
		},
	);

	test('with bad input in one of several items stops before anything is sent for any', async () => {
		const { error } = await bench.generate(
			{ videoUrl: '={{ $json.url }}', options },
			{ input: [{ url: bench.emulator.referenceUrl }, { url: 'nonsense' }] },
		);
		expect(error?.message).toContain('Video URL must be an http or https URL (got "nonsense")');
		expect(error?.context.itemIndex).toBe(1);
		expect((await bench.emulator.state()).requests).toEqual([]);
	});

	test('without a credential says so before any request', async () => {
		bench.credentials = {};
		const { error } = await bench.generate({ videoUrl: url });
		expect(error?.message).toMatch(/credential/i);
		expect((await bench.emulator.state()).requests).toEqual([]);
	});

	test('with an empty key says so before any request', async () => {
		bench.credentials.magnificApi = { apiKey: ' ', baseUrl: bench.emulator.apiUrl };
		const { error } = await bench.generate({ videoUrl: url });
		expect(error?.message).toBe('The API Key in the Magnific credential is empty');
		expect((await bench.emulator.state()).requests).toEqual([]);
	});

	test('with a Base URL that is no URL says so before any request', async () => {
		bench.credentials.magnificApi = { apiKey: keys.magnific, baseUrl: 'api.magnific.com' };
		const { error } = await bench.generate({ videoUrl: url });
		expect(error?.message).toBe('The Base URL in the Magnific credential is no http or https URL');
		expect(error?.description).toContain('Open the credential');
	});
});

describe('a failed item', () => {
	test("names provider, task and the provider's reason", async () => {
		await bench.emulator.set({ failTasks: { nth: 'all', reason: 'unsafe content', code: 1301 } });
		const { error } = await bench.generate(muleRouter('videoToVideo'));
		const { tasks } = await bench.emulator.state();
		expect(error?.message).toContain('MuleRouter could not make the video');
		expect(error?.message).toContain('unsafe content');
		expect(error?.message).toContain(tasks[0].taskId);
		expect(error?.context.details).toMatchObject({
			provider: 'muleRouter',
			endpoint: 'videoToVideo',
			taskId: tasks[0].taskId,
			status: 'failed',
			reason: 'unsafe content',
			retryable: false,
		});
	});

	test('of Magnific says that no reason was given', async () => {
		await bench.emulator.set({ failTasks: { nth: 'all' } });
		const { error } = await bench.generate({ videoUrl: bench.emulator.referenceUrl, options });
		expect(error?.message).toContain('Magnific gave no reason');
	});

	test('whose reference video is none says so as the provider does', async () => {
		const { error } = await bench.generate({
			...muleRouter('videoEdit'),
			videoUrl: `${bench.emulator.mediaUrl}/not-a-video.html`,
			options: { checkMedia: false, pollInterval: 1 },
		});
		expect(error?.message).toContain('MuleRouter could not make the video');
	});

	test.each(['continueRegularOutput', 'continueErrorOutput'] as const)(
		'with %s: the others come out, and it goes to its output with its task ID',
		async (onError) => {
			await bench.emulator.set({ failTasks: { nth: [2], reason: 'no', code: 1 } });
			const { outputs } = await bench.generate(
				{ videoUrl: '={{ $json.url }}', prompt: 'x', options },
				{
					input: [
						{ url: bench.emulator.referenceUrl },
						{ url: bench.emulator.referenceUrl },
						{ url: 'nonsense' },
						{ url: bench.emulator.referenceUrl },
					],
					settings: { onError },
				},
			);
			const [good, failed] =
				onError === 'continueErrorOutput'
					? outputs
					: [
							outputs[0].filter(({ json }) => !json.error),
							outputs[0].filter(({ json }) => json.error),
						];
			expect(good.map(({ pairedItem }) => pairedItem)).toEqual([{ item: 0 }, { item: 3 }]);
			expect(good.every(({ json, binary }) => json.status === 'completed' && binary?.data)).toBe(
				true,
			);
			expect(failed).toHaveLength(2);
			const { tasks } = await bench.emulator.state();
			expect(failed[0].json).toMatchObject({
				error: expect.stringContaining('Magnific could not make the video'),
				details: {
					provider: 'magnific',
					endpoint: 'referenceToVideo',
					taskId: tasks[1].taskId,
					status: 'failed',
				},
			});
			expect(failed[1].json.error).toContain('Video URL must be');
			expect(await billed()).toBe(3);
		},
	);

	test.each([
		[400, 'did not accept the request'],
		[401, 'does not accept the API key'],
		[402, 'asks for payment'],
		[403, 'does not allow this'],
		[422, 'did not accept the request'],
		[451, 'refuses this content'],
	])('refused with HTTP %d says what to do, and that nothing was billed', async (status, what) => {
		await bench.emulator.fault({
			match: { action: 'create' },
			fault: { kind: 'status', status, body: { message: 'said by the provider' } },
		});
		const { error } = await bench.generate({ videoUrl: bench.emulator.referenceUrl });
		expect(error?.message).toBe(`Magnific ${what} (HTTP ${status}): said by the provider`);
		expect(error).toMatchObject({ name: 'NodeApiError', httpCode: String(status) });
		expect(error?.description).toMatch(/^No task was created and nothing was billed\. \S/);
		expect(await billed()).toBe(0);
	});

	test('refused for a field names it by its label', async () => {
		await bench.emulator.fault({
			match: { action: 'create' },
			fault: {
				kind: 'status',
				status: 400,
				body: {
					problem: {
						message: 'Validation error',
						invalid_params: [{ name: 'cfg_scale', reason: 'too large' }],
					},
				},
			},
		});
		const { error } = await bench.generate({ videoUrl: bench.emulator.referenceUrl });
		expect(error?.message).toContain('CFG Scale: too large');
	});
});

describe('the wait limit', () => {
	test('gives an item with the task ID and timedOut, not an error', async () => {
		await bench.emulator.set({ taskSeconds: 600 });
		const { json, error } = await bench.generate({
			videoUrl: bench.emulator.referenceUrl,
			options: { waitLimit: 0.03, pollInterval: 1 },
		});
		expect(error).toBeUndefined();
		expect(json[0]).toMatchObject({
			taskId: (await bench.emulator.state()).tasks[0].taskId,
			status: expect.stringMatching(/pending|running/),
			timedOut: true,
			videoUrl: null,
		});
		expect(json[0]).not.toHaveProperty('error');
	});
});
test('a text of ten million characters is refused, and is not searched once for each of its characters', async () => {
	// Work that grows with the square of the length would not end within the time of a test.
	const long = 'x'.repeat(10_000_000);
	const { error } = await bench.generate(
		{ prompt: '={{ $json.long }}', videoUrl: '={{ $json.long }}' },
		{
			input: [{ long }],
		},
	);
	expect(error?.message).toContain('Prompt must be at most 2500 characters (got 10000000)');
	expect(error?.message).toContain('Video URL must be an http or https URL');
});

test('a prompt is counted in characters, not in the halves of an emoji', async () => {
	const prompt = `@Video1 ${'😀'.repeat(2492)}`;
	const url = bench.emulator.referenceUrl;
	const asked = { prompt, videoUrl: url, options: { validateOnly: true } };
	expect((await bench.generate(asked)).error).toBeUndefined();
	const { error } = await bench.generate({ ...asked, prompt: `${prompt}😀` });
	expect(error?.message).toContain('at most 2500 characters (got 2501)');
});
