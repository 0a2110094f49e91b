import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { IDataObject, INodeParameters, INodeProperties } from 'n8n-workflow';
import type { EmulatorClient } from '../dev/emulator/client.mjs';
import { startEmulator } from '../dev/emulator/client.mjs';
import type { Result, RunOptions } from './engine/engine.mts';
import {
	credentialType,
	descriptionOf,
	execute,
	GENERATE,
	loadPackage,
	node,
	nodeTypes,
	STATUS,
	TRIGGER,
} from './engine/engine.mts';
import { WaitingServer } from './engine/waiting.mts';
import { Receiver } from './engine/webhook.mts';
import type { Build } from './thirdProvider/build.mts';
import { buildWithThirdProvider, filesBelow } from './thirdProvider/build.mts';

/** A provider is one folder, one credential and two lines: here is one more, in a copy of the sources. */

const SECRET = 'emulator-webhook-secret';

let build: Build;
let emulator: EmulatorClient;
let credentials: RunOptions['credentials'];

beforeAll(async () => {
	build = buildWithThirdProvider();
	await loadPackage(build.root);
	const { timing } = createRequire(path.join(build.root, 'package.json'))(
		'./dist/nodes/shared/timing.js',
	) as typeof import('../nodes/shared/timing.ts');
	timing.poll.shortest = 15;
	timing.sleep.shortest = 60;
	timing.sleep.shortestTurn = 0;
	timing.sleep.awakeUpTo = 20;
	emulator = await startEmulator({ apis: ['test/thirdProvider/api.mjs'] });
	const { apiUrl: baseUrl } = emulator;
	credentials = { acmeApi: { apiKey: 'emulator-acme-key', baseUrl, webhookSecret: SECRET } };
}, 300_000);

beforeEach(async () => await emulator.reset());

afterAll(async () => {
	await emulator?.stop();
	build?.remove();
});

async function run(type: string, parameters: INodeParameters, json: IDataObject = {}) {
	const items = JSON.stringify([{ json }]);
	return await execute({
		credentials,
		nodes: [node('Source', 'test.source', { items }), node('Kling', type, parameters)],
	});
}

const acme = { provider: 'acme' };

async function generate(parameters: INodeParameters = {}): Promise<Result> {
	return await run(GENERATE, {
		...acme,
		prompt: 'Follow @Video1',
		videoUrl: emulator.referenceUrl,
		...parameters,
	});
}

/** The variants of a parameter that are shown for the third provider. */
function shown(type: string, name: string): INodeProperties[] {
	return descriptionOf(type).properties.filter(
		(property) =>
			property.name === name && (property.displayOptions?.show?.provider?.includes('acme') ?? true),
	);
}

