import { createHash, createHmac } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { IDataObject, INodeParameters } from 'n8n-workflow';
import { anotherProcess } from './engine/anotherProcess.mts';
import { Credentials, descriptionOf, stored, TRIGGER } from './engine/engine.mts';
import { built, hurry, timing } from './engine/haste.mts';
import { keys, useBench } from './engine/setup.mts';
import type { EndpointName } from '../nodes/shared/task.ts';
import type { ReceiverOptions } from './engine/webhook.mts';
import { until } from './engine/until.mts';
import { Receiver } from './engine/webhook.mts';

const bench = useBench();
const SECRET = 'a signing secret';
const WHSEC = `whsec_${Buffer.from('twenty-four random bytes').toString('base64')}`;
const EDIT = '/vendors/klingai/v1/kling-v3-omni/video-to-video/edit';

beforeAll(() => {
	hurry();
	timing.verify.pauses = [20, 40];
});

const open: Receiver[] = [];

beforeEach(async () => {
	await bench.emulator.set({ webhookSecret: SECRET });
	bench.credentials.magnificApi.webhookSecret = SECRET;
	bench.credentials.muleRouterApi.webhookSecret = WHSEC;
});

afterEach(async () => {
	const receivers = open.splice(0);
	await Promise.all(receivers.map(async (receiver) => await receiver.close()));
	// A throw in webhook() starts a failed execution: whatever came, there was none.
	expect(receivers.flatMap(({ thrown }) => thrown)).toEqual([]);
});

async function receive(
	parameters: INodeParameters = {},
	more: Partial<ReceiverOptions> = {},
): Promise<Receiver> {
	const receiver = await Receiver.open({
		type: TRIGGER,
		parameters,
		credentials: bench.credentials,
		...more,
	});
	open.push(receiver);
	return receiver;
}

/** A task at the emulator that costs nothing. */
async function seed(task: Record<string, unknown> = {}): Promise<string> {
	const made = (await bench.emulator.control('POST', '/tasks', {
		provider: 'magnific',
		status: 'completed',
		...task,
	})) as { taskId: string };
	return made.taskId;
}

interface Receipt {
	status: number;
	answer: string;
	webhookId: string;
}

/** A callback that the emulator signs and sends, true or as told. */
async function callBack(
	taskId: string,
	{ url }: Receiver,
	forged: Record<string, unknown> = {},
): Promise<Receipt> {
	const at = `/tasks/${taskId}/callback`;
	return (await bench.emulator.control('POST', at, { url, ...forged })) as Receipt;
}

/** The requests of the node to the API. */
async function looks() {
	const { requests } = await bench.emulator.state();
	return requests.filter(({ listener, action }) => listener === 'api' && action !== 'create');
}

function payload(taskId: string, more: Record<string, unknown> = {}): string {
	return JSON.stringify({
		task_id: taskId,
		status: 'COMPLETED',
		generated: ['https://example.com/a.mp4'],
		...more,
	});
}

function envelope(taskId: string, more: Record<string, unknown> = {}): string {
	return JSON.stringify({
		id: `evt_${taskId}`,
		type: 'task.succeeded',
		created_at: new Date().toISOString(),
		data: {
			vendor: 'klingai',
			model_name: 'kling-v3-omni',
			payload: { task_info: { id: taskId, status: 'completed' }, videos: ['https://example.com'] },
		},
		...more,
	});
}

let messages = 0;

/** Headers as Magnific would sign the body now. */
function headersFor(
	body: string | Buffer,
	{
		secret = SECRET,
		id = `msg_${++messages}`,
		timestamp = String(Math.floor(Date.now() / 1000)),
	} = {},
): Record<string, string> {
	const mac = createHmac('sha256', secret).update(`${id}.${timestamp}.`).update(body);
	return {
		'webhook-id': id,
		'webhook-timestamp': timestamp,
		'webhook-signature': `v1,${mac.digest('base64')}`,
	};
}

