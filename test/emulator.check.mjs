// @ts-check
/** The emulator held against its own documented behaviour. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { after, before, beforeEach, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { probe } from '../dev/emulator/media.mjs';
import { startEmulator } from '../dev/emulator/server.mjs';

const MAGNIFIC = '/v1/ai/reference-to-video/kling-v3-omni';
const KLING = '/vendors/klingai/v1/kling-v3-omni';
const DOCUMENTED = `${KLING}/video-to-video/generation`;
const REFERENCE = `${KLING}/reference-video-to-video/generation`;
const EDIT = `${KLING}/video-to-video/edit`;

/** @type {Awaited<ReturnType<typeof startEmulator>>} */ let emulator;
/** @type {string} */ let directory;
/** @type {string} */ let reference;

before(async () => {
	emulator = await startEmulator({ settings: { taskSeconds: 0.2 } });
	directory = await mkdtemp(join(tmpdir(), 'emulator-check-'));
	reference = `${emulator.mediaUrl}/reference.mp4`;
});
after(async () => {
	await emulator.close();
	await rm(directory, { recursive: true });
});
beforeEach(() => control('POST', '/reset'));

/** @param {string} method @param {string} path @param {unknown} [body] @returns {Promise<any>} */
async function control(method, path, body) {
	const response = await fetch(`${emulator.controlUrl}${path}`, {
		method,
		body: body === undefined ? undefined : JSON.stringify(body),
	});
	const answer = await read(response);
	assert.ok(response.ok, JSON.stringify(answer));
	return answer;
}
/** @typedef {{ billed: Record<string, number>, rejected: Record<string, number>, tasks: any[], violations: { request: number, what: string }[] }} Tally */
/** @typedef {Tally & { requests: import('../dev/emulator/journal.mjs').Entry[] }} State */
/** @returns {Promise<State>} */
const state = (query = '') => control('GET', `/state${query}`);
/** @returns {Promise<any[]>} */
const callbacksOf = async (/** @type {string} */ statusPath) =>
	(await control('GET', `/tasks/${idOf(statusPath)}`)).callbacks;
const settings = (/** @type {object} */ changes) => control('PATCH', '/settings', changes);
const fault = (
	/** @type {object} */ match,
	/** @type {object} */ spoiled,
	/** @type {object} */ more = {},
) => control('POST', '/faults', { match, fault: spoiled, ...more });

const magnificKey = { 'x-magnific-api-key': 'emulator-magnific' };
const muleKey = { authorization: 'Bearer emulator-mule' };
const keyFor = (/** @type {string} */ path) =>
	path.startsWith('/vendors') ? muleKey : magnificKey;

/** @param {Response | Promise<Response>} response @returns {Promise<any>} */
const read = async (response) => (await response).json();

/** @param {string} path @param {unknown} body @param {Record<string, string>} [headers] */
const post = (path, body, headers = keyFor(path)) =>
	fetch(emulator.apiUrl + path, {
		method: 'POST',
		redirect: 'manual',
		headers: { 'content-type': 'application/json', ...headers },
		body: typeof body === 'string' ? body : JSON.stringify(body),
	});
/** @param {string} path @param {Record<string, string>} [headers] */
const get = (path, headers = keyFor(path)) =>
	fetch(emulator.apiUrl + path, { headers, redirect: 'manual' });

const mule = (/** @type {object} */ more = {}, /** @type {object} */ video = {}) => ({
	prompt: 'Paint @Video1',
	video_list: [{ video_url: reference, ...video }],
	...more,
});
const newer = (/** @type {object} */ more = {}) => ({
	prompt: 'Paint @Video1',
	video: reference,
	...more,
});

/** @param {string} path @param {object} body @returns {Promise<string>} the status path of the new task */
async function create(path, body) {
	const response = await post(path, body);
	const answer = await read(response);
	assert.equal(response.status, path.startsWith('/vendors') ? 202 : 200, JSON.stringify(answer));
	return path.startsWith('/vendors')
		? `${path}/${answer.task_info.id}`
		: `${MAGNIFIC}/${answer.data.task_id}`;
}
const idOf = (/** @type {string} */ statusPath) =>
	statusPath.slice(statusPath.lastIndexOf('/') + 1);

/** @param {string} statusPath @returns {Promise<{ status: string, url: any, error: any, seen: string[] }>} */
async function ended(statusPath) {
	/** @type {string[]} */ const seen = [];
	for (;;) {
		const answer = await read(get(statusPath));
		const status = answer.data?.status ?? answer.task_info.status;
		if (seen.at(-1) !== status) seen.push(status);
		if (/^(completed|failed)$/i.test(status))
			return {
				status,
				url: (answer.data?.generated ?? answer.videos ?? [])[0],
				error: answer.task_info?.error,
				seen,
			};
		await sleep(15);
	}
}
/** @param {string} path @param {object} body */
const made = async (path, body) => ended(await create(path, body));
const madeSimply = () => made(`${MAGNIFIC}-std`, { video_url: reference, duration: '3' });

/** @param {string} url */
async function probed(url) {
	const path = join(directory, createHash('sha256').update(url).digest('hex'));
	const response = await fetch(url);
	assert.equal(response.status, 200);
	await pipeline(Readable.fromWeb(/** @type {any} */ (response.body)), createWriteStream(path));
	return probe(path);
}

describe('the process', () => {
	const main = fileURLToPath(new URL('../dev/emulator/main.mjs', import.meta.url));
	const start = (/** @type {string[]} */ ...flags) =>
		spawn(process.execPath, [main, ...flags], { stdio: ['pipe', 'pipe', 'pipe'] });

	it('says where it is in one line and leaves on SIGTERM', async () => {
		const child = start();
		const [line] = await once(child.stdout, 'data');
		const { emulator: isEmulator, apiUrl, mediaUrl, controlUrl } = JSON.parse(line);
		assert.ok(
			isEmulator &&
				/^http:\/\/127\.0\.0\.1:\d+$/.test(apiUrl) &&
				/^http:\/\/localhost:\d+$/.test(mediaUrl),
		);
		assert.equal(controlUrl, `${apiUrl}/__emulator`);
		child.kill('SIGTERM');
		assert.deepEqual(await once(child, 'exit'), [0, null]);
	});

	it('says in one sentence why it cannot start', async () => {
		const port = new URL(emulator.apiUrl).port;
		const child = start('--port', port);
		const [[text], [code]] = await Promise.all([once(child.stderr, 'data'), once(child, 'exit')]);
		assert.equal(String(text), `Port ${port} on 127.0.0.1 is in use.\n`);
		assert.equal(code, 1);
		await assert.rejects(startEmulator({ host: '0.0.0.0' }), /only listens on 127\.0\.0\.1/);
		await assert.rejects(
			startEmulator({ settings: { taskSecond: 1 } }),
			/taskSecond is not a known parameter/,
		);
	});

	it('marks every answer and opens to no real key', async () => {
		for (const url of [
			`${emulator.apiUrl}/`,
			reference,
			`${emulator.mediaUrl}/nothing`,
			`${emulator.controlUrl}/state`,
		]) {
			assert.equal(
				(await fetch(url)).headers.get('x-emulator'),
				'kling-v2v-emulator; not the real API',
			);
		}
		assert.equal(
			(
				await post(
					`${MAGNIFIC}-std`,
					{ video_url: reference },
					{ 'x-magnific-api-key': 'FPSX0123456789' },
				)
			).status,
			401,
		);
		assert.equal(
			(await post(DOCUMENTED, mule(), { authorization: 'Bearer sk-0123456789' })).status,
			401,
		);
		assert.equal((await state()).billed.total, 0);
	});
});

