import { describe, expect, test } from '@jest/globals';
import type { ICredentialDataDecryptedObject, IHttpRequestOptions } from 'n8n-workflow';
import { credentialType } from './engine/engine.mts';
import { built } from './engine/haste.mts';
import { keys, useBench } from './engine/setup.mts';

const { readBaseUrl, readKey } =
	built<typeof import('../nodes/shared/util/pasted.ts')>('shared/util/pasted');

const bench = useBench();

/** The request as n8n sends it: in a run, in its test of the credential, and from its own nodes. */
async function authenticated(
	name: string,
	credential: Record<string, unknown>,
	request: IHttpRequestOptions,
): Promise<IHttpRequestOptions> {
	const { authenticate } = credentialType(name);
	if (typeof authenticate !== 'function') throw new Error('not a function');
	return await authenticate(credential as ICredentialDataDecryptedObject, request);
}

async function signed(baseUrl: string): Promise<unknown> {
	const request: IHttpRequestOptions = { url: '/x', headers: { Accept: 'application/json' } };
	return (await authenticated('magnificApi', { apiKey: 'k', baseUrl }, request)).headers;
}

describe('the Magnific key', () => {
	test('goes into the header that the host knows', async () => {
		expect(await signed('https://api.magnific.com')).toEqual({
			Accept: 'application/json',
			'x-magnific-api-key': 'k',
		});
		expect(await signed('https://api.freepik.com/')).toHaveProperty('x-freepik-api-key', 'k');
		expect(await signed('https://freepik.com.example.org')).toHaveProperty('x-magnific-api-key');
	});
});

describe('the credential type', () => {
	test.each(['magnificApi', 'muleRouterApi'])(
		'%s hides its secrets and follows no redirect',
		(name) => {
			const { properties, test: probe } = credentialType(name);
			expect(
				properties.map((property) => [property.name, property.typeOptions?.password === true]),
			).toEqual([
				['apiKey', true],
				['baseUrl', false],
				['webhookSecret', true],
			]);
			expect(probe?.request.disableFollowRedirect).toBe(true);
		},
	);
});

test('a key goes only to the host that was saved with it, even if both are changed at that moment', async () => {
	const { taskId } = (await bench.emulator.control('POST', '/tasks', {
		provider: 'magnific',
		status: 'completed',
	})) as { taskId: string };
	const { magnificApi: before } = bench.credentials;
	const after = { ...before, apiKey: 'key-for-another-host', baseUrl: 'http://127.0.0.1:1' };
	let readings = 0;
	const credentials = {
		get magnificApi() {
			return readings++ === 0 ? before : after;
		},
	};
	const { json } = await bench.status({ taskId, downloadVideo: false }, { credentials });
	expect(json[0]).toMatchObject({ status: 'completed' });
	const { requests } = await bench.emulator.state();
	for (const { headers } of requests) {
		expect(headers).toMatchObject({ 'x-magnific-api-key': keys.magnific });
	}
});

const PASTED: Array<[string, (key: string) => string]> = [
	['a blank behind it', (key) => `${key} `],
	['a line break behind it', (key) => `${key}\n`],
	['a blank of no width behind it', (key) => `${key}\u200b`],
	['a line break within', (key) => `${key.slice(0, 5)}\n${key.slice(5)}`],
	['"Bearer" before it', (key) => `Bearer ${key}`],
	['"bearer" and two blanks before it', (key) => `bearer  ${key}`],
	['its whole header', (key) => `Authorization: Bearer ${key}`],
	['its whole header in another spelling', (key) => `x-magnific-api-key:${key}`],
	['quotes', (key) => `"${key}"`],
	['quotes of another kind', (key) => `\u201c${key}\u201d`],
	['quotes around "Bearer" and it', (key) => ` 'Bearer ${key}' `],
	['its line of a JSON file', (key) => `"apiKey": "${key}",`],
];

