import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Rule } from '../dev/emulator/client.mjs';
import { hurry, timing } from './engine/haste.mts';
import type { Verdict } from './engine/ledgerCheck.mts';
import { judge } from './engine/ledgerCheck.mts';
import { useBench } from './engine/setup.mts';
import { TYPED_SECRET, typedInputs } from './engine/typedInputs.mts';

/**
 * The fault matrix: every fault, at every action, with and without Retry On Fail and Continue On
 * Fail. Each run has other inputs, of those that look like answers; one after the other comes to each
 * fault. Whatever happens, no more is billed than there are items, every billed task is known, and
 * nothing that is shown or stored holds a secret.
 */

const bench = useBench();
beforeAll(() => {
	hurry();
	// These tests ask about bills and tasks: a file that cannot be had need not be tried for long.
	timing.download.patience = 100;
});

type Fault = Rule['fault'];
type Action = 'create' | 'status' | 'download';

const statuses = [
	302, 400, 401, 402, 403, 404, 408, 409, 410, 422, 423, 429, 451, 500, 502, 503, 504,
];
const ITEMS = 2;

/** What can go wrong with any answer. */
const anywhere: Array<[string, Fault]> = [
	...statuses.map((status): [string, Fault] => [`HTTP ${status}`, { kind: 'status', status }]),
	['429 with Retry-After', { kind: 'status', status: 429, headers: { 'retry-after': '0.03' } }],
	['400 that repeats the request', { kind: 'echo', status: 400 }],
	['500 that repeats the request', { kind: 'echo', status: 500 }],
	['HTML', { kind: 'html', status: 200 }],
	['empty', { kind: 'empty' }],
	['truncated', { kind: 'truncated' }],
	['malformed', { kind: 'malformed' }],
	['an array', { kind: 'wrong-json', body: [] }],
	['null', { kind: 'wrong-json', body: null }],
	['a number', { kind: 'wrong-json', body: 7 }],
	['reset', { kind: 'reset' }],
	['never answered', { kind: 'hang' }],
	['slow', { kind: 'slow', ms: 150 }],
];

/** The same at creation, when the task was made all the same. */
const afterTheTask: Array<[string, Fault]> = anywhere
	.filter(([name]) =>
		/50[024]|408|HTML|empty|truncated|malformed|array|null|number|reset|never/.test(name),
	)
	.map(([name, fault]) => [`${name}, task made`, { ...fault, makeTask: true }]);

const badTaskIds: Array<[string, Fault]> = [
	['no task ID', { kind: 'task-id', omit: true }],
	['task ID null', { kind: 'task-id', value: null }],
	['task ID empty', { kind: 'task-id', value: '' }],
	['task ID an object', { kind: 'task-id', value: { a: 1 } }],
	['task ID a path', { kind: 'task-id', value: '../../v1/other' }],
	['task ID endless', { kind: 'task-id', value: 'x'.repeat(5000) }],
];

const atStatus: Array<[string, Fault]> = [
	['an unknown status', { kind: 'task-status', providerStatus: 'PONDERING' }],
	['failed', { kind: 'task-status', providerStatus: 'FAILED' }],
	[
		'failed for a reason that repeats the link',
		{
			kind: 'task-status',
			providerStatus: 'FAILED',
			error: `Cannot fetch https://user:${TYPED_SECRET}@example.com/a.mp4?sig=${TYPED_SECRET}`,
		},
	],
	['no video', { kind: 'no-video' }],
	['a script for a link', { kind: 'bad-video-url', value: 'javascript:alert(1)' }],
	['a number for a link', { kind: 'bad-video-url', value: 7 }],
];

const atDownload: Array<[string, Fault]> = [
	['cut', { kind: 'cut', atBytes: 10_000 }],
	['stalled', { kind: 'stall', atBytes: 10_000 }],
	['no video', { kind: 'not-video', contentType: 'text/plain', body: 'sorry' }],
	['wrong length', { kind: 'wrong-length', delta: 500 }],
	['redirected', { kind: 'redirect', location: 'other-origin' }],
];

const faults: Record<Action, Array<[string, Fault]>> = {
	create: [...anywhere, ...afterTheTask, ...badTaskIds],
	status: [...anywhere, ...atStatus],
	download: [...anywhere.filter(([name]) => !/array|null|number/.test(name)), ...atDownload],
};