describe('Magnific', () => {
	it('tells a missing key from a wrong one, and takes no Bearer', async () => {
		const answer = async (/** @type {Record<string, string>} */ headers) => {
			const response = await get(MAGNIFIC, headers);
			return [response.status, (await read(response)).message];
		};
		assert.deepEqual(await answer({}), [401, 'Missing API key']);
		assert.deepEqual(await answer({ 'x-magnific-api-key': 'wrong' }), [401, 'Invalid API key']);
		assert.deepEqual(await answer({ authorization: 'Bearer emulator-key' }), [
			401,
			'Missing API key',
		]);
		assert.deepEqual(await answer({ 'x-freepik-api-key': 'emulator-key' }), [200, undefined]);
	});

	it('rejects what its schema does not allow, by name', async () => {
		const over = 'x'.repeat(2501);
		/** @type {[string, object][]} */
		// prettier-ignore
		const wrong = [
			['video_url', { video_url: undefined }], ['video_url', { video_url: 'clip.mp4' }], ['video_url', { video_url: 7 }], ['prompt', { prompt: over }],
			['prompt', { prompt: null }], ['image_url', { image_url: 'ftp://host/a.png' }], ['duration', { duration: 5 }], ['duration', { duration: '2' }],
			['duration', { duration: '16' }], ['aspect_ratio', { aspect_ratio: '4:3' }], ['cfg_scale', { cfg_scale: 1.1 }], ['cfg_scale', { cfg_scale: '0.5' }],
			['negative_prompt', { negative_prompt: over }], ['webhook_url', { webhook_url: 'hook' }], ['mode', { mode: 'pro' }], ['elements', { elements: [] }],
		];
		for (const [name, change] of wrong) {
			const response = await post(`${MAGNIFIC}-std`, { video_url: reference, ...change });
			const problem = await read(response);
			assert.equal(response.status, 400, name);
			assert.equal(response.headers.get('content-type'), 'application/problem+json');
			assert.deepEqual(
				problem.invalid_params.map((/** @type {any} */ one) => one.name),
				[name],
			);
		}
		assert.equal((await post(`${MAGNIFIC}-std`, '{"video_url"')).status, 400);
		assert.equal(
			(
				await post(
					`${MAGNIFIC}-std`,
					{ video_url: reference },
					{ ...magnificKey, 'content-type': 'text/plain' },
				)
			).status,
			400,
		);
		const { billed, violations } = await state();
		assert.equal(billed.total, 0);
		assert.equal(violations.length, wrong.length + 2);
	});

	it('counts characters, not UTF-16 units', async () => {
		await create(`${MAGNIFIC}-std`, {
			video_url: reference,
			prompt: '😀'.repeat(2500),
			negative_prompt: '',
		});
	});

	it('takes a task from CREATED to COMPLETED, under one path for both tiers, and lists it', async () => {
		await settings({ taskSeconds: 0.8, queuedShare: 0.5 });
		const wish = { video_url: reference, duration: '3' };
		const paths = [await create(`${MAGNIFIC}-std`, wish), await create(`${MAGNIFIC}-pro`, wish)];
		for (const { seen } of await Promise.all(paths.map(ended)))
			assert.deepEqual(seen, ['CREATED', 'IN_PROGRESS', 'COMPLETED']);
		assert.equal((await get(`${MAGNIFIC}-std/${idOf(paths[0])}`)).status, 404);
		assert.equal((await get(`${MAGNIFIC}/unknown`)).status, 404);
		const { data } = await read(get(MAGNIFIC));
		assert.deepEqual(
			data,
			[...paths].reverse().map((path) => ({ task_id: idOf(path), status: 'COMPLETED' })),
		);
		assert.deepEqual((await state()).billed, { magnific: 2, muleRouter: 0, total: 2 });
	});

	it('shows the shapes that differ between its pages', async () => {
		await settings({
			magnificShape: { wrapCreate: false, generatedAs: 'object', problemNested: true },
		});
		const { task_id: id } = await read(
			post(`${MAGNIFIC}-std`, { video_url: reference, duration: '3' }),
		);
		assert.match((await ended(`${MAGNIFIC}/${id}`)).url.url, /^http:\/\/localhost/);
		const { problem } = await read(post(`${MAGNIFIC}-std`, {}));
		assert.equal(problem.invalid_params[0].name, 'video_url');
	});
});