describe('a key that was pasted', () => {
	test.each(PASTED)(
		'with %s works in a run, and is hidden in what is shown',
		async (_name, paste) => {
			bench.credentials.magnificApi.apiKey = paste(keys.magnific);
			await bench.emulator.fault({
				match: { action: 'create' },
				fault: {
					kind: 'status',
					status: 403,
					body: { message: `${keys.magnific} may not do this` },
				},
			});
			const { error, log } = await bench.generate({
				prompt: '@Video1',
				videoUrl: bench.emulator.referenceUrl,
			});
			expect(error?.message).toContain('*** may not do this');
			expect(JSON.stringify([error, log])).not.toContain(keys.magnific);
			const [create] = (await bench.emulator.state()).requests.filter(
				({ action }) => action === 'create',
			);
			expect(create.headers).toMatchObject({ 'x-magnific-api-key': keys.magnific });
		},
	);

	test.each(PASTED)("with %s works in n8n's test of the credential", async (_name, paste) => {
		for (const [name, header, value] of [
			['magnificApi', 'x-magnific-api-key', keys.magnific],
			['muleRouterApi', 'Authorization', `Bearer ${keys.magnific}`],
		]) {
			const request = { url: '/x', baseURL: ' https://api.example.com// ' };
			expect(
				await authenticated(
					name,
					{ apiKey: paste(keys.magnific), baseUrl: request.baseURL },
					request,
				),
			).toEqual({ url: '/x', baseURL: 'https://api.example.com', headers: { [header]: value } });
		}
	});

	test('of megabytes is read in one pass', () => {
		for (const noise of [' ', '"', '\u200b', 'Bearer ', 'a b', '::', 'é']) {
			expect(readKey(`x${noise.repeat(1_000_000)}y`).length).toBeLessThan(12_000_000);
		}
	});

	test.each([
		'MAGNIFIC_API_KEY=FPSX0a',
		'export MULEROUTER_TOKEN="FPSX0a"',
		'-H "x-magnific-api-key: FPSX0a"',
		"-H 'Authorization: Bearer FPSX0a'",
		'Bearer Bearer FPSX0a',
	])('is found in %j', (text) => {
		expect(readKey(text)).toBe('FPSX0a');
	});

	test.each(['my_key', 'abcd==', 'a_key=', 'k_1=x'])('stays as it is where it is %j', (key) => {
		expect(readKey(key)).toBe(key);
	});

	test.each([undefined, null, 5, '', ' ', '""', 'Bearer '])('is empty where it is %j', (text) => {
		expect(readKey(text)).toBe('');
	});
});

describe('a Base URL', () => {
	test.each([
		['https://api.magnific.com', 'https://api.magnific.com'],
		['https://api.magnific.com///', 'https://api.magnific.com'],
		[' "https://api.magnific.com/" ', 'https://api.magnific.com'],
		['https://gateway.example.com/kling/', 'https://gateway.example.com/kling'],
		['http://127.0.0.1:4000', 'http://127.0.0.1:4000'],
		['http://gateway.local:8080/x', 'http://gateway.local:8080/x'],
	])('of %j is %s', (text, base) => {
		expect(readBaseUrl(text)).toEqual({ base });
	});

	test.each([
		['http://api.magnific.com', 'is http'],
		['https://user:secret@api.magnific.com', 'holds a user name or a password'],
		['https://user@api.magnific.com', 'holds a user name or a password'],
		['https://api.magnific.com?x=1', 'has a query'],
		['api.magnific.com', 'is no http or https URL'],
		[undefined, 'is no http or https URL'],
	])('of %j is refused in a run and in the test, and the key goes nowhere', async (text, said) => {
		bench.credentials.magnificApi.baseUrl = text as string;
		const { error } = await bench.generate({
			prompt: '@Video1',
			videoUrl: bench.emulator.referenceUrl,
		});
		expect(error?.message).toContain(`The Base URL in the Magnific credential ${said}`);
		expect(error?.message).not.toContain('secret');
		expect((await bench.emulator.state()).requests).toEqual([]);
		const tested = authenticated(
			'muleRouterApi',
			{ apiKey: 'k', baseUrl: text },
			{ url: '/x', baseURL: String(text) },
		);
		await expect(tested).rejects.toThrow(said);
	});

	test('of megabytes is read in one pass', () => {
		expect(readBaseUrl(`https://example.com/${'/'.repeat(2_000_000)}x`)).toHaveProperty('base');
		expect(readBaseUrl(`${' '.repeat(2_000_000)}x${'"'.repeat(2_000_000)}`)).toHaveProperty(
			'problem',
		);
	});
});
