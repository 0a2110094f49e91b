import { createHash, createHmac } from 'node:crypto';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { IDataObject, INodeParameters } from 'n8n-workflow';
import { anotherProcess } from './engine/anotherProcess.mts';
import { Credentials, descriptionOf, stored, TRIGGER } from './engine/engine.mts';
import { hurry, timing } from './engine/haste.mts';
import { keys, useBench } from './engine/setup.mts';
import type { ReceiverOptions } from './engine/webhook.mts';
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

/** A task that nobody paid for, at the emulator. */
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

/** What the node has asked the API. */
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

describe('a signed callback', () => {
	test('of Magnific starts a workflow with the documented item and the file', async () => {
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

	test('is answered at once, however long the video takes', async () => {
		await bench.emulator.set({ resultBytes: 300_000 });
		await bench.emulator.fault({
			match: { action: 'download' },
			fault: { kind: 'trickle', bytesPerSecond: 200_000 },
		});
		const receiver = await receive();
		const taskId = await seed();
		const begun = Date.now();
		expect((await callBack(taskId, receiver)).status).toBe(200);
		expect(Date.now() - begun).toBeLessThan(1_000);
		expect((await bench.emulator.state()).requests).toEqual([]);
		const { items, milliseconds } = await receiver.started[0].run();
		expect(milliseconds).toBeGreaterThan(1_000);
		expect(await stored(items[0])).toHaveLength(300_000);
	});

	test('leaves the video at the provider when it is not wanted, and names the field when it is', async () => {
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

	test('whose video cannot be had still brings the task, and says why', async () => {
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

	test('with an expired link gets a fresh one', async () => {
		const receiver = await receive();
		const taskId = await seed();
		await callBack(taskId, receiver);
		await bench.emulator.control('POST', `/tasks/${taskId}/expire-link`);
		const { items, json } = await receiver.started[0].run();
		expect(items[0].binary?.data).toBeDefined();
		expect(json[0].videoUrl).not.toBe(receiver.started[0].data[0][0].json.videoUrl);
		expect(json[0].dedupeKey).toBe(`magnific:${taskId}:completed`);
	});

	test('that says completed and gives no link is looked up', async () => {
		const receiver = await receive();
		const taskId = await seed();
		await callBack(taskId, receiver, {
			body: { task_id: taskId, status: 'COMPLETED', generated: [] },
		});
		expect(receiver.started[0].data[0][0].json.videoUrl).toContain(taskId);
	});

	test('that says completed starts as failed where the task never gets a link', async () => {
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
		'that says %s starts as failed, with the reason',
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

	test.each([1, 1.1])('is read whatever it calls itself, by version %d', async (typeVersion) => {
		const receiver = await receive({ downloadVideo: false }, { typeVersion });
		const types = ['application/json; charset=utf-8', 'text/plain', 'application/octet-stream', ''];
		for (const [n, type] of types.entries()) {
			const body = payload(`task-${n}`);
			const sent = await receiver.send(body, { ...headersFor(body), 'content-type': type });
			expect({ type, status: sent.status }).toEqual({ type, status: 200 });
		}
		const form = '--x\r\ncontent-disposition: form-data; name="a"\r\n\r\nb\r\n--x--';
		const multipart = { 'content-type': 'multipart/form-data; boundary=x' };
		expect((await receiver.send(form, { ...headersFor(form), ...multipart })).status).toBe(400);
		expect(receiver.started).toHaveLength(types.length);
	});

	test('is verified over the bytes as they came, not over what they mean', async () => {
		const receiver = await receive({ downloadVideo: false });
		const body = `{ "generated" : ["https:\\/\\/example.com\\/ü.mp4"],\n"status":"COMPLETED","task_id": "spaced" }`;
		expect((await receiver.send(body, headersFor(body))).status).toBe(200);
		expect(receiver.started[0].data[0][0].json).toMatchObject({
			taskId: 'spaced',
			videoUrl: 'https://example.com/ü.mp4',
		});
		const same = JSON.stringify(JSON.parse(body));
		expect((await receiver.send(same, headersFor(body))).status).toBe(401);
	});

	test.each([
		[
			'of an older key in the list',
			(body: string) => {
				const headers = headersFor(body);
				const other = headersFor(body, { secret: 'old' })['webhook-signature'];
				return { ...headers, 'webhook-signature': `${other} ${headers['webhook-signature']}` };
			},
		],
		['in milliseconds', (body: string) => headersFor(body, { timestamp: String(Date.now()) })],
	])('%s is accepted', async (_name, sign) => {
		const receiver = await receive();
		const body = payload('some-task');
		expect((await receiver.send(body, sign(body))).status).toBe(200);
		expect(receiver.started).toHaveLength(1);
	});

	test('under a Base64 secret is accepted with either key', async () => {
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
		['six minutes old', { timestamp: Math.floor(Date.now() / 1000) - 360 }],
		['six minutes ahead', { timestamp: Math.floor(Date.now() / 1000) + 360 }],
	])('%s is refused', async (_name, forged) => {
		const receiver = await receive();
		const receipt = await callBack(await seed(), receiver, forged);
		expect(receipt.status).toBe(401);
		expect(receiver.started).toEqual([]);
		expect(receipt.answer + JSON.stringify(receiver.log)).not.toContain(SECRET);
	});

	test('with the wrong secret is explained in the log, once', async () => {
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

	test('is read once for callbacks of the same moment', async () => {
		const receiver = await receive({ downloadVideo: false });
		const statuses = await Promise.all(
			Array.from({ length: 10 }, async () => await sendSigned(receiver)),
		);
		expect(statuses).toEqual(Array(10).fill(200));
		expect(readings).toBeLessThanOrEqual(2);
	});

	test('whose reading never ends holds up no later callback', async () => {
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

	test('is read anew for the next one: a secret that was withdrawn holds no longer', async () => {
		const receiver = await receive({ downloadVideo: false });
		expect(await sendSigned(receiver)).toBe(200);
		bench.credentials.magnificApi.webhookSecret = 'a new one';
		expect(await sendSigned(receiver)).toBe(401);
	});
});

describe('without a Webhook Secret', () => {
	test.each(['magnific', 'muleRouter'])(
		'every signed callback of %s is refused with 503, and the log says what to do',
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

	test('listening for a test event says so in the editor, and a workflow can be active all the same', async () => {
		bench.credentials.magnificApi.webhookSecret = '';
		const receiver = await receive();
		await expect(receiver.activate('manual')).rejects.toThrow('Enter the secret');
		expect(await receiver.activate('init')).toBe(true);
		expect(await (await receive({ authentication: 'recheck' })).activate('manual')).toBe(true);
		bench.credentials.magnificApi.webhookSecret = SECRET;
		expect(await receiver.activate('manual')).toBe(true);
	});
});

describe('events', () => {
	test.each([
		[
			['completed', 'failed'],
			['completed', 'failed'],
		],
		[['running'], ['running']],
		[['failed'], ['failed']],
		[[], []],
	])('chosen as %j start %j', async (events, expected) => {
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

	test('of a failed task come as what they are', async () => {
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

	test('of a task that Generate has submitted start one execution in all', async () => {
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

describe('asking the API', () => {
	const parameters = { authentication: 'recheck' };

	test('believes only the answer, whatever the callback says', async () => {
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

	test('refuses what the API does not confirm, and is there when it comes true', async () => {
		const receiver = await receive(parameters);
		const taskId = await seed({ status: undefined, taskSeconds: 600 });
		expect((await receiver.send(payload(taskId))).status).toBe(409);
		expect(receiver.started).toEqual([]);
		await bench.emulator.control('POST', `/tasks/${taskId}/complete`);
		expect((await receiver.send(payload(taskId))).status).toBe(200);
		expect(receiver.started).toHaveLength(1);
	});

	test('waits a moment for an API that lags behind its own callback', async () => {
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

	test('waits a moment for a link that lags behind, and no longer', async () => {
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

	test('costs one request for an unknown task, however often and however many at once', async () => {
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

	test('has a limit of fruitless requests in a minute', async () => {
		const receiver = await receive(parameters);
		const replies = await Promise.all(
			Array.from({ length: 200 }, async (_, n) => await receiver.send(payload(`unknown-${n}`))),
		);
		const count = (status: number) => replies.filter((reply) => reply.status === status).length;
		const atOnce = 10;
		expect(count(404)).toBeGreaterThanOrEqual(timing.verify.maxUnconfirmed);
		expect(count(404)).toBeLessThan(timing.verify.maxUnconfirmed + atOnce);
		expect(count(429)).toBe(200 - count(404));
		expect(replies.find(({ status }) => status === 429)?.headers['retry-after']).toBe('60');
		expect(await looks()).toHaveLength(count(404));
		expect(receiver.log.filter(({ level }) => level === 'warn')).toHaveLength(1);
	});

	test('does not count true callbacks: of 200 at once each starts its execution', async () => {
		// What is counted are requests, not the patience of a busy machine with them.
		timing.http.readTimeout = 30_000;
		const receiver = await receive(parameters);
		const ids = await Promise.all(Array.from({ length: 200 }, async () => await seed()));
		const replies = await Promise.all(ids.map(async (id) => await receiver.send(payload(id))));
		expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200]));
		expect(receiver.started.map(({ data }) => data[0][0].json.taskId).sort()).toEqual(ids.sort());
		expect(await looks()).toHaveLength(200);
		const slowest = Math.max(...replies.map(({ milliseconds }) => milliseconds));
		process.stdout.write(`200 callbacks rechecked at once: the last answered in ${slowest} ms\n`);
		hurry();
	});

	test.each(['../list', 'a/b', 'a?b', 'a b', '', '..', 'x'.repeat(200), '%2e%2e', 'ü'])(
		'does not ask for "%s", which is no id',
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
		'while the API %s refuses with 503, and a later callback starts',
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

	test('is not done for events that nobody asked for', async () => {
		const receiver = await receive(parameters);
		expect((await receiver.send(payload(await seed(), { status: 'IN_PROGRESS' }))).status).toBe(
			200,
		);
		expect(await looks()).toEqual([]);
	});

	test('starts nothing where the answer is an event that nobody asked for', async () => {
		const receiver = await receive({ ...parameters, events: ['completed'] });
		expect((await receiver.send(payload(await seed({ status: 'failed' })))).status).toBe(200);
		expect(await looks()).toHaveLength(1);
		expect(receiver.started).toEqual([]);
	});

	test('is not done again for news that are known', async () => {
		const receiver = await receive(parameters);
		const taskId = await seed();
		for (let n = 0; n < 3; n++) await callBack(taskId, receiver);
		expect(await looks()).toHaveLength(1);
	});

	test('takes the status from the answer: early news of a finished task are news of its end', async () => {
		const receiver = await receive({ ...parameters, events: ['completed', 'running'] });
		const taskId = await seed();
		await receiver.send(payload(taskId, { status: 'IN_PROGRESS' }));
		await receiver.send(payload(taskId));
		expect(receiver.started.map(({ data }) => data[0][0].json.status)).toEqual(['completed']);
	});
});

describe('a callback of MuleRouter', () => {
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
	])('about a task of %s is looked up until it is found', async (endpoint, path, requests) => {
		const receiver = await receive(parameters);
		const taskId = await seed({ ...parameters, endpoint: path });
		expect((await send(taskId, receiver, { headers: { 'webhook-signature': null } })).status).toBe(
			200,
		);
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
	});

	test('is looked up first where its model names the endpoint', async () => {
		const receiver = await receive(parameters);
		const taskId = await seed({ ...parameters, endpoint: EDIT });
		const named = JSON.parse(envelope(taskId)) as { data: IDataObject };
		named.data.model_name = 'kling-v3-omni/video-to-video/edit';
		expect((await receiver.send(JSON.stringify(named))).status).toBe(200);
		expect(await looks()).toHaveLength(1);
	});

	test('about a failed task brings the reason', async () => {
		const receiver = await receive(parameters);
		const taskId = await seed({ ...parameters, status: 'failed', reason: 'unsafe', code: 1301 });
		await send(taskId, receiver);
		const { json } = await receiver.started[0].run();
		expect(json[0]).toMatchObject({
			status: 'failed',
			failure: { reason: 'unsafe', code: '1301' },
		});
	});

	test('with a signature is looked up as well, and without a good one is not', async () => {
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
	])('about %s is passed over', async (_name, model) => {
		const receiver = await receive(parameters);
		const other = JSON.parse(envelope(await seed(parameters))) as { data: IDataObject };
		Object.assign(other.data, model);
		expect((await receiver.send(JSON.stringify(other))).status).toBe(200);
		expect(receiver.started).toEqual([]);
		expect(await looks()).toEqual([]);
	});

	test('about an unknown task costs each endpoint one request', async () => {
		const receiver = await receive(parameters);
		for (let n = 0; n < 3; n++) {
			expect((await receiver.send(envelope('unknown'))).status).toBe(404);
		}
		expect(await looks()).toHaveLength(3);
	});

	test('starts one execution, however often it comes', async () => {
		const receiver = await receive(parameters);
		const taskId = await seed(parameters);
		const again = { webhookId: 'evt_same' };
		expect((await send(taskId, receiver, again)).status).toBe(200);
		expect((await send(taskId, receiver, again)).status).toBe(200);
		expect((await send(taskId, receiver)).status).toBe(200);
		// The id of an envelope is used up, whatever else it holds.
		expect((await send(await seed(parameters), receiver, again)).status).toBe(200);
		expect(receiver.started).toHaveLength(1);
	});
});

describe('the same news', () => {
	test('start one execution: the same message', async () => {
		const receiver = await receive();
		const taskId = await seed();
		for (let n = 0; n < 3; n++) {
			expect((await callBack(taskId, receiver, { webhookId: 'msg_1' })).status).toBe(200);
		}
		expect(receiver.started).toHaveLength(1);
	});

	test('start one execution: another message about the same status', async () => {
		const receiver = await receive();
		const taskId = await seed();
		for (let n = 0; n < 3; n++) await callBack(taskId, receiver);
		expect(receiver.started).toHaveLength(1);
	});

	test.each(['signature', 'recheck'])(
		'start one execution: twenty in the same instant, told by %s',
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

	test('start an execution at each new status', async () => {
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

	test('are news again when n8n could not start an execution', async () => {
		const receiver = await receive();
		const taskId = await seed();
		receiver.isDown = true;
		expect((await callBack(taskId, receiver, { webhookId: 'msg_1' })).status).toBe(500);
		expect(receiver.started).toEqual([]);
		receiver.isDown = false;
		expect((await callBack(taskId, receiver, { webhookId: 'msg_1' })).status).toBe(200);
		expect(receiver.started).toHaveLength(1);
	});

	test('are known to a process that was started later', async () => {
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

	test('carry the same dedupeKey from two processes in the same instant', async () => {
		const shared = { workflowId: 'two', database: { staticData: '{}' } };
		const one = await receive({}, shared);
		const other = await receive({}, { ...shared, nodeType: anotherProcess('KlingV2vTrigger') });
		const taskId = await seed();
		await Promise.all([callBack(taskId, one), callBack(taskId, other)]);
		const all = [...one.started, ...other.started];
		expect(all.length).toBeGreaterThanOrEqual(1);
		expect(new Set(all.map(({ data }) => data[0][0].json.dedupeKey)).size).toBe(1);
	});

	test('reach every workflow that listens', async () => {
		const receivers = [await receive(), await receive()];
		const taskId = await seed();
		for (const receiver of receivers) await callBack(taskId, receiver);
		expect(receivers.map(({ started }) => started.length)).toEqual([1, 1]);
	});

	test('start each time while somebody tries the workflow out in the editor', async () => {
		const receiver = await receive({}, { mode: 'manual' });
		const taskId = await seed();
		for (let n = 0; n < 2; n++) await callBack(taskId, receiver, { webhookId: 'msg_1' });
		expect(receiver.started).toHaveLength(2);
		expect(receiver.database.staticData).toBe('{}');
	});

	test('are remembered in bounded space, the latest ones longest', async () => {
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

describe('anything else', () => {
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
		['an unknown event', envelope('x', { type: 'task.exploded' })],
		['an event of the prototype', envelope('x', { type: '__proto__' })],
		['an event that is no text', envelope('x', { type: ['task.succeeded'] })],
		['an envelope without an id', envelope('x', { id: undefined })],
		['an envelope with a number for id', envelope('x', { id: 7 })],
		['an envelope without data', envelope('x', { data: undefined })],
		['an envelope with a list for data', envelope('x', { data: [] })],
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
	])('sent to %s with %s gets 4xx and starts nothing', async (provider, authentication) => {
		const receiver = await receive({ provider, authentication });
		const secret = provider === 'magnific' ? SECRET : WHSEC;
		const wrong: unknown[] = [];
		for (const [name, body] of bodies) {
			// Each as somebody would send it who knows the secret, and as anybody would.
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
	});

	test('of 10 MB is refused for its size, before anything reads it', async () => {
		const receiver = await receive({ authentication: 'recheck' });
		const valid = payload(await seed(), { padding: 'x'.repeat(10 * 1024 * 1024) });
		expect((await receiver.send(valid)).status).toBe(413);
		expect(receiver.started).toEqual([]);
	});

	test.each(['GET', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD'])(
		'sent with %s is refused',
		async (method) => {
			const receiver = await receive();
			const body = method === 'GET' || method === 'HEAD' ? undefined : payload('x');
			const { status, headers } = await receiver.send(body, headersFor(payload('x')), method);
			expect(status).toBe(405);
			expect(headers.allow).toBe('POST');
			expect(receiver.started).toEqual([]);
		},
	);

	test.each([
		['a credential that nobody has chosen', {}],
		[
			'a Base URL that is none',
			{ magnificApi: { apiKey: 'k', baseUrl: 'nowhere', webhookSecret: '' } },
		],
		[
			'no API key',
			{ magnificApi: { apiKey: '', baseUrl: 'http://127.0.0.1:1', webhookSecret: '' } },
		],
	])('wrong here, as %s, is told in the log and refused with 503', async (_name, credentials) => {
		const receiver = await receive(
			{ authentication: 'recheck' },
			{ credentials: credentials as never },
		);
		expect((await receiver.send(payload('x'))).status).toBe(503);
		expect(receiver.started).toEqual([]);
		expect(receiver.log[0]).toMatchObject({ level: 'warn' });
	});

	test('does not make a refusal say more than it must', async () => {
		const receiver = await receive();
		const marker = '<script>alert(1)</script>';
		const { text, headers } = await receiver.send(marker, { 'webhook-id': marker });
		expect(text).not.toContain('script');
		expect(headers['content-type']).toBe('application/json');
	});
});

describe('the node', () => {
	test('is a trigger with one URL, and no tool', () => {
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

	test('says for each provider where its URL belongs', () => {
		const notices = descriptionOf(TRIGGER).properties.filter(({ type }) => type === 'notice');
		const told = (provider: string) =>
			notices.find(({ displayOptions }) => displayOptions?.show?.provider?.includes(provider))
				?.displayName;
		expect(told('magnific')).toContain('Webhook URL');
		expect(told('muleRouter')).toContain('task.succeeded and task.failed');
	});

	test('asks for a signature from Magnific, and asks the API about MuleRouter, unless told otherwise', () => {
		const defaults = descriptionOf(TRIGGER)
			.properties.filter(({ name }) => name === 'authentication')
			.map((property) => [property.displayOptions?.show?.provider, property.default]);
		expect(defaults).toEqual([
			[['magnific'], 'signature'],
			[['muleRouter'], 'recheck'],
		]);
	});
});