describe('MuleRouter', () => {
	const image = () => `${emulator.mediaUrl}/start.png`;
	const element = () => ({ type: 'image', frontal_image: image(), reference_images: [image()] });

	it('rejects what its three contracts do not allow, with an RFC 9457 body and a trace', async () => {
		/** @type {[string, object, RegExp, number?][]} */
		// prettier-ignore
		const wrong = [
			[DOCUMENTED, { ...mule(), prompt: undefined }, /prompt: is required/],
			[DOCUMENTED, mule({ prompt: 'x'.repeat(2501) }), /prompt: must not be more than 2500/],
			[DOCUMENTED, mule({ video_list: [] }), /video_list: must not be less than 1/],
			[DOCUMENTED, mule({ video_list: [{ video_url: reference }, { video_url: reference }] }), /video_list: must not be more than 1/],
			[DOCUMENTED, mule({}, { video_url: 'data:video/mp4;base64,AAAA' }), /video_list\[0\]\.video_url/],
			[DOCUMENTED, mule({}, { refer_type: 'style' }), /refer_type/],
			[DOCUMENTED, mule({}, { keep_original_sound: true }), /keep_original_sound: must be a string/],
			[DOCUMENTED, mule({ last_frame: image() }), /last_frame: needs first_frame/],
			[DOCUMENTED, mule({ first_frame: image() }, { refer_type: 'base' }), /refer_type base/],
			[DOCUMENTED, mule({ first_frame: 'not an image' }), /first_frame: must be an image URL or a Base64 image/],
			[DOCUMENTED, mule({ images: [image(), image(), image()], elements: [element(), element()] }), /not be more than 4 together/],
			[DOCUMENTED, mule({ elements: [{ ...element(), type: 'video' }] }), /must not be video/],
			[DOCUMENTED, mule({ elements: [{ type: 'image', frontal_image: image() }] }), /needs frontal_image and reference_images/],
			[DOCUMENTED, mule({ mode: 'turbo' }), /mode/],
			[DOCUMENTED, mule({ aspect_ratio: 'auto' }), /aspect_ratio/],
			[DOCUMENTED, mule({ duration: '5' }), /duration: must be an integer/],
			[DOCUMENTED, mule({ duration: 16 }), /duration: must not be more than 15/],
			[REFERENCE, newer(), /aspect_ratio: is required/, 4002],
			[REFERENCE, newer({ aspect_ratio: '1:1', video: [reference] }), /video: must be an absolute/],
			[REFERENCE, newer({ aspect_ratio: '1:1', keep_audio: 'yes' }), /keep_audio: must be a boolean/],
			[REFERENCE, newer({ aspect_ratio: '1:1', first_frame: image() }), /first_frame: is not a known parameter/],
			[EDIT, newer({ aspect_ratio: '1:1' }), /aspect_ratio: is not a known parameter/],
			[EDIT, newer({ duration: 5 }), /duration: is not a known parameter/],
		];
		for (const [path, body, reason, code = 4000] of wrong) {
			const response = await post(path, body);
			const problem = await read(response);
			assert.equal(response.status, 400, String(reason));
			assert.match(problem.detail, reason);
			assert.deepEqual([problem.status, problem.title, problem.code], [400, 'Bad Request', code]);
			assert.match(response.headers.get('traceparent') ?? '', /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
		}
		assert.equal((await state()).billed.total, 0);
	});

	it('passes over an unknown key on the documented endpoint, and notes the violation', async () => {
		await create(DOCUMENTED, mule({ cfg_scale: 1, aspect_ratio: null, first_frame: null }));
		assert.match((await state()).violations[0].what, /cfg_scale/);
	});

	it('takes a task from pending to completed, found only under the path that made it', async () => {
		await settings({ taskSeconds: 1.2, queuedShare: 0.5 });
		const path = await create(DOCUMENTED, mule({ duration: 3 }));
		const { seen, url } = await ended(path);
		assert.deepEqual(seen, ['pending', 'queued', 'running', 'processing', 'completed']);
		assert.match(url, /^http:\/\/localhost/);
		const elsewhere = await get(`${EDIT}/${idOf(path)}`);
		assert.deepEqual([elsewhere.status, (await read(elsewhere)).status], [404, 404]);
		assert.equal((await get(path, magnificKey)).status, 401);
	});

	it('answers 200 for a failed task and gives the reason', async () => {
		await settings({
			failTasks: { nth: 2, provider: 'muleRouter', reason: 'Content refused', code: 4510 },
		});
		const outcomes = [
			await made(DOCUMENTED, mule({ duration: 3 })),
			await made(DOCUMENTED, mule({ duration: 3 })),
		];
		assert.deepEqual(
			outcomes.map(({ status }) => status),
			['completed', 'failed'],
		);
		assert.deepEqual(outcomes[1].error, {
			code: 4510,
			title: 'Task failed',
			detail: 'Content refused',
		});
	});

	it('takes images as URLs, Base64 and data URIs', async () => {
		const png = Buffer.from(await (await fetch(image())).arrayBuffer()).toString('base64');
		const { status } = await made(
			DOCUMENTED,
			mule({
				duration: 3,
				first_frame: png,
				last_frame: `data:image/png;base64,${png}`,
				images: [image()],
				elements: [element()],
			}),
		);
		assert.equal(status, 'completed');
		const [{ body }] = (await state()).tasks;
		assert.ok(
			body.first_frame.startsWith(`sha256:${createHash('sha256').update(png).digest('hex')}`),
		);
	});
});

describe('references', () => {
	it('are held against the documented limits', async () => {
		/** @type {[string, RegExp][]} */
		// prettier-ignore
		const bad = [
			['/reference-short.mp4', /2\.0 s/], ['/reference-long.mp4', /12\.0 s/], ['/reference-small.mp4', /640x360/], ['/reference-slow.mp4', /15 frames/],
			['/reference.mkv', /neither MP4 nor MOV/], ['/not-a-video.html', /not a readable video/], ['/missing.mp4', /HTTP 404/],
		];
		const outcomes = await Promise.all(
			bad.map(([path]) => made(EDIT, newer({ video: emulator.mediaUrl + path }))),
		);
		for (const [i, { status, error }] of outcomes.entries()) {
			assert.equal(status, 'failed');
			assert.match(error.detail, bad[i][1]);
		}
		const images = await Promise.all(
			['/start-small.png', '/start-narrow.png', '/reference.mp4'].map((path) =>
				made(DOCUMENTED, mule({ first_frame: emulator.mediaUrl + path })),
			),
		);
		assert.match(
			images.map(({ error }) => error.detail).join(),
			/smaller than 300 px.*ratio.*neither JPEG nor PNG/,
		);
		assert.equal(
			(await made(`${MAGNIFIC}-std`, { video_url: `${emulator.mediaUrl}/reference-short.mp4` }))
				.status,
			'FAILED',
		);
	});

	it('are never fetched from beyond this machine', async () => {
		const { error } = await made(EDIT, newer({ video: 'http://192.0.2.1/clip.mp4' }));
		assert.match(error.detail, /host unreachable/);
		await fault(
			{ action: 'reference' },
			{ kind: 'redirect', location: 'http://192.0.2.1/clip.mp4' },
		);
		assert.match(
			(await made(EDIT, newer({ video: `${emulator.mediaUrl}/reference.mov` }))).error.detail,
			/host unreachable/,
		);
	});

	it('are fetched once for many tasks, and not at all when the checks are off', async () => {
		await Promise.all(
			Array.from({ length: 20 }, () =>
				made(`${MAGNIFIC}-std`, { video_url: `${emulator.mediaUrl}/reference.mov`, duration: '3' }),
			),
		);
		const fetched = (await state()).requests.filter((one) => one.action === 'reference').length;
		assert.ok(fetched >= 1 && fetched < 20, `${fetched} fetches`);
		await settings({ referenceChecks: false });
		assert.equal(
			(await made(`${MAGNIFIC}-std`, { video_url: 'https://example.com/clip.mp4', duration: '3' }))
				.status,
			'COMPLETED',
		);
	});
});

describe('results', () => {
	it('are playable, as long and as wide as asked for', async () => {
		const portrait = `${emulator.mediaUrl}/reference-portrait.mp4`;
		const start = `${emulator.mediaUrl}/start.jpg`;
		/** @type {[string, object, number, string, boolean][]} */
		// prettier-ignore
		const wishes = [
			[`${MAGNIFIC}-std`, { video_url: reference }, 5, '1280x720', false],
			[`${MAGNIFIC}-std`, { video_url: reference, duration: '3', aspect_ratio: '1:1' }, 3, '720x720', false],
			[`${MAGNIFIC}-pro`, { video_url: reference, duration: '4', aspect_ratio: '9:16' }, 4, '1080x1920', false],
			[`${MAGNIFIC}-std`, { video_url: reference, duration: '3', aspect_ratio: 'auto', image_url: start }, 3, '1280x720', false],
			[DOCUMENTED, mule({ duration: 12, mode: 'std' }, { keep_original_sound: 'yes' }), 12, '1280x720', true],
			[DOCUMENTED, mule({ duration: 12, mode: 'std' }, { video_url: portrait, refer_type: 'base' }), 5, '720x1280', false],
			[REFERENCE, newer({ aspect_ratio: '1:1', duration: 3, keep_audio: true }), 3, '1080x1080', true],
			[EDIT, newer({ video: portrait, mode: 'std' }), 5, '720x1280', false],
		];
		const urls = (await Promise.all(wishes.map(([path, body]) => made(path, body)))).map(
			({ url }) => url,
		);
		for (const [i, [, , seconds, size, sound]] of wishes.entries()) {
			const found = await probed(urls[i]);
			assert.ok(found);
			assert.ok(Math.abs(found.seconds - seconds) < 0.1, `wish ${i}: ${found.seconds} s`);
			assert.deepEqual(
				[`${found.width}x${found.height}`, found.codec, found.framesPerSecond, found.sound],
				[size, 'h264', 24, sound],
				`wish ${i}`,
			);
		}
	});

	it('differ from task to task, and the state knows their digests', async () => {
		const urls = (await Promise.all([madeSimply(), madeSimply()])).map(({ url }) => url);
		const digests = await Promise.all(
			urls.map(async (url) =>
				createHash('sha256')
					.update(Buffer.from(await (await fetch(url)).arrayBuffer()))
					.digest('hex'),
			),
		);
		const { tasks } = await state();
		for (const digest of digests) assert.ok(tasks.some((task) => task.result.sha256 === digest));
		assert.notEqual(digests[0], digests[1]);
	});

	it('have links that expire, and cannot be forged', async () => {
		const path = await create(`${MAGNIFIC}-std`, { video_url: reference, duration: '3' });
		const { url } = await ended(path);
		assert.match(url, /\/results\/[^/]+\.mp4\?token=exp=\d+~hmac=[0-9a-f]{64}$/);
		const status = async (/** @type {string} */ one) =>
			(await fetch(one, { method: 'HEAD' })).status;
		assert.equal(await status(url), 200);
		assert.equal(
			await status(url.replace(/.$/, (/** @type {string} */ last) => (last === '0' ? '1' : '0'))),
			403,
		);
		assert.equal(await status(url.replace(/exp=\d+/, 'exp=9999999999')), 403);
		assert.equal(await status(url.split('?')[0]), 403);
		await control('POST', `/tasks/${idOf(path)}/expire-link`);
		assert.equal(await status(url), 403);
		assert.equal(await status((await ended(path)).url), 200);
		await settings({ linkLifetimeSeconds: 0 });
		assert.equal(await status((await ended(path)).url), 403);
	});

	it('come whole, in ranges and as headers only', async () => {
		const { url } = await madeSimply();
		const whole = Buffer.from(await (await fetch(url)).arrayBuffer());
		const ask = (/** @type {Record<string, string>} */ headers, method = 'GET') =>
			fetch(url, { method, headers });
		const head = await ask({}, 'HEAD');
		const told = ['content-length', 'accept-ranges', 'content-type'].map((name) =>
			head.headers.get(name),
		);
		assert.deepEqual(told, [String(whole.length), 'bytes', 'video/mp4']);
		/** @type {[string, number, number][]} */
		const parts = [
			['bytes=100-199', 100, 200],
			['bytes=1000-', 1000, whole.length],
			['bytes=-50', whole.length - 50, whole.length],
		];
		for (const [range, from, to] of parts) {
			const part = await ask({ range });
			assert.equal(part.status, 206);
			assert.equal(part.headers.get('content-range'), `bytes ${from}-${to - 1}/${whole.length}`);
			assert.ok(Buffer.from(await part.arrayBuffer()).equals(whole.subarray(from, to)));
		}
		const beyond = await ask({ range: `bytes=${whole.length}-` });
		assert.deepEqual(
			[beyond.status, beyond.headers.get('content-range')],
			[416, `bytes */${whole.length}`],
		);
		assert.equal(
			(await ask({ range: 'bytes=5-', 'if-range': head.headers.get('etag') ?? '' })).status,
			206,
		);
		assert.equal((await ask({ range: 'bytes=5-', 'if-range': '"other"' })).status, 200);
		await settings({ acceptRanges: false });
		assert.equal((await ask({ range: 'bytes=5-' })).status, 200);
	});

	it('stay valid MP4 when padded', async () => {
		await settings({ resultBytes: 30_000_000 });
		const path = await create(`${MAGNIFIC}-std`, { video_url: reference, duration: '3' });
		const { url } = await ended(path);
		const found = await probed(url);
		assert.ok(found && Math.abs(found.seconds - 3) < 0.1);
		const whole = Buffer.from(await (await fetch(url)).arrayBuffer());
		const digest = createHash('sha256').update(whole).digest('hex');
		assert.deepEqual(await control('GET', `/tasks/${idOf(path)}/sha256`), {
			sha256: digest,
			bytes: 30_000_000,
		});
		assert.ok(whole.includes(`for task ${idOf(path)}`));
	});

	it('can be larger than 4 GiB at no cost', async () => {
		const bytes = 5 * 1024 ** 3;
		const { taskId } = await control('POST', '/tasks', {
			resultBytes: bytes,
			status: 'completed',
			body: { duration: '3' },
		});
		const { url } = await ended(`${MAGNIFIC}/${taskId}`);
		const tail = await fetch(url, { headers: { range: 'bytes=-4' } });
		assert.equal(tail.headers.get('content-range'), `bytes ${bytes - 4}-${bytes - 1}/${bytes}`);
		const start = Buffer.from(
			await (await fetch(url, { headers: { range: 'bytes=0-1999999' } })).arrayBuffer(),
		);
		const box = start.indexOf(Buffer.from('\0\0\0\x01free', 'latin1'));
		assert.equal(start.readBigUInt64BE(box + 8), BigInt(bytes - box));
	});
});

describe('uploads', () => {
	/** @param {string} type */
	const slot = async (type) =>
		(await read(post('/v1/ai/uploads/request-url', { files: [{ content_type: type }] }))).files[0];
	/** @param {any} to @param {Record<string, string>} headers @param {Buffer} [body] */
	const put = async (to, headers, body = Buffer.from('x')) =>
		(await fetch(to.upload_url, { method: 'PUT', headers, body: new Uint8Array(body) })).status;

	it('give an asset that serves as a reference', async () => {
		const clip = Buffer.from(await (await fetch(reference)).arrayBuffer());
		const to = await slot('video/mp4');
		assert.deepEqual([to.expires_in, to.asset_url_expires_in], [120, 86400]);
		assert.equal((await fetch(to.asset_url)).status, 404);
		assert.equal(await put(to, to.headers, clip), 200);
		const kept = await fetch(to.asset_url);
		assert.equal(kept.headers.get('content-type'), 'video/mp4');
		assert.ok(Buffer.from(await kept.arrayBuffer()).equals(clip));
		assert.equal(
			(await made(`${MAGNIFIC}-std`, { video_url: to.asset_url, duration: '3' })).status,
			'COMPLETED',
		);
		assert.deepEqual((await state()).violations, []);
	});

	it('take exactly the headers they were given, and no key', async () => {
		const to = await slot('image/png');
		assert.equal(await put(to, {}), 403);
		assert.equal(await put(to, { ...to.headers, 'content-type': 'image/jpeg' }), 403);
		assert.equal(await put(to, { ...to.headers, ...magnificKey }), 403);
		assert.match(
			(await state()).violations.map((one) => one.what).join(),
			/the upload carried an API key/,
		);
		assert.equal(await put(to, to.headers), 200);
	});

	it('expire, and so do the assets', async () => {
		await settings({ uploads: { expiresIn: 0 } });
		const late = await slot('image/png');
		assert.equal(await put(late, late.headers), 403);
		await settings({ uploads: { expiresIn: 10, assetExpiresIn: 0 } });
		const gone = await slot('image/png');
		assert.equal(await put(gone, gone.headers), 200);
		assert.equal((await fetch(gone.asset_url)).status, 403);
	});

	it('are refused without a length, and for unknown types', async () => {
		const to = await slot('video/mp4');
		const request = httpRequest(to.upload_url, { method: 'PUT', headers: to.headers });
		request.write('chunked');
		request.end();
		const [response] = await once(request, 'response');
		assert.equal(response.statusCode, 411);
		assert.equal(
			(await post('/v1/ai/uploads/request-url', { files: [{ content_type: 'image/gif' }] })).status,
			400,
		);
	});
});

describe('callbacks', () => {
	/** @type {import('node:http').Server} */ let receiver;
	/** @type {string} */ let url;
	/** @type {{ headers: import('node:http').IncomingHttpHeaders, raw: string, body: any, at: number }[]} */ let received;
	const answer = { status: 200 };

	before(async () => {
		receiver = createServer(async (request, response) => {
			const chunks = await request.toArray();
			const raw = Buffer.concat(chunks).toString();
			received.push({ headers: request.headers, raw, body: JSON.parse(raw), at: Date.now() });
			response.writeHead(answer.status).end('thanks');
		});
		receiver.listen(0, '127.0.0.1');
		await once(receiver, 'listening');
		url = `http://127.0.0.1:${/** @type {any} */ (receiver.address()).port}/hook`;
	});
	after(() => receiver.close());
	beforeEach(() => {
		received = [];
	});
	const signed = (
		/** @type {typeof received[number]} */ { headers, raw },
		secret = 'emulator-webhook-secret',
	) =>
		headers['webhook-signature'] ===
		`v1,${createHmac('sha256', secret).update(`${headers['webhook-id']}.${headers['webhook-timestamp']}.${raw}`).digest('base64')}`;
	const words = () => received.map(({ body }) => body.status);
	const hooked = () =>
		create(`${MAGNIFIC}-std`, { video_url: reference, duration: '3', webhook_url: url });
	/** @param {number} count */
	const arrived = async (count) => {
		for (let looks = 0; received.length < count && looks < 6000; looks++) await sleep(10);
		await sleep(30);
		assert.equal(received.length, count);
	};

	it('tell each change of status, unwrapped and signed', async () => {
		const path = await hooked();
		await arrived(2);
		assert.deepEqual(words(), ['IN_PROGRESS', 'COMPLETED']);
		assert.ok(received.every((one) => signed(one)));
		assert.notEqual(received[0].headers['webhook-id'], received[1].headers['webhook-id']);
		assert.ok(Math.abs(Number(received[0].headers['webhook-timestamp']) - Date.now() / 1000) < 300);
		assert.deepEqual(Object.keys(received[1].body), ['task_id', 'status', 'generated']);
		assert.equal((await fetch(received[1].body.generated[0])).status, 200);
		const callbacks = await callbacksOf(path);
		assert.deepEqual(
			callbacks.map((one) => [one.event, one.status, one.answer]),
			[
				['IN_PROGRESS', 200, 'thanks'],
				['COMPLETED', 200, 'thanks'],
			],
		);
	});

	it('come twice, backwards, late or not at all', async () => {
		await settings({ callbacks: { mode: 'duplicate', events: ['COMPLETED'] } });
		await hooked();
		await arrived(2);
		assert.equal(received[0].headers['webhook-id'], received[1].headers['webhook-id']);

		received = [];
		await settings({ callbacks: { mode: 'reverse', events: null } });
		await hooked();
		await arrived(2);
		assert.deepEqual(words(), ['COMPLETED', 'IN_PROGRESS']);

		received = [];
		await settings({ callbacks: { mode: 'drop' } });
		const dropped = await hooked();
		await ended(dropped);
		await arrived(0);
		assert.ok((await callbacksOf(dropped)).every((one) => one.dropped));

		await settings({ callbacks: { mode: 'normal', delayMs: 300, events: ['COMPLETED'] } });
		await ended(await hooked());
		const endedAt = Date.now();
		await arrived(1);
		assert.ok(received[0].at - endedAt > 200);
	});

	it('come hundreds at once', async () => {
		await settings({
			callbacks: { mode: 'burst', events: ['COMPLETED'] },
			taskSeconds: [0.1, 0.4],
		});
		const paths = await Promise.all(Array.from({ length: 200 }, hooked));
		await arrived(200);
		received = [];
		const receipts = await control('POST', '/callbacks/burst', { taskIds: paths.map(idOf) });
		assert.ok(
			receipts.length === 200 &&
				receipts.every((/** @type {any} */ { receipts: [one] }) => one.status === 200),
		);
		assert.equal(received.length, 200);
	});

	it('can be forged', async () => {
		const path = await hooked();
		await arrived(2);
		received = [];
		const forge = (/** @type {object} */ how) =>
			control('POST', `/tasks/${idOf(path)}/callback`, how);
		answer.status = 401;
		assert.equal((await forge({ providerStatus: 'FAILED' })).status, 401);
		answer.status = 200;
		await forge({ secret: 'other' });
		await forge({ tamperedBody: '{"status":"COMPLETED"}' });
		await forge({ headers: { 'webhook-signature': null, 'webhook-id': 'again' } });
		await forge({ timestamp: 1, webhookId: 'old', body: { any: 'thing' } });
		assert.deepEqual(
			received.map((one) => signed(one)),
			[true, false, false, false, true],
		);
		assert.equal(received[0].body.status, 'FAILED');
		assert.ok(signed(received[1], 'other'));
		assert.deepEqual(
			[received[3].headers['webhook-id'], received[3].headers['webhook-signature']],
			['again', undefined],
		);
		assert.deepEqual(
			[received[4].headers['webhook-timestamp'], received[4].body],
			['1', { any: 'thing' }],
		);
	});

	it('of MuleRouter go to the account webhook in an envelope', async () => {
		await settings({
			muleRouterWebhook: { url, secret: `whsec_${Buffer.from('emulated').toString('base64')}` },
		});
		await made(DOCUMENTED, mule({ duration: 3 }));
		await arrived(2);
		assert.deepEqual(
			received.map(({ body }) => body.type),
			['task.created', 'task.succeeded'],
		);
		const { id, data } = received[1].body;
		assert.equal(id, received[1].headers['webhook-id']);
		assert.deepEqual(
			[data.vendor, data.model_name, data.payload.task_info.status, data.payload.videos.length],
			['klingai', 'kling-v3-omni', 'completed', 1],
		);
		assert.ok(signed(received[1], 'emulated'));
	});

	it('never leave this machine', async () => {
		const path = await create(`${MAGNIFIC}-std`, {
			video_url: reference,
			webhook_url: 'http://192.0.2.1/hook',
		});
		await ended(path);
		await sleep(20);
		assert.match((await callbacksOf(path))[0].error, /only calls loopback/);
	});
});

describe('faults', () => {
	const simple = () => post(`${MAGNIFIC}-std`, { video_url: reference, duration: '3' });
	const billed = async () => (await state()).billed.total;
	const cause = (/** @type {any} */ error) =>
		error.cause?.code ?? error.cause?.message ?? error.name;

	it('spoil the answer to a create, whether or not the task is made', async () => {
		for (const makeTask of [false, true]) {
			await control('POST', '/reset');
			const next = async (/** @type {object} */ spoiled) => {
				await fault({ action: 'create' }, { makeTask, ...spoiled });
				return simple();
			};
			const failing = await next({
				kind: 'status',
				status: 502,
				body: { message: 'Bad gateway' },
				headers: { 'retry-after': '3' },
			});
			assert.deepEqual(
				[failing.status, failing.headers.get('retry-after'), await failing.json()],
				[502, '3', { message: 'Bad gateway' }],
			);
			assert.ok(failing.headers.has('x-emulator'));
			const echo = await next({ kind: 'echo', status: 422 });
			assert.match(/** @type {any} */ (await echo.json()).message, /"video_url":/);
			const page = await next({ kind: 'html' });
			assert.match(
				`${page.headers.get('content-type')} ${await page.text()}`,
				/^text\/html.*<!doctype html>/s,
			);
			assert.equal(await (await next({ kind: 'empty' })).text(), '');
			await assert.rejects((await next({ kind: 'malformed' })).json(), SyntaxError);
			await assert.rejects((await next({ kind: 'truncated' })).text(), /terminated/);
			assert.deepEqual(await (await next({ kind: 'wrong-json', body: [null] })).json(), [null]);
			assert.equal(
				(
					await next({ kind: 'redirect', status: 307, location: 'http://127.0.0.1:1/' })
				).headers.get('location'),
				'http://127.0.0.1:1/',
			);
			await assert.rejects(next({ kind: 'reset' }), (error) =>
				/ECONNRESET|other side closed/.test(cause(error)),
			);
			await fault({ action: 'create' }, { kind: 'hang', makeTask });
			await assert.rejects(
				fetch(`${emulator.apiUrl}${MAGNIFIC}-std`, {
					method: 'POST',
					headers: { ...magnificKey, 'content-type': 'application/json' },
					body: JSON.stringify({ video_url: reference }),
					signal: AbortSignal.timeout(300),
				}),
				/timeout/,
			);
			assert.equal(await billed(), makeTask ? 10 : 0);
			const { requests } = await state();
			assert.deepEqual(
				requests.filter((one) => one.action === 'create').map((one) => one.ended),
				[
					'answered',
					'answered',
					'answered',
					'answered',
					'answered',
					'reset',
					'answered',
					'answered',
					'reset',
					'hung',
				],
			);
		}
	});

	it('make a task whose id is lost or strange', async () => {
		await control('POST', '/faults', [
			{ match: { action: 'create', provider: 'magnific' }, fault: { kind: 'task-id', omit: true } },
			{
				match: { action: 'create', provider: 'muleRouter' },
				fault: { kind: 'task-id', value: 42 },
			},
		]);
		assert.deepEqual(await (await simple()).json(), { data: { status: 'CREATED', generated: [] } });
		assert.equal((await read(post(DOCUMENTED, mule()))).task_info.id, 42);
		assert.equal(await billed(), 2);
	});

	it('hit the requests they are meant for, as often as they are told', async () => {
		const path = await create(`${MAGNIFIC}-std`, { video_url: reference, duration: '3' });
		const statuses = async (/** @type {number} */ count) => {
			const found = [];
			for (let i = 0; i < count; i++) found.push((await get(path)).status);
			return found;
		};
		await fault(
			{ action: 'status', taskId: idOf(path) },
			{ kind: 'status', status: 500 },
			{ skip: 1, times: 2 },
		);
		await fault(
			{ action: 'status', taskId: 'another' },
			{ kind: 'status', status: 501 },
			{ times: -1 },
		);
		assert.deepEqual(await statuses(5), [200, 500, 500, 200, 200]);
		await control('DELETE', '/faults');
		await fault({ action: 'status', nth: [1, 3] }, { kind: 'status', status: 503 });
		assert.deepEqual(await statuses(4), [503, 200, 503, 200]);
		assert.deepEqual(
			/** @type {any[]} */ (await control('GET', '/faults')).map((rule) => [rule.seen, rule.hits]),
			[[4, 2]],
		);
		const refused = await fetch(`${emulator.controlUrl}/faults`, {
			method: 'POST',
			body: '{"fault":{"kind":"typo"}}',
		});
		assert.deepEqual(
			[refused.status, /must be one of status/.test(await refused.text())],
			[400, true],
		);
	});

	it('change what a status says', async () => {
		const path = await create(DOCUMENTED, mule({ duration: 3 }));
		const next = async (/** @type {object} */ spoiled) => {
			await fault({ action: 'status' }, spoiled);
			return read(get(path));
		};
		const failing = await next({
			kind: 'task-status',
			providerStatus: 'failed',
			error: { code: 1, title: 'No', detail: 'Never' },
		});
		assert.deepEqual(
			[failing.task_info.status, failing.task_info.error.detail],
			['failed', 'Never'],
		);
		assert.equal(
			(await next({ kind: 'task-status', providerStatus: 'dreaming' })).task_info.status,
			'dreaming',
		);
		const empty = await next({ kind: 'no-video' });
		assert.deepEqual([empty.task_info.status, empty.videos], ['completed', []]);
		assert.deepEqual((await next({ kind: 'bad-video-url', value: 'javascript:alert(1)' })).videos, [
			'javascript:alert(1)',
		]);
		const before = Date.now();
		await next({ kind: 'slow', ms: 200 });
		assert.ok(Date.now() - before >= 195);
	});

	it('put blanks before an answer, packed or plain', async () => {
		const path = await create(DOCUMENTED, mule({ duration: 3 }));
		for (const packed of [true, false]) {
			await fault({ action: 'status' }, { kind: 'padded', bytes: 200_000, packed });
			const answer = await get(path);
			const { headers } = answer;
			assert.equal(headers.get('content-encoding'), packed ? 'gzip' : null);
			assert.equal(headers.get('content-length'), null);
			const text = await answer.text();
			assert.equal(text.length, 200_000);
			assert.equal(JSON.parse(text).task_info.id, idOf(path));
		}
	});

	it('break a download off, hold it, slow it down or mislabel it', async () => {
		const { url } = await madeSimply();
		const whole = Buffer.from(await (await fetch(url)).arrayBuffer());
		const next = async (/** @type {object} */ spoiled, /** @type {RequestInit} */ init = {}) => {
			await fault({ action: 'download' }, spoiled);
			return fetch(url, { redirect: 'manual', ...init });
		};
		await assert.rejects((await next({ kind: 'cut', atBytes: 1000 })).arrayBuffer(), /terminated/);
		const unsaid = await next({ kind: 'cut', atBytes: 1000, chunked: true });
		assert.equal(unsaid.headers.get('content-length'), null);
		await assert.rejects(unsaid.arrayBuffer(), /terminated/);
		await assert.rejects(
			(
				await next({ kind: 'stall', atBytes: 1000 }, { signal: AbortSignal.timeout(400) })
			).arrayBuffer(),
			/timeout/,
		);
		await assert.rejects(
			(
				await next({ kind: 'trickle', bytesPerSecond: 1000 }, { signal: AbortSignal.timeout(400) })
			).arrayBuffer(),
			/timeout/,
		);
		await assert.rejects(
			(await next({ kind: 'wrong-length', delta: 10 })).arrayBuffer(),
			/terminated/,
		);
		assert.equal(
			(await next({ kind: 'not-video', contentType: 'text/plain', body: 'gone' })).headers.get(
				'content-type',
			),
			'text/plain',
		);
		const range = { headers: { range: 'bytes=1000-' } };
		assert.equal((await next({ kind: 'ignore-range' }, range)).status, 200);
		assert.equal(
			(await next({ kind: 'wrong-range' }, range)).headers.get('content-range'),
			`bytes 500-${whole.length - 1}/${whole.length}`,
		);
		const location =
			(await next({ kind: 'redirect', location: 'other-origin' })).headers.get('location') ?? '';
		assert.notEqual(new URL(location).origin, new URL(url).origin);
		assert.ok(Buffer.from(await (await fetch(location)).arrayBuffer()).equals(whole));
		const sent = (await state()).requests.filter((one) =>
			['cut', 'stall', 'trickle'].includes(String(one.fault)),
		);
		assert.deepEqual(
			sent.map((one) => one.ended),
			['reset', 'reset', 'hung', 'aborted'],
		);
		assert.deepEqual(
			sent.slice(0, 3).map((one) => one.sent),
			[1000, 1000, 1000],
		);
		assert.ok(sent[3].sent <= 500);
	});

	it('keep an upload from taking effect, and lead a request to another origin', async () => {
		const { files } = await read(
			post('/v1/ai/uploads/request-url', { files: [{ content_type: 'image/png' }] }),
		);
		const [{ upload_url: to, headers, asset_url: asset }] = files;
		const put = () => fetch(to, { method: 'PUT', headers, body: 'bytes' });
		await fault({ action: 'upload' }, { kind: 'status', status: 500 });
		assert.equal((await put()).status, 500);
		assert.equal((await fetch(asset)).status, 404);
		await fault({ action: 'upload' }, { kind: 'status', status: 500, makeTask: true });
		assert.equal((await put()).status, 500);
		assert.equal(await (await fetch(asset)).text(), 'bytes');
		await fault({ action: 'list' }, { kind: 'redirect', location: 'other-origin' });
		assert.equal((await get(MAGNIFIC)).headers.get('location'), emulator.mediaUrl + MAGNIFIC);
	});

	it('refuse connections for a while, control staying in reach on the media host', async () => {
		const path = await create(`${MAGNIFIC}-std`, { video_url: reference, duration: '3' });
		const media = `${emulator.mediaUrl}/__emulator`;
		await fetch(`${media}/refuse`, { method: 'POST', body: '{"ms":3000}' });
		await sleep(20);
		await assert.rejects(get(path), (error) => cause(error) === 'ECONNREFUSED');
		assert.equal((await fetch(`${media}/state?requests=0`)).status, 200);
		await sleep(3100);
		assert.equal((await get(path)).status, 200);
	});
});

describe('limits and time', () => {
	it('answers 429 beyond the rate, with Retry-After when set', async () => {
		await settings({ rateLimit: { perSecond: 3, retryAfter: 2 } });
		const answers = await Promise.all(Array.from({ length: 5 }, () => get(MAGNIFIC)));
		assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 200, 200, 429, 429]);
		assert.equal(answers.find(({ status }) => status === 429)?.headers.get('retry-after'), '2');
	});

	it('refuses too many tasks at once, or makes them fail unbilled', async () => {
		await settings({ maxConcurrent: { muleRouter: 1 } });
		await create(DOCUMENTED, mule({ duration: 3 }));
		const refused = await post(DOCUMENTED, mule());
		assert.deepEqual([refused.status, (await read(refused)).code], [429, 1303]);
		await settings({ concurrencyAnswer: 'fail-1303' });
		assert.equal((await made(DOCUMENTED, mule())).error.code, 1303);
		const { billed, rejected } = await state();
		assert.deepEqual([billed.total, rejected.total], [1, 1]);
	});

	it('hides a fresh task, and speaks unknown words', async () => {
		await settings({ notFoundForMs: 2000, extraStatusWord: 'RETRYING', taskSeconds: 5 });
		const path = await create(`${MAGNIFIC}-std`, { video_url: reference, duration: '3' });
		assert.equal((await get(path)).status, 404);
		await sleep(2050);
		assert.ok((await ended(path)).seen.includes('RETRYING'));
	});

	it('lets a test get ahead of time', async () => {
		await settings({ taskSeconds: 60 });
		const paths = [
			await create(DOCUMENTED, mule({ duration: 3 })),
			await create(DOCUMENTED, mule({ duration: 3 })),
		];
		await control('POST', `/tasks/${idOf(paths[0])}/complete`);
		await control('POST', `/tasks/${idOf(paths[1])}/fail`, { reason: 'Enough', code: 7 });
		assert.equal((await ended(paths[0])).status, 'completed');
		assert.deepEqual((await ended(paths[1])).error, {
			code: 7,
			title: 'Task failed',
			detail: 'Enough',
		});
		const seeded = await control('POST', '/tasks', {
			provider: 'muleRouter',
			endpoint: EDIT,
			taskId: 'old',
			status: 'failed',
		});
		assert.deepEqual(
			[seeded.taskId, seeded.status, (await state()).billed.total],
			['old', 'failed', 2],
		);
	});

	it('carries 600 tasks and thousands of requests', async (t) => {
		await settings({ taskSeconds: [1, 1.5, 2] });
		const began = Date.now();
		const paths = await Promise.all(
			Array.from({ length: 600 }, (_, i) =>
				i % 2
					? create(`${MAGNIFIC}-std`, { video_url: reference, duration: '3' })
					: create(DOCUMENTED, mule({ duration: 3, mode: 'std' })),
			),
		);
		const statuses = await Promise.all(
			Array.from({ length: 5 }, () => paths)
				.flat()
				.map(async (path) => (await get(path)).status),
		);
		assert.ok(statuses.every((status) => status === 200));
		const rate = Math.round((paths.length + statuses.length) / ((Date.now() - began) / 1000));
		const ends = await Promise.all(paths.map(ended));
		assert.ok(ends.every(({ status }) => /^completed$/i.test(status)));
		const whole = await Promise.all(
			ends.map(async ({ url }) => (await (await fetch(url)).arrayBuffer()).byteLength),
		);
		assert.ok(whole.every((bytes) => bytes > 10_000));
		assert.equal((await state()).billed.total, 600);
		t.diagnostic(
			`${rate} requests per second, client included; all done after ${Date.now() - began} ms`,
		);
	});
});