const cells = [
	{ name: 'plain', settings: {} },
	{ name: 'retry', settings: { retryOnFail: true, maxTries: 3, waitBetweenTries: 1 } },
	{ name: 'continue', settings: { onError: 'continueRegularOutput' as const } },
	{
		name: 'both',
		settings: {
			retryOnFail: true,
			maxTries: 3,
			waitBetweenTries: 1,
			onError: 'continueErrorOutput' as const,
		},
	},
];

const table: string[] = [];

function line(action: string, name: string, verdicts: Verdict[]): string {
	const figures = verdicts.map(
		({ billed, known, requests }) => `${billed}/${known}/${String(requests).padEnd(3)}`,
	);
	return `${action.padEnd(9)} ${name.padEnd(34)} ${figures.map((text) => text.padEnd(9)).join(' ')}`;
}

/** Steps through the inputs from run to run, so that each fault meets others in each of its cells. */
let runs = 0;

/** n8n itself puts the input items onto the error output: the texts come from elsewhere. */
const variables = Object.fromEntries(
	typedInputs.flatMap(({ prompt, query }, n) => [
		[`prompt${n}`, prompt],
		[`query${n}`, query],
	]),
);

async function cell(rule: Rule, settings: object, provider: 'magnific' | 'muleRouter') {
	await bench.emulator.reset({ taskSeconds: 0.02 });
	await bench.emulator.fault(rule);
	const result = await bench.generate(
		{
			provider,
			...(provider === 'muleRouter' ? { endpoint: 'videoEdit' } : {}),
			prompt: '={{ $vars["prompt" + $json.typed] }}',
			videoUrl: `=${bench.emulator.referenceUrl}?{{ $vars["query" + $json.typed] }}`,
			options: { waitLimit: 0.008 },
		},
		{
			input: Array.from({ length: ITEMS }, () => ({ typed: runs++ % typedInputs.length })),
			settings,
			variables,
		},
	);
	return judge(result, await bench.emulator.state(), ITEMS, provider === 'magnific');
}

async function row(
	action: Action,
	name: string,
	fault: Fault,
	times: number,
	provider: 'magnific' | 'muleRouter' = 'magnific',
) {
	const verdicts: Verdict[] = [];
	for (const { settings } of cells) {
		verdicts.push(await cell({ match: { action }, times, fault }, settings, provider));
	}
	table.push(line(`${action}${provider === 'magnific' ? '' : ' (M)'}`, name, verdicts));
	expect(
		verdicts.flatMap(({ broken }, n) => broken.map((what) => `${cells[n].name}: ${what}`)),
	).toEqual([]);
}

describe.each(Object.keys(faults) as Action[])('at %s', (action) => {
	test.each(faults[action])('once: %s', async (name, fault) => await row(action, name, fault, 1));

	test.each(faults[action])('always: %s', async (name, fault) => {
		await row(action, `${name} (always)`, fault, -1);
	});
});

describe('at create, with a provider that has no list', () => {
	test.each([...afterTheTask, ...badTaskIds])('%s', async (name, fault) => {
		await row('create', name, fault, 1, 'muleRouter');
	});
});

describe('an API that refuses connections', () => {
	test.each([
		['for a moment', 100],
		['for longer than anyone waits', 2500],
	])('%s', async (name, ms) => {
		const verdicts: Verdict[] = [];
		for (const { settings } of cells) {
			await bench.emulator.reset({ taskSeconds: 0.02 });
			await bench.emulator.control('POST', '/refuse', { ms });
			const result = await bench.generate(
				{
					prompt: '@Video1',
					videoUrl: bench.emulator.referenceUrl,
					options: { waitLimit: 0.008 },
				},
				{ input: [{}, {}], settings },
			);
			verdicts.push(judge(result, await bench.emulator.state(), ITEMS));
			await new Promise((resolve) => setTimeout(resolve, ms > 1000 ? ms : 0));
		}
		table.push(line('all', `refused ${name}`, verdicts));
		expect(verdicts.flatMap(({ broken }) => broken)).toEqual([]);
	});
});

afterAll(() => {
	process.stdout.write(
		[
			'',
			`The fault matrix: ${table.length * cells.length} runs of ${ITEMS} items, ${typedInputs.length} kinds of inputs; billed tasks / of these known to the user / requests.`,
			`${''.padEnd(44)} ${cells.map(({ name }) => name.padEnd(9)).join(' ')}`,
			...table,
			'',
		].join('\n'),
	);
});
