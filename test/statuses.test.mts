import { readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import type { IDataObject } from 'n8n-workflow';
import { built, hurry } from './engine/haste.mts';
import { useBench } from './engine/setup.mts';

const { providers } =
	built<typeof import('../nodes/shared/providers/index.ts')>('shared/providers/index');

/** An answer as it stands in documentation, tests and clients of the providers. */
interface Recorded {
	provider: 'magnific' | 'muleRouter' | 'kling';
	answers: 'create' | 'status' | 'callback';
	http: number;
	source: string;
	body: unknown;
}

const recorded = readFileSync(
	path.join(process.cwd(), 'test/fixtures/providerAnswers.jsonl'),
	'utf8',
)
	.split('\n')
	.filter(Boolean)
	.map((line) => JSON.parse(line) as Recorded);

const ID = '046b6c7f-0b8a-43b9-b35d-6489e6daee91';
const MULE_ID = '8e1e315e-b50d-4334-a231-be7d19a372f4';
const LINK = 'https://cdn.example/a.mp4';

/** Every recorded answer in its order: what is to be read of it. */
const EXPECTED: unknown[] = [
	{ taskId: ID, status: 'pending', videoUrls: [] },
	{ taskId: ID, status: 'pending', videoUrls: [] },
	{ taskId: ID, status: 'running', providerStatus: 'IN_PROGRESS' },
	{
		status: 'completed',
		videoUrls: [
			'https://cdn.example/result_VIDEO.mp4?token=exp=1751007773~hmac=0000000000000000&size=stable',
		],
	},
	{ status: 'completed', videoUrls: [LINK], failure: undefined },
	{ status: 'failed', failure: { reason: 'content policy' } },
	{ taskId: ID, status: 'completed', providerStatus: 'completed', videoUrls: [LINK] },
	{ status: 'completed', videoUrls: [], failure: undefined },
	{ taskId: ID, status: 'pending' },
	{ status: 'completed', videoUrls: [LINK] },
	{ reason: 'Forbidden' },
	{ reason: expect.stringContaining('limit of the free trial usage') },
	{
		reason: "Your request parameters didn't validate.",
		fields: [{ name: 'page', reason: "Parameter 'page' must be greater than 0" }],
	},
	{ reason: undefined },
	{
		taskId: '01a0580a-4585-70e2-8000-000000000000',
		status: 'pending',
		createdAt: '2026-09-03T12:38:06.544167Z',
	},
	{ taskId: 'new-task-1', status: 'pending' },
	undefined,
	{
		status: 'failed',
		failure: { code: '3001', reason: 'The prompt contains prohibited content' },
	},
	{
		status: 'failed',
		failure: { code: '3003', reason: 'The prompt contains prohibited content' },
	},
	{ status: 'completed', videoUrls: ['https://cdn.example/public/x/result_000.mp4'] },
	{
		status: 'completed',
		videoUrls: ['https://cdn.example/router_public/production/ephemeral/x/result_00.mp4'],
	},
	{ reason: 'Not Found' },
	'foreign',
	{ status: 'failed', failure: { reason: 'Image pixel is invalid' } },
	{ code: '1303', reason: 'parallel task over resource pack limit' },
];

describe('recorded answers of the providers', () => {
	test('each have an expectation', () => {
		expect(recorded).toHaveLength(EXPECTED.length);
	});

	test.each(
		recorded.map((answer, index) => [
			`${index + 1}: ${answer.provider}, ${answer.answers}, HTTP ${answer.http}`,
			answer,
			EXPECTED[index],
		]),
	)('%s is read as what it is', (_name, answer, expected) => {
		const seen = readAs(answer as Recorded);
		if (typeof expected !== 'object') expect(seen).toBe(expected);
		else expect({ failure: undefined, ...(seen as object) }).toMatchObject(expected as IDataObject);
	});
});

/** Kling's own answers are read as they come through Magnific, whose shape they share. */
function readAs({ provider: name, answers, http, body }: Recorded) {
	const provider = providers[name === 'kling' ? 'magnific' : name];
	if (http >= 400) return provider.readProblem(body);
	const [endpoint] = provider.endpoints;
	if (answers === 'create') return provider.readCreated(endpoint, body);
	if (answers === 'callback') return provider.readCallback(body);
	const taskId = name === 'kling' ? '833446756' : name === 'magnific' ? ID : MULE_ID;
	return provider.readTask({ provider: provider.name, endpoint, taskId }, body);
}

const ENDINGS: Array<[string, string]> = [
	['cancelled', 'was cancelled'],
	['CANCELED', 'was cancelled'],
	['expired', 'expired'],
	['REJECTED', 'was rejected'],
	['timeout', 'timed out'],
	['timed out', 'timed out'],
	['TIMED_OUT', 'timed out'],
	['aborted', 'was aborted'],
];

describe.each(['magnific', 'muleRouter'] as const)('a status answer of %s', (name) => {
	const provider = providers[name];
	const ref = { provider: name, endpoint: provider.endpoints[0], taskId: ID };
	const read = (task: IDataObject, around: IDataObject = {}) =>
		provider.readTask(
			ref,
			name === 'magnific' ? { ...around, data: task } : { ...around, task_info: task },
		);

	test.each(ENDINGS)('that says "%s" is a failed task, and says why', (status, reason) => {
		expect(read({ status })).toMatchObject({
			status: 'failed',
			providerStatus: status,
			failure: { reason: expect.stringContaining(reason) },
		});
	});

	test.each(['paused', 'errorless', 'moderating', 'stalled'])(
		'with the unknown word "%s" is a task at work',
		(status) => expect(read({ status })).toMatchObject({ status: 'running' }),
	);

	test.each([
		'error',
		'task_status_msg',
		'fail_reason',
		'failure_reason',
		'status_msg',
		'message',
		'detail',
		'title',
		'error_message',
		'error_msg',
		'msg',
		'reason',
	])('has its reason found in %s', (field) => {
		expect(read({ status: 'failed', [field]: 'too dark' })?.failure).toEqual({
			reason: 'too dark',
		});
		expect(read({ status: 'failed' }, { [field]: 'too dark' })?.failure).toEqual({
			reason: 'too dark',
		});
	});

	test.each([
		['a text', 'too dark'],
		['an object with a message', { message: 'too dark' }],
		['an object with a detail', { title: 'Error', detail: 'too dark' }],
		['a list', ['too dark']],
	])('has its reason found in an error that is %s', (_kind, error) => {
		expect(read({ status: 'failed', error })?.failure).toEqual({ reason: 'too dark' });
	});

	test('has its code read from error_code before any other code', () => {
		const error = { code: 400, detail: 'too dark' };
		const failure = { code: '3003', reason: 'too dark' };
		expect(read({ status: 'failed', error }, { error_code: 3003 })?.failure).toEqual(failure);
		expect(read({ status: 'failed', error, error_code: 3003 })?.failure).toEqual(failure);
		expect(read({ status: 'failed', error })?.failure).toEqual({ ...failure, code: '400' });
	});

	test('with a code alone has that for a reason', () => {
		expect(read({ status: 'failed', error_code: 3003 })?.failure).toEqual({
			code: '3003',
			reason: 'error code 3003',
		});
	});

	test('does not take what an answer says of itself for the reason', () => {
		expect(read({ status: 'failed' }, { code: 0, message: 'SUCCEED' })?.failure).toEqual({
			reason: `${provider.label} gave no reason`,
		});
	});

	test('has a reason of megabytes cut to what can be shown', () => {
		const failure = read({ status: 'failed', error: 'x'.repeat(5_000_000) })?.failure;
		expect(failure?.reason).toHaveLength(500);
	});
});

const bench = useBench();
beforeAll(hurry);

const SPECS = {
	magnific: { provider: 'magnific' },
	muleRouter: { provider: 'muleRouter', endpoint: 'videoEdit' },
};

describe.each(['magnific', 'muleRouter'] as const)('a task of %s', (name) => {
	const seed = async () => {
		const { taskId } = (await bench.emulator.control('POST', '/tasks', {
			provider: name,
			status: 'completed',
			...(name === 'muleRouter' && {
				endpoint: '/vendors/klingai/v1/kling-v3-omni/video-to-video/edit',
			}),
		})) as { taskId: string };
		return taskId;
	};
	const everyStatusSays = async (fault: { kind: string } & Record<string, unknown>) =>
		await bench.emulator.fault({ match: { action: 'status' }, times: -1, fault });

	test.each(ENDINGS)('that ends as "%s" fails in Generate', async (providerStatus, reason) => {
		await everyStatusSays({ kind: 'task-status', providerStatus });
		const { error } = await bench.generate({
			...SPECS[name],
			prompt: '@Video1',
			videoUrl: bench.emulator.referenceUrl,
		});
		expect(error?.message).toContain(`${providers[name].label} could not make the video`);
		expect(error?.message).toContain(reason);
		expect(error?.context.details).toMatchObject({ status: 'failed', retryable: false });
		expect((await bench.emulator.state()).billed.total).toBe(1);
	});

	test.each(['get', 'wait'])(
		'that is completed and never gets a link is failed for the operation %s, and in its routing',
		async (operation) => {
			const taskId = await seed();
			await everyStatusSays({ kind: 'no-video' });
			const { outputs } = await bench.status({
				...SPECS[name],
				operation,
				taskId,
				routeByStatus: true,
			});
			expect(outputs.map(({ length }) => length)).toEqual([0, 0, 1]);
			expect(outputs[2][0].json).toMatchObject({
				status: 'failed',
				providerStatus: expect.stringMatching(/completed/i),
				failure: { reason: expect.stringContaining('has no link to a video') },
			});
		},
	);

	test('that is completed and never gets a link is an error of the operation Download', async () => {
		const taskId = await seed();
		await everyStatusSays({ kind: 'no-video' });
		const { error } = await bench.status({ ...SPECS[name], operation: 'download', taskId });
		expect(error?.message).toContain('has no link to a video');
		expect(error?.context.details).toMatchObject({ taskId, status: 'failed' });
	});

	test('that fails without a reason leads to advice about the link', async () => {
		await everyStatusSays({ kind: 'task-status', providerStatus: 'failed' });
		const { error } = await bench.generate({
			...SPECS[name],
			prompt: '@Video1',
			videoUrl: bench.emulator.referenceUrl,
		});
		expect(error?.message).toContain('gave no reason');
		expect(error?.description).toContain('could perhaps not fetch the link: hand the file over');
	});
});

test('A task of Magnific without a link names the safety filter, unless the answer says more', async () => {
	const generate = async (task: IDataObject) => {
		await bench.emulator.reset();
		await bench.emulator.fault({
			match: { action: 'status' },
			times: -1,
			fault: { kind: 'wrong-json', status: 200, body: { data: task } },
		});
		const videoUrl = bench.emulator.referenceUrl;
		return (await bench.generate({ prompt: '@Video1', videoUrl })).error?.message;
	};
	const silent = { status: 'COMPLETED', generated: [] };
	expect(await generate(silent)).toContain('typically the safety filter');
	const outspoken = await generate({ ...silent, error: { message: 'nudity' } });
	expect(outspoken).toContain('Magnific could not make the video: nudity');
});