describe('the journal', () => {
	it('notes keys that go astray', async () => {
		const { url } = await madeSimply();
		await fetch(url, { headers: magnificKey });
		await post(DOCUMENTED, mule(), { ...muleKey, ...magnificKey });
		const { requests, violations } = await state();
		const downloads = requests.filter((one) => one.action === 'download');
		assert.deepEqual(
			downloads.map((one) => [one.carriesKey, one.listener]),
			[[true, 'media']],
		);
		assert.deepEqual(
			violations.map((one) => one.what),
			['an API key reached the media host', "MuleRouter was sent Magnific's key header"],
		);
	});

	it('counts a request whose client left', async () => {
		await fault({ action: 'list' }, { kind: 'slow', ms: 5000 });
		await assert.rejects(
			fetch(emulator.apiUrl + MAGNIFIC, { headers: magnificKey, signal: AbortSignal.timeout(50) }),
		);
		const seen = async () => (await state()).requests.filter((one) => one.action === 'list');
		let lists = await seen();
		for (let looks = 0; lists[0]?.ended === null && looks < 100; looks++) {
			await sleep(50);
			lists = await seen();
		}
		assert.deepEqual(
			lists.map((one) => [one.ended, one.status]),
			[['aborted', null]],
		);
	});

	it('notes undocumented addresses and gives only what is new when asked', async () => {
		await get('/v1/ai/video/kling-v3-omni');
		assert.equal((await get('/vendors/klingai/v1/other')).status, 404);
		const { requests, violations } = await state();
		assert.deepEqual((await state(`?since=${requests.at(-2)?.n}`)).requests, requests.slice(-1));
		assert.deepEqual([violations.length, (await state('?requests=0')).requests], [2, undefined]);
	});
});

describe('a request of another site', () => {
	/** @param {Record<string, string>} headers @param {string} [method] */
	const statusOf = async (headers, method = 'POST') => {
		const request = httpRequest(`${emulator.controlUrl}/state`, { method, headers });
		request.end();
		const [response] = await once(request, 'response');
		response.resume();
		return response.statusCode;
	};

	/** @type {Array<Record<string, string>>} */
	const foreign = [
		{ host: 'attacker.example' },
		{ host: 'localhost.attacker.example:80' },
		{ origin: 'https://attacker.example' },
		{ origin: 'null' },
		{ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' },
	];
	for (const headers of foreign) {
		it(`is refused: ${JSON.stringify(headers)}`, async () => {
			assert.equal(await statusOf(headers), 403);
			assert.equal(await statusOf(headers, 'GET'), 403);
		});
	}

	it('is none where the host and the origin are of this machine, or a person opens the address', async () => {
		assert.equal(await statusOf({ origin: 'http://localhost:5678' }, 'GET'), 200);
		const opened = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' };
		assert.equal(await statusOf(opened, 'GET'), 200);
	});
});