describe('Signature', () => {
	test('a signed callback of Magnific starts an execution with the documented item and the file', async () => {
		const receiver = await receive();
		const taskId = await seed();
		expect(await callBack(taskId, receiver)).toMatchObject({ status: 200 });
		expect(receiver.started).toHaveLength(1);
		const { json, items, error } = await receiver.started[0].run();
		expect(error).toBeUndefined();
		expect(json).toEqual([
			{
				provider: 'magnific',
				endpoint: 'referenceToVideo',
				taskId,
				status: 'completed',
				providerStatus: 'COMPLETED',
				videoUrl: expect.stringContaining(taskId),
				videoUrls: [json[0].videoUrl],
				videoUrlExpiresAt: expect.stringMatching(/^20\d\d-.*Z$/),
				createdAt: null,
				updatedAt: null,
				media: expect.objectContaining({ width: 1280, height: 720, duration: 5 }),
				dedupeKey: `magnific:${taskId}:completed`,
			},
		]);
		expect(items[0].binary?.data).toMatchObject({
			fileName: `${taskId}.mp4`,
			mimeType: 'video/mp4',
		});
		const { sha256 } = (await bench.emulator.control('GET', `/tasks/${taskId}/sha256`)) as {
			sha256: string;
		};
		const file = await stored(items[0]);
		expect(createHash('sha256').update(file).digest('hex')).toBe(sha256);
		// The signature is enough: the API is not asked.
		expect(await looks()).toEqual([]);
	});

	test('the caller is answered before the video is requested', async () => {
		const receiver = await receive();
		const taskId = await seed();
		expect((await callBack(taskId, receiver)).status).toBe(200);
		expect((await bench.emulator.state()).requests).toEqual([]);
		const { items } = await receiver.started[0].run();
		expect(items[0].binary?.data).toBeDefined();
		const { requests } = await bench.emulator.state();
		expect(requests.map(({ action }) => action)).toContain('download');
	});

	test('Download Video off leaves the video at the provider; Put Output File in Field names the field', async () => {
		const unwanted = await receive({ downloadVideo: false });
		const taskId = await seed();
		await callBack(taskId, unwanted);
		const { items, json } = await unwanted.started[0].run();
		expect(items[0].binary).toBeUndefined();
		expect(json[0]).toMatchObject({ taskId, dedupeKey: `magnific:${taskId}:completed` });
		const named = await receive({ binaryPropertyName: 'clip' });
		await callBack(await seed(), named);
		const { items: withClip } = await named.started[0].run();
		expect(Object.keys(withClip[0].binary ?? {})).toEqual(['clip']);
	});

	test('a video that cannot be downloaded leaves the item with its task, and a hint says why', async () => {
		await bench.emulator.fault({
			match: { action: 'download' },
			times: -1,
			fault: { kind: 'status', status: 500 },
		});
		const receiver = await receive();
		const taskId = await seed();
		await callBack(taskId, receiver);
		const { json, hints, error } = await receiver.started[0].run();
		expect(error).toBeUndefined();
		expect(json[0].taskId).toBe(taskId);
		expect(hints[0]).toContain('could not be downloaded');
	});

	test('an expired link is replaced by a fresh one', async () => {
		const receiver = await receive();
		const taskId = await seed();
		await callBack(taskId, receiver);
		await bench.emulator.control('POST', `/tasks/${taskId}/expire-link`);
		const { items, json } = await receiver.started[0].run();
		expect(items[0].binary?.data).toBeDefined();
		expect(json[0].videoUrl).not.toBe(receiver.started[0].data[0][0].json.videoUrl);
		expect(json[0].dedupeKey).toBe(`magnific:${taskId}:completed`);
	});

	test('a signed callback that is completed and has no link is looked up', async () => {
		const receiver = await receive();
		const taskId = await seed();
		await callBack(taskId, receiver, {
			body: { task_id: taskId, status: 'COMPLETED', generated: [] },
		});
		expect(receiver.started[0].data[0][0].json.videoUrl).toContain(taskId);
	});

	test('a callback that says completed starts as failed where the task never gets a link', async () => {
		const receiver = await receive();
		const taskId = await seed();
		await bench.emulator.fault({
			match: { action: 'status' },
			times: -1,
			fault: { kind: 'no-video' },
		});
		await callBack(taskId, receiver, {
			body: { task_id: taskId, status: 'COMPLETED', generated: [] },
		});
		expect(receiver.started[0].data[0][0].json).toMatchObject({
			status: 'failed',
			failure: { reason: expect.stringContaining('typically the safety filter') },
		});
	});

	test.each(['CANCELLED', 'EXPIRED', 'TIMED_OUT'])(
		'a callback that says %s starts as failed, with the reason',
		async (status) => {
			const receiver = await receive();
			const taskId = await seed();
			await callBack(taskId, receiver, { body: { task_id: taskId, status, generated: [] } });
			expect(receiver.started[0].data[0][0].json).toMatchObject({
				status: 'failed',
				providerStatus: status,
				failure: { reason: expect.stringMatching(/cancelled|expired|timed out/) },
			});
		},
	);

	test('a signed callback is accepted with any content type', async () => {
		const receiver = await receive({ downloadVideo: false });
		const types = [
			'application/json; charset=utf-8',
			'text/plain',
			'application/octet-stream',
			'multipart/form-data; boundary=x',
			'',
		];
		for (const [n, type] of types.entries()) {
			const body = payload(`task-${n}`);
			const sent = await receiver.send(body, { ...headersFor(body), 'content-type': type });
			expect({ type, status: sent.status }).toEqual({ type, status: 200 });
		}
		expect(receiver.started).toHaveLength(types.length);
	});

	test('a signature is verified over the bytes of the body, not over the JSON in it', async () => {
		const receiver = await receive({ downloadVideo: false });
		const body = `{ "generated" : ["https:\\/\\/example.com\\/ü.mp4"],\n"status":"COMPLETED","task_id": "spaced" }`;
		expect((await receiver.send(body, headersFor(body))).status).toBe(200);
		expect(receiver.started[0].data[0][0].json).toMatchObject({
			taskId: 'spaced',
			videoUrl: 'https://example.com/%C3%BC.mp4',
		});
		const same = JSON.stringify(JSON.parse(body));
		expect((await receiver.send(same, headersFor(body))).status).toBe(401);
	});

	test.each([
		[
			'beside one of an older key',
			(body: string) => {
				const headers = headersFor(body);
				const other = headersFor(body, { secret: 'old' })['webhook-signature'];
				return { ...headers, 'webhook-signature': `${other} ${headers['webhook-signature']}` };
			},
		],
		[
			'with a timestamp in milliseconds',
			(body: string) => headersFor(body, { timestamp: String(Date.now()) }),
		],
	])('a signature %s is accepted', async (_name, sign) => {
		const receiver = await receive();
		const body = payload('some-task');
		expect((await receiver.send(body, sign(body))).status).toBe(200);
		expect(receiver.started).toHaveLength(1);
	});

	test('a Base64 secret verifies signatures made with its text and with its bytes', async () => {
		bench.credentials.magnificApi.webhookSecret = WHSEC;
		const receiver = await receive();
		await bench.emulator.set({ webhookSecret: WHSEC });
		expect((await callBack(await seed(), receiver)).status).toBe(200);
		await bench.emulator.set({ webhookSecret: 'twenty-four random bytes' });
		expect((await callBack(await seed(), receiver)).status).toBe(200);
		expect(receiver.started).toHaveLength(2);
	});

	test.each([
		['with another secret', { secret: 'guessed' }],
		['with a changed body', { tamperedBody: payload('another') }],
		['with another id', { headers: { 'webhook-id': 'msg_0' } }],
		[
			'with another time',
			{ headers: { 'webhook-timestamp': `${Math.floor(Date.now() / 1000) + 1}` } },
		],
		['without an id', { headers: { 'webhook-id': null } }],
		['without a time', { headers: { 'webhook-timestamp': null } }],
		['without a signature', { headers: { 'webhook-signature': null } }],
		['signed six minutes ago', { timestamp: Math.floor(Date.now() / 1000) - 360 }],
		['signed six minutes ahead of now', { timestamp: Math.floor(Date.now() / 1000) + 360 }],
	])('a callback %s is refused with 401', async (_name, forged) => {
		const receiver = await receive();
		const receipt = await callBack(await seed(), receiver, forged);
		expect(receipt.status).toBe(401);
		expect(receiver.started).toEqual([]);
		expect(receipt.answer + JSON.stringify(receiver.log)).not.toContain(SECRET);
	});

	test('a wrong Webhook Secret is explained in the log, once', async () => {
		const receiver = await receive();
		for (let n = 0; n < 5; n++) await callBack(await seed(), receiver, { secret: 'guessed' });
		expect(receiver.log.filter(({ level }) => level === 'warn')).toEqual([
			expect.objectContaining({ message: expect.stringContaining('check the Webhook Secret') }),
		]);
	});
});

describe('the Webhook Secret', () => {
	const { getDecrypted } = Credentials.prototype;
	let readings: number;

	beforeEach(() => {
		readings = 0;
		Credentials.prototype.getDecrypted = async function (this: Credentials, ...which) {
			readings++;
			// As it was when n8n began to read it.
			const data = structuredClone(await getDecrypted.apply(this, which));
			await new Promise((resolve) => setTimeout(resolve, 200));
			return data;
		};
	});
	afterEach(() => {
		Credentials.prototype.getDecrypted = getDecrypted;
	});

	async function sendSigned(receiver: Receiver): Promise<number> {
		const body = payload(`task-${++messages}`);
		return (await receiver.send(body, headersFor(body))).status;
	}

	test('the Webhook Secret is read once for callbacks of the same moment', async () => {
		const receiver = await receive({ downloadVideo: false });
		const statuses = await Promise.all(
			Array.from({ length: 10 }, async () => await sendSigned(receiver)),
		);
		expect(statuses).toEqual(Array(10).fill(200));
		expect(readings).toBeLessThanOrEqual(2);
	});

	test('a reading of the Webhook Secret that never ends holds up no later callback', async () => {
		const receiver = await receive({ downloadVideo: false });
		const original = Credentials.prototype.getDecrypted;
		Credentials.prototype.getDecrypted = async () => await new Promise(() => {});
		const hanging = sendSigned(receiver).catch(() => 0);
		await new Promise((resolve) => setTimeout(resolve, 2_100));
		Credentials.prototype.getDecrypted = original;
		expect(await sendSigned(receiver)).toBe(200);
		await receiver.close();
		await hanging;
	});

	test('the Webhook Secret is read anew for a later callback, so a withdrawn one is refused', async () => {
		const receiver = await receive({ downloadVideo: false });
		expect(await sendSigned(receiver)).toBe(200);
		bench.credentials.magnificApi.webhookSecret = 'another signing secret';
		expect(await sendSigned(receiver)).toBe(401);
	});
});