describe('a third provider', () => {
	test('is its folder, its credential with icons, a line in the registry and one in package.json', () => {
		expect(build.changes).toEqual({
			'nodes/shared/providers/acme/api.ts': 'new',
			'nodes/shared/providers/acme/index.ts': 'new',
			'nodes/shared/providers/acme/parameters.ts': 'new',
			'nodes/shared/providers/registry.ts': ["export { acme } from './acme';"],
			'credentials/AcmeApi.credentials.ts': 'new',
			'icons/acme.svg': 'new',
			'icons/acme.dark.svg': 'new',
			'package.json': ['"dist/credentials/AcmeApi.credentials.js",'],
		});
	});

	test('is offered by every node, and the default stays the one that saved workflows rely on', () => {
		for (const type of [GENERATE, STATUS, TRIGGER]) {
			const [provider] = shown(type, 'provider');
			expect(provider.options).toContainEqual({
				name: 'Acme Video',
				value: 'acme',
				description: 'Made up',
			});
			expect(provider.default).toBe('magnific');
			const [first, ...others] = descriptionOf(type).credentials ?? [];
			expect(first).toEqual({
				name: 'acmeApi',
				required: true,
				displayOptions: { hide: { provider: ['magnific', 'muleRouter'] } },
			});
			expect(others.map(({ displayOptions }) => displayOptions?.hide?.provider)).toEqual([
				['acme', 'muleRouter'],
				['acme', 'magnific'],
			]);
		}
		expect(credentialType('acmeApi').displayName).toBe('Acme Video API');
	});

	test('brings its own endpoints, callbacks, list and notices to the editor', () => {
		const values = (type: string, name: string) =>
			shown(type, name).map(({ options = [] }) =>
				options.map((option) => ('value' in option ? option.value : option.name)),
			);
		expect(values(GENERATE, 'endpoint')).toEqual([['extend', 'restyle']]);
		expect(values(STATUS, 'endpoint')).toEqual([['extend', 'restyle']]);
		expect(values(GENERATE, 'completion')).toContainEqual(['callback', 'submitOnly', 'poll']);
		expect(shown(STATUS, 'noListNotice')).toEqual([]);
		expect(JSON.stringify(shown(STATUS, 'operation'))).toContain('(Acme Video and Magnific only)');
		expect(shown(TRIGGER, 'authentication').map((each) => each.default)).toEqual(['signature']);
		expect(shown(TRIGGER, 'acmeNotice')).toHaveLength(1);
		expect(JSON.stringify(shown(TRIGGER, 'events'))).toContain(
			'(for Acme Video: event job.started)',
		);
		expect(JSON.stringify(descriptionOf(TRIGGER).builderHint)).toContain("Acme's account page");
		expect(descriptionOf(GENERATE).subtitle).toContain(
			'$parameter["provider"] === "acme" ? "Acme Video" : ',
		);
	});

	test('makes a video with Generate, with its own names of the fields', async () => {
		const { json, items, error } = await generate({
			endpoint: 'extend',
			mode: 'pro',
			additionalFields: { duration: 7 },
		});
		expect(error).toBeUndefined();
		expect(json).toMatchObject([
			{ provider: 'acme', endpoint: 'extend', status: 'completed', providerStatus: 'done' },
		]);
		expect(items[0].binary?.data).toMatchObject({ mimeType: 'video/mp4' });
		const { billed, tasks, violations } = await emulator.state();
		expect(billed).toMatchObject({ acme: 1, total: 1 });
		expect(tasks[0].body).toEqual({
			wish: 'Follow @Video1',
			clip: emulator.referenceUrl,
			quality: 'pro',
			length: 7,
		});
		expect(violations).toEqual([]);
	});

	test('is paused for with Pause Until Callback, and its call continues the execution', async () => {
		const server = await WaitingServer.open([nodeTypes.getByName(GENERATE)]);
		try {
			const parameters = {
				...acme,
				prompt: '@Video1',
				videoUrl: emulator.referenceUrl,
				completion: 'callback',
			};
			await emulator.set({ taskSeconds: 1 });
			await server.run('e1', {
				credentials,
				nodes: [
					node('Source', 'test.source', { items: '[{"json":{}}]' }),
					node('Kling', GENERATE, parameters),
				],
			});
			const { json } = await server.end('e1');
			expect(json).toMatchObject([{ provider: 'acme', status: 'completed' }]);
		} finally {
			await server.close();
		}
	});

	test('has its prompt read for hints, whatever its API calls it', async () => {
		const { hints } = await generate({ prompt: 'Snow', options: { validateOnly: true } });
		expect(hints.join()).toContain('A prompt does not mention @Video1');
	});

	test('refuses in the words of the editor', async () => {
		await emulator.fault({
			match: { action: 'create' },
			fault: {
				kind: 'status',
				status: 422,
				body: { problem: 'No', fields: [{ name: 'clip', reason: 'is too loud' }] },
			},
		});
		const { error } = await generate();
		expect(error?.message).toBe(
			'Acme Video did not accept the request (HTTP 422): No; Video URL: is too loud',
		);
		expect((await emulator.state()).billed.total).toBe(0);
	});

	test('is asked by Task Status: Get, Wait, Download and Get Many', async () => {
		const [{ taskId }] = (await generate({ completion: 'submitOnly' })).json;
		const one = { ...acme, taskId, endpoint: 'restyle' } as INodeParameters;
		const waited = await run(STATUS, { ...one, operation: 'wait' });
		expect(waited.json).toMatchObject([{ provider: 'acme', taskId, status: 'completed' }]);
		for (const operation of ['get', 'download']) {
			const { json, items, error } = await run(STATUS, { ...one, operation });
			expect(error).toBeUndefined();
			expect(json).toMatchObject([{ taskId, endpoint: 'restyle', providerStatus: 'done' }]);
			expect(items[0].binary?.data).toBeDefined();
		}
		const { json } = await run(STATUS, { ...acme, operation: 'getMany' });
		expect(json).toMatchObject([{ provider: 'acme', taskId, status: 'completed' }]);
	});

	test('is believed by the trigger where its signature holds, and only there', async () => {
		const [{ taskId }] = (await generate()).json;
		const receiver = await Receiver.open({
			type: TRIGGER,
			parameters: { ...acme, authentication: 'signature' },
			credentials,
		});
		const { url } = receiver;
		try {
			const call = async (forged: object) =>
				await emulator.control('POST', `/tasks/${String(taskId)}/callback`, { url, ...forged });
			expect(await call({ secret: 'another' })).toMatchObject({ status: 401 });
			expect(await call({})).toMatchObject({ status: 200 });
			const [started, ...others] = await Promise.all(receiver.started.map((each) => each.run()));
			expect(others).toEqual([]);
			expect(started.json).toMatchObject([
				{
					provider: 'acme',
					taskId,
					status: 'completed',
					dedupeKey: `acme:${String(taskId)}:completed`,
				},
			]);
			expect(started.items[0].binary?.data).toBeDefined();
		} finally {
			await receiver.close();
		}
	});
});

test('outside providers/ no file of the nodes names a provider', () => {
	const names = /magnific|freepik|mulerouter/i;
	const inside = path.resolve('nodes/shared/providers');
	const lines = filesBelow(path.resolve('nodes'))
		.filter((file) => !file.startsWith(inside))
		.flatMap((file) => {
			const text = withoutSearchTerms(file, readFileSync(file, 'utf8'));
			return text.split('\n').map((line) => `${path.relative('.', file)}: ${line.trim()}`);
		});
	expect(lines.length).toBeGreaterThan(1000);
	expect(lines.filter((line) => names.test(line))).toEqual([]);
});

/** n8n reads the words that find a node from a JSON file: `npm run docs` writes those of the providers. */
function withoutSearchTerms(file: string, text: string): string {
	return file.endsWith('.node.json') ? text.replace(/"alias": \[[^\]]*\]/, '') : text;
}