describe('without a Webhook Secret', () => {
	test.each(['magnific', 'muleRouter'])(
		'without a Webhook Secret, callbacks of %s are refused with 503, and the log says what to do',
		async (provider) => {
			Object.assign(bench.credentials.magnificApi, { webhookSecret: '' });
			Object.assign(bench.credentials.muleRouterApi, { webhookSecret: ' ' });
			const receiver = await receive({ provider, authentication: 'signature' });
			const taskId = await seed({ provider });
			for (const secret of ['', ' ', 'anything']) {
				expect((await callBack(taskId, receiver, { secret })).status).toBe(503);
			}
			expect((await receiver.send('{}')).status).toBe(503);
			expect(receiver.started).toEqual([]);
			expect(await looks()).toEqual([]);
			expect(receiver.log).toEqual([
				expect.objectContaining({
					level: 'warn',
					message: expect.stringMatching(/Webhook Secret in the .* credential is empty/),
				}),
			]);
		},
	);

	test.each([
		['is empty', ''],
		['has less than 16 bytes', 'fifteen letters'],
		['has less than 16 bytes', `whsec_${Buffer.from('fifteen letters').toString('base64')}`],
	])(
		'a Webhook Secret that %s is refused at each call and at activation',
		async (fault, secret) => {
			bench.credentials.magnificApi.webhookSecret = secret;
			await bench.emulator.set({ webhookSecret: secret || 'anything' });
			const receiver = await receive();
			const taskId = await seed();
			expect((await callBack(taskId, receiver)).status).toBe(503);
			expect(receiver.started).toEqual([]);
			expect(receiver.log).toEqual([
				expect.objectContaining({
					level: 'warn',
					message: expect.stringContaining(
						`The Webhook Secret in the Magnific credential ${fault}`,
					),
				}),
			]);
			for (const activation of ['manual', 'activate', 'update'] as const) {
				await expect(receiver.activate(activation)).rejects.toThrow('Enter the secret');
			}
			// n8n itself activates the workflow when it starts: the trigger must not vanish.
			expect(await receiver.activate('init')).toBe(true);
			expect(await receiver.activate('leadershipChange')).toBe(true);
			expect(await (await receive({ authentication: 'recheck' })).activate('activate')).toBe(true);
			bench.credentials.magnificApi.webhookSecret = SECRET;
			expect(await receiver.activate('activate')).toBe(true);
		},
	);

	test('a Webhook Secret of 16 bytes is long enough, also where its letters have two bytes', async () => {
		for (const secret of ['sixteen letters!', 'üüüüüüüü']) {
			bench.credentials.magnificApi.webhookSecret = secret;
			await bench.emulator.set({ webhookSecret: secret });
			expect((await callBack(await seed(), await receive())).status).toBe(200);
		}
	});
});

describe('Trigger On', () => {
	test.each([
		[
			['completed', 'failed'],
			['completed', 'failed'],
		],
		[['running'], ['running']],
		[['failed'], ['failed']],
		[[], []],
	])('Trigger On %j starts executions for %j', async (events, expected) => {
		const receiver = await receive({ events, downloadVideo: false });
		const done = await seed();
		const failed = await seed({ status: 'failed' });
		const running = await seed({ status: undefined, taskSeconds: 600 });
		for (const [taskId, providerStatus] of [
			[running, 'IN_PROGRESS'],
			[done, 'COMPLETED'],
			[failed, 'FAILED'],
		]) {
			expect((await callBack(taskId, receiver, { providerStatus })).status).toBe(200);
		}
		expect(receiver.started.map(({ data }) => data[0][0].json.status)).toEqual(expected);
	});

	test('a failed task is a good item with the status failed', async () => {
		const receiver = await receive();
		const taskId = await seed({ status: 'failed' });
		await callBack(taskId, receiver);
		const { json, error } = await receiver.started[0].run();
		expect(error).toBeUndefined();
		expect(json[0]).toMatchObject({
			taskId,
			status: 'failed',
			videoUrl: null,
			dedupeKey: `magnific:${taskId}:failed`,
		});
		expect(json[0]).not.toHaveProperty('error');
	});

	test('duplicate callbacks of a task that Generate has submitted start one execution', async () => {
		const receiver = await receive();
		await bench.emulator.set({ taskSeconds: 0.3, callbacks: { mode: 'duplicate' } });
		const { json } = await bench.generate({
			prompt: 'As @Video1',
			videoUrl: bench.emulator.referenceUrl,
			additionalFields: { webhookUrl: receiver.url },
			completion: 'submitOnly',
		});
		while (receiver.started.length === 0) await new Promise((next) => setTimeout(next, 20));
		await new Promise((later) => setTimeout(later, 200));
		expect(receiver.started).toHaveLength(1);
		const { json: out, items } = await receiver.started[0].run();
		expect(out[0]).toMatchObject({ taskId: json[0].taskId, status: 'completed' });
		expect(items[0].binary?.data).toBeDefined();
	});
});

describe('Ask API', () => {
	const parameters = { authentication: 'recheck' };

	test('Ask API takes the item from the answer, whatever the callback says', async () => {
		const receiver = await receive(parameters);
		const taskId = await seed();
		const reply = await receiver.send(payload(taskId, { generated: ['https://evil.example/x'] }));
		expect(reply.status).toBe(200);
		const { json } = await receiver.started[0].run();
		expect(json[0].videoUrl).toContain(bench.emulator.mediaUrl);
		expect(JSON.stringify(json)).not.toContain('evil');
		const [{ headers }] = await looks();
		expect(headers['x-magnific-api-key']).toBe(keys.magnific);
	});

	test('a callback that the API does not confirm gets 409, and starts an execution once it is true', async () => {
		const receiver = await receive(parameters);
		const taskId = await seed({ status: undefined, taskSeconds: 600 });
		expect((await receiver.send(payload(taskId))).status).toBe(409);
		expect(receiver.started).toEqual([]);
		await bench.emulator.control('POST', `/tasks/${taskId}/complete`);
		expect((await receiver.send(payload(taskId))).status).toBe(200);
		expect(receiver.started).toHaveLength(1);
	});

	test('a status that lags behind its callback is looked up again', async () => {
		const receiver = await receive(parameters);
		const taskId = await seed();
		await bench.emulator.fault({
			match: { action: 'status' },
			times: 2,
			fault: { kind: 'task-status', providerStatus: 'IN_PROGRESS' },
		});
		expect((await callBack(taskId, receiver)).status).toBe(200);
		expect(receiver.started[0].data[0][0].json).toMatchObject({ taskId, status: 'completed' });
		expect(await looks()).toHaveLength(3);
	});

	test('a link that lags behind its status is looked up again, at most twice', async () => {
		const receiver = await receive(parameters);
		const late = { match: { action: 'status' }, fault: { kind: 'no-video' } };
		await bench.emulator.fault({ ...late, times: 1 });
		await callBack(await seed(), receiver);
		await bench.emulator.fault({ ...late, times: -1 });
		await callBack(await seed(), receiver);
		const links = receiver.started.map(({ data }) => data[0][0].json.videoUrl);
		expect(links).toEqual([expect.stringMatching(/^http/), null]);
		expect(await looks()).toHaveLength(2 + 3);
	});

	test('an unknown task costs one request, however often and however many times at once it is reported', async () => {
		const receiver = await receive(parameters);
		const unknown = '00000000-0000-4000-8000-000000000000';
		const replies = await Promise.all(
			Array.from({ length: 20 }, async () => await receiver.send(payload(unknown))),
		);
		for (let n = 0; n < 5; n++) replies.push(await receiver.send(payload(unknown)));
		expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([404]));
		expect(await looks()).toHaveLength(1);
		expect(receiver.started).toEqual([]);
	});

	describe('during a flood', () => {
		const usual = structuredClone(timing.verify);
		beforeEach(() => {
			// Requests are counted here, so none may be lost to the impatience of a busy machine.
			timing.http.readTimeout = 30_000;
			Object.assign(timing.verify, { maxUnconfirmed: 60, unconfirmedPause: 60_000, listPause: 50 });
		});
		afterEach(async () => {
			// The look-ups that still wait belong to this test, and to no later one.
			Object.assign(timing.verify, { maxUnconfirmed: 10_000, unconfirmedPause: 0.001 });
			await Promise.all(sent.splice(0));
			Object.assign(timing.verify, usual, { pauses: [20, 40] });
			hurry();
		});
		const sent: Array<Promise<unknown>> = [];

		/** Sends invented IDs, and waits until the look-ups they may cost have been made. */
		async function flood(receiver: Receiver, ids: string[], make = payload): Promise<number[]> {
			const statuses: number[] = [];
			for (const id of ids) {
				sent.push(receiver.send(make(id)).then(({ status }) => statuses.push(status)));
			}
			const spent = () => looks().then((all) => all.length >= timing.verify.maxUnconfirmed);
			while (!(await spent())) await new Promise((next) => setTimeout(next, 20));
			return statuses;
		}

		const invented = (count: number) => Array.from({ length: count }, (_, n) => `unknown-${n}`);

		test.each(['webhook', 'manual'] as const)(
			'300 invented IDs silence no true callback of Magnific (mode %s)',
			async (mode) => {
				const receiver = await receive(parameters, { mode });
				await flood(receiver, invented(300));
				const ids = await Promise.all(Array.from({ length: 20 }, async () => await seed()));
				const replies = await Promise.all(ids.map(async (id) => await receiver.send(payload(id))));
				expect(replies.map(({ status }) => status)).toEqual(ids.map(() => 200));
				expect(receiver.started.map(({ data }) => data[0][0].json.taskId).sort()).toEqual(
					ids.sort(),
				);
				const all = await looks();
				const lists = all.filter(({ action }) => action === 'list').length;
				const vain = all.filter(({ status }) => status === 404).length;
				// Ten may be under way when the last of 60 comes back.
				expect(vain).toBeLessThan(timing.verify.maxUnconfirmed + 10);
				expect(all).toHaveLength(vain + lists + ids.length);
				process.stdout.write(
					`Flood, ${mode}: ${vain} look-ups in vain, ${lists} lists, 20 of 20 true callbacks\n`,
				);
			},
		);

		/** A verifier whose clock stands still unless a test moves it, and the paths that it has asked for. */
		function standingStill(isTrue: (id: string) => boolean, listed: string[] = []) {
			const { TaskVerifier } = built<typeof import('../nodes/KlingV2vTrigger/verifyTask.ts')>(
				'KlingV2vTrigger/verifyTask',
			);
			const { providers } =
				built<typeof import('../nodes/shared/providers/index.ts')>('shared/providers/index');
			const time = { now: 0 };
			const clock = {
				now: () => time.now,
				check: () => {},
				pause: async () => await new Promise((next) => setTimeout(next, 1)),
			};
			const verifier = new TaskVerifier(clock as never);
			const paths: string[] = [];
			const task = (id: string) => ({
				task_id: id,
				task_info: { id, status: 'completed' },
				status: 'COMPLETED',
				generated: ['http://a.b/c'],
				videos: ['http://a.b/c'],
			});
			const helpers = {
				async httpRequestWithAuthentication(_type: string, { url }: { url: string }) {
					paths.push(url);
					const id = /[a-z]+-\d+$/.exec(url)?.[0];
					const answer = (statusCode: number, body: object) => {
						return {
							statusCode,
							headers: {},
							body: Readable.from([Buffer.from(JSON.stringify(body))]),
						};
					};
					if (id && !isTrue(id)) return answer(404, {});
					return answer(200, id ? { data: task(id), ...task(id) } : { data: listed.map(task) });
				},
			};
			const getCredentials = async () => ({ apiKey: 'k', baseUrl: 'https://api.example.com' });
			const verify =
				(name: 'magnific' | 'muleRouter', endpoints: EndpointName[]) => async (taskId: string) =>
					await verifier.verify({ helpers, getCredentials } as never, providers[name], {
						taskId,
						status: 'completed',
						endpoints,
					});
			return { verify, paths, time, listPath: providers.magnific.listPath };
		}

		test('one request for the list of tasks finds 20 true IDs among 300 invented ones', async () => {
			Object.assign(timing.verify, { maxUnconfirmed: 0, listPause: 60_000 });
			const ids = Array.from({ length: 20 }, (_, n) => `true-${n}`);
			const still = standingStill((id) => id.startsWith('true'), ids);
			const verify = still.verify('magnific', ['referenceToVideo']);
			const forged = invented(300).map(verify);
			const found = await Promise.all(ids.map(verify));
			expect(found.map(({ is }) => is)).toEqual(ids.map(() => 'confirmed'));
			expect(still.paths.filter((path) => !/true-\d+$/.test(path))).toEqual([still.listPath]);
			expect(still.paths).toHaveLength(1 + ids.length);
			// The invented ones still wait for the budget, and none is called false for want of a listing.
			Object.assign(timing.verify, { maxUnconfirmed: 10_000, unconfirmedPause: 0.001 });
			still.time.now += 60_000;
			await Promise.all(forged);
		});

		test('a true callback of a provider without a list goes before invented ones that wait', async () => {
			const still = standingStill((id) => id.startsWith('true'));
			const verify = still.verify('muleRouter', ['videoEdit']);
			const forged = invented(200).map(verify);
			await until(() => still.paths.length >= timing.verify.maxUnconfirmed, 'the budget is spent');
			const before = still.paths.length;
			const genuine = verify('true-1');
			still.time.now += 60_000;
			expect((await genuine).is).toBe('confirmed');
			expect(still.paths[before]).toMatch(/true-1$/);
			Object.assign(timing.verify, { maxUnconfirmed: 10_000, unconfirmedPause: 0.001 });
			still.time.now += 60_000;
			await Promise.all(forged);
			expect(still.paths).toHaveLength(201);
		});

		test('a clock that is set back keeps no true callback waiting, nor its task unknown', async () => {
			const made = new Set(['true-1']);
			const still = standingStill((id) => made.has(id));
			const verify = still.verify('muleRouter', ['videoEdit']);
			still.time.now = 10 * 60 * 60_000;
			expect((await verify('true-2')).is).toBe('unknown');
			still.time.now -= 60 * 60_000;
			made.add('true-2');
			expect((await verify('true-1')).is).toBe('confirmed');
			expect((await verify('true-2')).is).toBe('confirmed');
		});

		test('a second listener in the editor has the same budget, and not one for each call', async () => {
			const receiver = await receive(parameters, { mode: 'manual' });
			await flood(receiver, invented(200));
			expect((await looks()).filter(({ status }) => status === 404).length).toBeLessThan(70);
		});

		test('a list that fails is asked again, and its silence makes no callback false', async () => {
			const receiver = await receive(parameters);
			await flood(receiver, invented(100));
			await bench.emulator.fault({
				match: { action: 'list' },
				times: 2,
				fault: { kind: 'status', status: 503 },
			});
			expect((await receiver.send(payload(await seed()))).status).toBe(200);
		});

		test('the queue is bounded: one callback more turns the oldest away with 429', async () => {
			timing.verify.maxWaiting = 50;
			const receiver = await receive({ provider: 'muleRouter' });
			const statuses = await flood(receiver, invented(200), envelope);
			while (receiver.calls < 200) await new Promise((next) => setTimeout(next, 20));
			const isSettled = () => statuses.length >= 200 - timing.verify.maxWaiting - 10;
			while (!isSettled()) await new Promise((next) => setTimeout(next, 20));
			expect(new Set(statuses)).toEqual(new Set([404, 429]));
			expect(receiver.log.filter(({ level }) => level === 'warn')).toHaveLength(1);
		});
	});

	test('200 true callbacks at once start 200 executions, with one look-up each', async () => {
		timing.http.readTimeout = 30_000;
		const receiver = await receive(parameters);
		const ids = await Promise.all(Array.from({ length: 200 }, async () => await seed()));
		const replies = await Promise.all(ids.map(async (id) => await receiver.send(payload(id))));
		expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200]));
		expect(receiver.started.map(({ data }) => data[0][0].json.taskId).sort()).toEqual(ids.sort());
		expect(await looks()).toHaveLength(200);
		hurry();
	});

	test.each(['../list', 'a/b', 'a?b', 'a b', '', '..', 'x'.repeat(200), '%2e%2e', 'ü'])(
		'the API is not asked for "%s", which is no task ID',
		async (taskId) => {
			const receiver = await receive(parameters);
			expect((await receiver.send(payload(taskId))).status).toBe(400);
			expect(await looks()).toEqual([]);
		},
	);

	test.each([
		['is down', { kind: 'status', status: 503 }, 3],
		['breaks off', { kind: 'reset' }, 3],
		['answers with a page', { kind: 'html', status: 200 }, 3],
		['is busy for a while', { kind: 'status', status: 429, headers: { 'retry-after': '30' } }, 1],
		['refuses the key', { kind: 'status', status: 401 }, 1],
	])(
		'while the API %s, a callback gets 503, and the next one starts an execution',
		async (_name, fault, asked) => {
			const receiver = await receive(parameters);
			const taskId = await seed();
			await bench.emulator.fault({ match: { action: 'status' }, times: asked, fault });
			const first = await callBack(taskId, receiver, { webhookId: 'msg_same' });
			expect(first.status).toBe(503);
			expect(receiver.started).toEqual([]);
			expect(await looks()).toHaveLength(asked);
			expect(receiver.log[0].message).toContain('Magnific could not be asked for the task');
			expect((await callBack(taskId, receiver, { webhookId: 'msg_same' })).status).toBe(200);
			expect(receiver.started).toHaveLength(1);
		},
	);

	test('an event that is not selected costs no request', async () => {
		const receiver = await receive(parameters);
		expect((await receiver.send(payload(await seed(), { status: 'IN_PROGRESS' }))).status).toBe(
			200,
		);
		expect(await looks()).toEqual([]);
	});

	test('a callback starts nothing where the API answers with an event that is not selected', async () => {
		const receiver = await receive({ ...parameters, events: ['completed'] });
		expect((await receiver.send(payload(await seed({ status: 'failed' })))).status).toBe(200);
		expect(await looks()).toHaveLength(1);
		expect(receiver.started).toEqual([]);
	});

	test('a duplicate callback costs no request', async () => {
		const receiver = await receive(parameters);
		const taskId = await seed();
		for (let n = 0; n < 3; n++) await callBack(taskId, receiver);
		expect(await looks()).toHaveLength(1);
	});

	test('the status is taken from the API: an early callback of a completed task starts the execution for its end', async () => {
		const receiver = await receive({ ...parameters, events: ['completed', 'running'] });
		const taskId = await seed();
		await receiver.send(payload(taskId, { status: 'IN_PROGRESS' }));
		await receiver.send(payload(taskId));
		expect(receiver.started.map(({ data }) => data[0][0].json.status)).toEqual(['completed']);
	});
});

describe('MuleRouter', () => {
	const parameters = { provider: 'muleRouter' };
	const send = async (taskId: string, receiver: Receiver, forged: object = {}) =>
		await callBack(taskId, receiver, { secret: WHSEC, ...forged });

	test.each([
		['videoToVideo', '/vendors/klingai/v1/kling-v3-omni/video-to-video/generation', 1],
		[
			'referenceVideoToVideo',
			'/vendors/klingai/v1/kling-v3-omni/reference-video-to-video/generation',
			2,
		],
		['videoEdit', EDIT, 3],
	])(
		'a MuleRouter task of %s is looked up at each endpoint until it is found',
		async (endpoint, path, requests) => {
			const receiver = await receive(parameters);
			const taskId = await seed({ ...parameters, endpoint: path });
			expect(
				(await send(taskId, receiver, { headers: { 'webhook-signature': null } })).status,
			).toBe(200);
			const { json, items, error } = await receiver.started[0].run();
			expect(error).toBeUndefined();
			expect(json[0]).toMatchObject({
				provider: 'muleRouter',
				endpoint,
				taskId,
				status: 'completed',
				createdAt: expect.stringMatching(/^20/),
				dedupeKey: `muleRouter:${taskId}:completed`,
			});
			expect(items[0].binary?.data.mimeType).toBe('video/mp4');
			expect(await looks()).toHaveLength(requests);
		},
	);

	test('a MuleRouter task is looked up first at the endpoint that its model names', async () => {
		const receiver = await receive(parameters);
		const taskId = await seed({ ...parameters, endpoint: EDIT });
		const named = JSON.parse(envelope(taskId)) as { data: IDataObject };
		named.data.model_name = 'kling-v3-omni/video-to-video/edit';
		expect((await receiver.send(JSON.stringify(named))).status).toBe(200);
		expect(await looks()).toHaveLength(1);
	});

	test('a failed MuleRouter task brings its reason', async () => {
		const receiver = await receive(parameters);
		const taskId = await seed({ ...parameters, status: 'failed', reason: 'unsafe', code: 1301 });
		await send(taskId, receiver);
		const { json } = await receiver.started[0].run();
		expect(json[0]).toMatchObject({
			status: 'failed',
			failure: { reason: 'unsafe', code: '1301' },
		});
	});

	test('a signed MuleRouter callback is looked up, too, and a forged one is not', async () => {
		const receiver = await receive({ ...parameters, authentication: 'signature' });
		const taskId = await seed(parameters);
		expect((await send(taskId, receiver, { secret: 'whsec_AAAA' })).status).toBe(401);
		expect((await send(taskId, receiver, { headers: { 'webhook-signature': null } })).status).toBe(
			401,
		);
		expect(await looks()).toEqual([]);
		expect((await send(taskId, receiver)).status).toBe(200);
		expect(await looks()).toHaveLength(1);
		expect(receiver.started).toHaveLength(1);
	});

	test.each([
		['another vendor', { vendor: 'minimax', model_name: 'hailuo-02' }],
		['another Kling model', { vendor: 'klingai', model_name: 'kling-v2-6' }],
		['another task of the model', { vendor: 'klingai', model_name: 'kling-v3-omni/text-to-video' }],
	])('a MuleRouter event about %s gets 200 and starts nothing', async (_name, model) => {
		const receiver = await receive(parameters);
		const other = JSON.parse(envelope(await seed(parameters))) as { data: IDataObject };
		Object.assign(other.data, model);
		expect((await receiver.send(JSON.stringify(other))).status).toBe(200);
		expect(receiver.started).toEqual([]);
		expect(await looks()).toEqual([]);
	});

	test('an unknown MuleRouter task costs one request at each endpoint', async () => {
		const receiver = await receive(parameters);
		for (let n = 0; n < 3; n++) {
			expect((await receiver.send(envelope('unknown'))).status).toBe(404);
		}
		expect(await looks()).toHaveLength(3);
	});

	test('a MuleRouter event starts one execution, however often it comes', async () => {
		const receiver = await receive(parameters);
		const taskId = await seed(parameters);
		const again = { webhookId: 'evt_same' };
		expect((await send(taskId, receiver, again)).status).toBe(200);
		expect((await send(taskId, receiver, again)).status).toBe(200);
		expect((await send(taskId, receiver)).status).toBe(200);
		expect(receiver.started).toHaveLength(1);
	});

	test.each([
		['a low balance', { type: 'balance.low', data: { resource: 'Wallet', state: 'ALERTED' } }],
		['an event that is not documented', { type: 'key.rotated', data: {} }],
		['a task event that is not documented', { type: 'task.exploded' }],
	])(
		'a MuleRouter event about %s gets 200, costs no request and starts nothing',
		async (_name, more) => {
			for (const authentication of ['recheck', 'signature']) {
				const receiver = await receive({ ...parameters, authentication });
				const body = envelope('some-task', more);
				const { status, text } = await receiver.send(body, headersFor(body, { secret: WHSEC }));
				expect(status).toBe(200);
				expect(JSON.parse(text)).toEqual({
					message: 'Not about a Kling video-to-video task, ignored',
				});
				expect(receiver.started).toEqual([]);
				expect(receiver.log).toEqual([]);
			}
			expect(await looks()).toEqual([]);
		},
	);
});

describe('Duplicates', () => {
	test('the same message three times starts one execution', async () => {
		const receiver = await receive();
		const taskId = await seed();
		for (let n = 0; n < 3; n++) {
			expect((await callBack(taskId, receiver, { webhookId: 'msg_1' })).status).toBe(200);
		}
		expect(receiver.started).toHaveLength(1);
	});

	test('three messages about the same status start one execution', async () => {
		const receiver = await receive();
		const taskId = await seed();
		for (let n = 0; n < 3; n++) await callBack(taskId, receiver);
		expect(receiver.started).toHaveLength(1);
	});

	test('a forged webhook-id suppresses no true callback', async () => {
		const receiver = await receive({ authentication: 'recheck' });
		const [one, other] = [await seed(), await seed()];
		await callBack(one, receiver, { webhookId: 'msg_1' });
		await callBack(other, receiver, { webhookId: 'msg_1' });
		expect(receiver.started.map(({ data }) => data[0][0].json.taskId)).toEqual([one, other]);
	});

	test('a fresh webhook-id lets no duplicate pass', async () => {
		const receiver = await receive({ authentication: 'recheck' });
		const taskId = await seed();
		for (let n = 0; n < 3; n++) await callBack(taskId, receiver, { webhookId: `msg_${n}` });
		expect(receiver.started).toHaveLength(1);
	});

	test.each(['signature', 'recheck'])(
		'twenty callbacks about one event in the same instant start one execution (%s)',
		async (authentication) => {
			const receiver = await receive({ authentication });
			const taskId = await seed();
			const receipts = await Promise.all(
				Array.from({ length: 20 }, async () => await callBack(taskId, receiver)),
			);
			expect(new Set(receipts.map(({ status }) => status))).toEqual(new Set([200]));
			expect(receiver.started).toHaveLength(1);
			expect((await looks()).length).toBeLessThanOrEqual(1);
		},
	);

	test('each new status of a task starts an execution', async () => {
		const receiver = await receive({ events: ['running', 'completed'] });
		const taskId = await seed({ status: undefined, taskSeconds: 600 });
		await callBack(taskId, receiver, { providerStatus: 'IN_PROGRESS' });
		await bench.emulator.control('POST', `/tasks/${taskId}/complete`);
		await callBack(taskId, receiver);
		await callBack(taskId, receiver, { providerStatus: 'IN_PROGRESS' });
		expect(receiver.started.map(({ data }) => data[0][0].json.dedupeKey)).toEqual([
			`magnific:${taskId}:running`,
			`magnific:${taskId}:completed`,
		]);
	});

	test('a callback is no duplicate where n8n could not start an execution before', async () => {
		const receiver = await receive();
		const taskId = await seed();
		receiver.isDown = true;
		expect((await callBack(taskId, receiver, { webhookId: 'msg_1' })).status).toBe(500);
		expect(receiver.started).toEqual([]);
		receiver.isDown = false;
		expect((await callBack(taskId, receiver, { webhookId: 'msg_1' })).status).toBe(200);
		expect(receiver.started).toHaveLength(1);
	});

	test.each([
		['is no duplicate where n8n cannot start one in the end', true],
		['is a duplicate where n8n starts one in the end', false],
	])(
		'a callback whose caller left while n8n was starting an execution %s',
		async (_title, isDown) => {
			const receiver = await receive();
			const body = payload(await seed());
			let goOn = () => {};
			receiver.starting = new Promise<void>((resolve) => (goOn = resolve));
			receiver.isDown = isDown;
			const leaving = new AbortController();
			const first = receiver.send(body, headersFor(body), { signal: leaving.signal });
			await until(() => receiver.wanted.length === 1, 'the node wants an execution');
			leaving.abort();
			await expect(first).rejects.toThrow('aborted');
			await until(() => receiver.wanted[0].destroyed, 'n8n hears that the caller has left');
			// n8n may still fail to start the execution: the trigger asks the provider to call again.
			expect(await receiver.send(body, headersFor(body))).toMatchObject({
				status: 503,
				headers: { 'retry-after': '10' },
			});
			goOn();
			await until(() => receiver.wanted[0].writableEnded, 'n8n has an answer');
			receiver.isDown = false;
			expect((await receiver.send(body, headersFor(body))).status).toBe(200);
			expect(receiver.started).toHaveLength(1);
			expect(receiver.wanted).toHaveLength(isDown ? 2 : 1);
		},
	);

	test('a process that starts later knows the events that n8n has saved', async () => {
		const first = await receive({}, { workflowId: 'one' });
		const taskId = await seed();
		await callBack(taskId, first);
		expect(first.started).toHaveLength(1);
		const { database } = first;
		const second = await receive(
			{},
			{ workflowId: 'one', database, nodeType: anotherProcess('KlingV2vTrigger') },
		);
		expect((await callBack(taskId, second)).status).toBe(200);
		expect(second.started).toEqual([]);
		// The test means something: without what n8n has saved, it would be news.
		const third = await receive(
			{},
			{ workflowId: 'one', nodeType: anotherProcess('KlingV2vTrigger') },
		);
		await callBack(taskId, third);
		expect(third.started).toHaveLength(1);
	});

	test('two processes give the same event the same dedupeKey', async () => {
		const shared = { workflowId: 'two', database: { staticData: '{}' } };
		const one = await receive({}, shared);
		const other = await receive({}, { ...shared, nodeType: anotherProcess('KlingV2vTrigger') });
		const taskId = await seed();
		await Promise.all([callBack(taskId, one), callBack(taskId, other)]);
		const all = [...one.started, ...other.started];
		expect(all.length).toBeGreaterThanOrEqual(1);
		expect(new Set(all.map(({ data }) => data[0][0].json.dedupeKey)).size).toBe(1);
	});

	test('an event starts every workflow that it is sent to', async () => {
		const receivers = [await receive(), await receive()];
		const taskId = await seed();
		for (const receiver of receivers) await callBack(taskId, receiver);
		expect(receivers.map(({ started }) => started.length)).toEqual([1, 1]);
	});

	test('while the editor listens, the same callback starts an execution each time', async () => {
		const receiver = await receive({}, { mode: 'manual' });
		const taskId = await seed();
		for (let n = 0; n < 2; n++) await callBack(taskId, receiver, { webhookId: 'msg_1' });
		expect(receiver.started).toHaveLength(2);
		expect(receiver.database.staticData).toBe('{}');
	});

	test('events are remembered in bounded space, the latest ones longest', async () => {
		const receiver = await receive({ downloadVideo: false });
		const told = async (n: number) => {
			const body = payload(`task-${n}`);
			const id = `msg_${n}_${'x'.repeat(2_000)}`;
			return (await receiver.send(body, headersFor(body, { id }))).status;
		};
		for (let n = 0; n < 1_000; n++) expect(await told(n)).toBe(200);
		expect(receiver.started).toHaveLength(1_000);
		expect(receiver.database.staticData.length).toBeLessThan(20_000);
		expect(await told(999)).toBe(200);
		expect(await told(500)).toBe(200);
		expect(receiver.started).toHaveLength(1_000);
	});
});

/** A caller that sends the head of a request and as much of its body as told, and waits. */
class SlowCaller {
	answer = '';

	readonly closed: Promise<void>;

	private constructor(private readonly socket: Socket) {
		socket.setEncoding('utf8').on('data', (text: string) => (this.answer += text));
		socket.on('error', () => undefined);
		this.closed = new Promise((resolve) => socket.on('close', () => resolve()));
	}

	static async call(
		{ url }: Receiver,
		headers: Record<string, string>,
		begin: string,
	): Promise<SlowCaller> {
		const { port, pathname } = new URL(url);
		const socket = connect(Number(port), '127.0.0.1');
		await once(socket, 'connect');
		const lines = Object.entries({ host: 'n8n', ...headers }).map(([k, v]) => `${k}: ${v}\r\n`);
		socket.write(`POST ${pathname} HTTP/1.1\r\n${lines.join('')}\r\n${begin}`);
		return new SlowCaller(socket);
	}

	send(text: string): void {
		this.socket.write(text);
	}

	/** @returns the status of the answer, once the server has closed the connection */
	async status(): Promise<number> {
		await this.closed;
		return Number(this.answer.split(' ')[1]);
	}

	hangUp(): void {
		this.socket.destroy();
	}
}

describe('Bodies', () => {
	const usual = structuredClone(timing.callback);
	afterEach(() => void Object.assign(timing.callback, usual));

	const json = { 'content-type': 'application/json' };

	test.each([
		['is announced with more than 64 kB', { 'content-length': '65537' }, 413],
		['has a Content-Encoding', { 'content-length': '100', 'content-encoding': 'gzip' }, 415],
		['has no signature', { 'content-length': '100', 'webhook-signature': '' }, 401],
	])('a callback that %s is refused before its body is sent', async (_name, headers, status) => {
		const receiver = await receive();
		const caller = await SlowCaller.call(receiver, { ...json, ...headersFor(''), ...headers }, '');
		expect(await caller.status()).toBe(status);
	});

	test('a body without a length is refused at its first byte beyond 64 kB', async () => {
		const receiver = await receive({ authentication: 'recheck' });
		const caller = await SlowCaller.call(receiver, { ...json, 'transfer-encoding': 'chunked' }, '');
		const kilobyte = `400\r\n${'x'.repeat(1024)}\r\n`;
		caller.send(kilobyte.repeat(64));
		expect(caller.answer).toBe('');
		caller.send('1\r\nx\r\n');
		expect(await caller.status()).toBe(413);
	});

	test('a body of 64 kB is read, whole or in pieces', async () => {
		const receiver = await receive({ authentication: 'recheck', downloadVideo: false });
		const padded = async () => {
			const body = payload(await seed(), { padding: '' });
			return body.replace('""', `"${'x'.repeat(64 * 1024 - body.length)}"`);
		};
		expect((await receiver.send(await padded())).status).toBe(200);
		const body = await padded();
		const head = { ...json, 'content-length': String(body.length), connection: 'close' };
		const caller = await SlowCaller.call(receiver, head, body.slice(0, 1));
		for (let at = 1; at < body.length; at += 10_000) {
			caller.send(body.slice(at, at + 10_000));
			await new Promise((next) => setImmediate(next));
		}
		expect(await caller.status()).toBe(200);
		expect(receiver.started).toHaveLength(2);
	});

	test('a body that does not arrive in time is refused with 408', async () => {
		timing.callback.bodyTimeout = 50;
		const receiver = await receive();
		const head = { ...json, ...headersFor(''), 'content-length': '100' };
		expect(await (await SlowCaller.call(receiver, head, '{')).status()).toBe(408);
	});

	test('a caller that hangs up in the middle of its body leaves nothing behind', async () => {
		timing.callback.bodyTimeout = 600_000;
		const receiver = await receive();
		const head = { ...json, ...headersFor(''), 'content-length': '100' };
		for (let n = 0; n < 3; n++) {
			const caller = await SlowCaller.call(receiver, head, '{');
			while (receiver.released.size <= n) await new Promise((next) => setTimeout(next, 5));
			caller.hangUp();
		}
		expect((await callBack(await seed(), receiver)).status).toBe(200);
	});

	test.each(['signature', 'recheck'])(
		'150 callers that send one byte hold no sandbox, at most 100 stay, and true ones are served (%s)',
		async (authentication) => {
			timing.callback.bodyTimeout = 600_000;
			const receiver = await receive({ authentication, downloadVideo: false });
			const head = { ...json, ...headersFor(''), 'content-length': '100' };
			const callers: SlowCaller[] = [];
			for (let n = 0; n < 150; n++) callers.push(await SlowCaller.call(receiver, head, '{'));
			while (receiver.released.size < 150) await new Promise((next) => setTimeout(next, 20));
			for (let n = 0; n < 20; n++) {
				expect((await callBack(await seed(), receiver)).status).toBe(200);
			}
			expect(receiver.started).toHaveLength(20);
			const early = callers.slice(0, 50);
			expect(await Promise.all(early.map(async (caller) => await caller.status()))).toEqual(
				early.map(() => 408),
			);
			for (const caller of callers) caller.hangUp();
		},
	);
});

describe('Query', () => {
	test('the query of the callback address is in the item, before and after the download', async () => {
		const receiver = await receive();
		const body = payload(await seed(), { status: 'FAILED', generated: [] });
		const query = '?job=17&tag=a&tag=b&empty=';
		expect((await receiver.send(body, headersFor(body), { query })).status).toBe(200);
		const expected = { job: '17', tag: ['a', 'b'], empty: '' };
		expect(receiver.started[0].data[0][0].json.query).toEqual(expected);
		expect((await receiver.started[0].run()).json[0].query).toEqual(expected);
	});

	test('without a query, the item has no such field', async () => {
		const receiver = await receive({ downloadVideo: false });
		await callBack(await seed(), receiver);
		expect((await receiver.started[0].run()).json[0]).not.toHaveProperty('query');
	});
});

describe('Other requests', () => {
	const big = Buffer.alloc(10 * 1024 * 1024, '{"task_id":"x",');
	const deep = '['.repeat(200_000);

	const bodies: Array<[string, string | Buffer | undefined]> = [
		['no body', undefined],
		['an empty body', ''],
		['10 MB', big],
		['half of a JSON text', '{"task_id":"x","status":'],
		['no JSON', 'task_id=x&status=COMPLETED'],
		['bytes', Buffer.from([0, 255, 254, 1, 2])],
		['an array', '[]'],
		['an array of callbacks', `[${payload('x')}]`],
		['a number', '7'],
		['a text', '"COMPLETED"'],
		['null', 'null'],
		['true', 'true'],
		['an empty object', '{}'],
		['brackets in brackets', deep],
		['prototype keys', '{"__proto__":{"task_id":"x","status":"COMPLETED","generated":[]}}'],
		['a constructor', '{"constructor":{"prototype":{"task_id":"x"}},"status":"COMPLETED"}'],
		['a numeric task id', payload('x', { task_id: 7 })],
		['a task id in an object', payload('x', { task_id: { $ne: null } })],
		['a task id in an array', payload('x', { task_id: ['x'] })],
		['no task id', payload('x', { task_id: undefined })],
		['no status', payload('x', { status: undefined })],
		['a status that is no text', payload('x', { status: 200 })],
		['an unknown status', payload('x', { status: 'ARCHIVED' })],
		['a status of the prototype', payload('x', { status: 'constructor' })],
		['links that are no list', payload('x', { generated: 'https://example.com' })],
		['links in an object', payload('x', { generated: { 0: 'https://example.com' } })],
		['an event that is no text', envelope('x', { type: ['task.succeeded'] })],
		['an envelope without data', envelope('x', { data: undefined })],
		['an envelope with a list for data', envelope('x', { data: [] })],
	];

	/** To Magnific these are events about something else. */
	const malformedEvents: typeof bodies = [
		['an envelope without an id', envelope('x', { id: undefined })],
		['an envelope with a number for id', envelope('x', { id: 7 })],
		[
			'an envelope without a payload',
			envelope('x', { data: { vendor: 'klingai', model_name: 'kling-v3-omni' } }),
		],
		[
			'a model that is no text',
			envelope('x', { data: { vendor: 7, model_name: {}, payload: { task_info: { id: 'x' } } } }),
		],
		['a task in an array', envelope('x', { data: { payload: { task_info: [{ id: 'x' }] } } })],
	];

	test.each([
		['magnific', 'signature'],
		['magnific', 'recheck'],
		['muleRouter', 'signature'],
		['muleRouter', 'recheck'],
	])(
		'a malformed body sent to %s (%s) gets 4xx and starts nothing',
		async (provider, authentication) => {
			const receiver = await receive({ provider, authentication });
			const secret = provider === 'magnific' ? SECRET : WHSEC;
			const wrong: unknown[] = [];
			const all = provider === 'muleRouter' ? [...bodies, ...malformedEvents] : bodies;
			for (const [name, body] of all) {
				// Once without a signature, and once by a caller who knows the secret.
				for (const headers of [{}, headersFor(body ?? '', { secret })]) {
					const { status } = await receiver.send(body, headers as Record<string, string>);
					if (status < 400 || status >= 500) wrong.push({ name, status });
				}
			}
			expect(wrong).toEqual([]);
			expect(receiver.started).toEqual([]);
			expect(receiver.database.staticData).toBe('{}');
			expect(({} as IDataObject).task_id).toBeUndefined();
			expect(await looks()).toEqual([]);
		},
	);

	test('an event of another kind sent to Magnific gets 200 and starts nothing', async () => {
		const receiver = await receive();
		const body = JSON.stringify({
			type: 'credits.low',
			timestamp: '2026-11-20',
			data: { left: 3 },
		});
		expect((await receiver.send(body, headersFor(body))).status).toBe(200);
		expect(receiver.started).toEqual([]);
	});

	test.each(['GET', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD'])(
		'a %s request is refused with 405',
		async (method) => {
			const receiver = await receive();
			const body = method === 'GET' || method === 'HEAD' ? undefined : payload('x');
			const { status, headers } = await receiver.send(body, headersFor(payload('x')), { method });
			expect(status).toBe(405);
			expect(headers.allow).toBe('POST');
			expect(receiver.started).toEqual([]);
		},
	);

	test.each([
		['a missing credential', {}],
		[
			'a Base URL that is no URL',
			{ magnificApi: { apiKey: 'k', baseUrl: 'nowhere', webhookSecret: '' } },
		],
		[
			'an empty API key',
			{ magnificApi: { apiKey: '', baseUrl: 'http://127.0.0.1:1', webhookSecret: '' } },
		],
	])('%s is explained in the log, and callbacks get 503', async (_name, credentials) => {
		const receiver = await receive(
			{ authentication: 'recheck' },
			{ credentials: credentials as never },
		);
		expect((await receiver.send(payload('x'))).status).toBe(503);
		expect(receiver.started).toEqual([]);
		expect(receiver.log[0]).toMatchObject({ level: 'warn' });
	});

	test('a refusal repeats nothing that the caller sent', async () => {
		const receiver = await receive();
		const marker = '<script>alert(1)</script>';
		const { text, headers } = await receiver.send(marker, { 'webhook-id': marker });
		expect(text).not.toContain('script');
		expect(headers['content-type']).toBe('application/json');
	});
});

describe('Description', () => {
	test('the node is a trigger with one URL, and no tool', () => {
		const description = descriptionOf(TRIGGER);
		expect(description).toMatchObject({ group: ['trigger'], inputs: [] });
		expect(description.webhooks).toEqual([
			expect.objectContaining({
				name: 'default',
				httpMethod: 'POST',
				responseMode: 'onReceived',
				path: 'webhook',
			}),
		]);
		expect(description.usableAsTool).toBeUndefined();
	});

	test('a notice says for each provider where the URL belongs', () => {
		const notices = descriptionOf(TRIGGER).properties.filter(({ type }) => type === 'notice');
		const told = (provider: string) =>
			notices.find(({ displayOptions }) => displayOptions?.show?.provider?.includes(provider))
				?.displayName;
		expect(told('magnific')).toContain('Webhook URL');
		expect(told('muleRouter')).toContain('task.succeeded and task.failed');
	});

	test('Authentication is Signature for Magnific and Ask API for MuleRouter, by default', () => {
		const defaults = descriptionOf(TRIGGER)
			.properties.filter(({ name }) => name === 'authentication')
			.map((property) => [property.displayOptions?.show?.provider, property.default]);
		expect(defaults).toEqual([
			[['magnific'], 'signature'],
			[['muleRouter'], 'recheck'],
		]);
	});
});
