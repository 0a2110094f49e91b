import { describe, expect, test } from '@jest/globals';
import type { IHttpRequestOptions } from 'n8n-workflow';
import { credentialType } from './engine/engine.mts';
import { keys, useBench } from './engine/setup.mts';

const bench = useBench();

async function signed(baseUrl: string): Promise<Record<string, unknown>> {
	const { authenticate } = credentialType('magnificApi');
	if (typeof authenticate !== 'function') throw new Error('not a function');
	const request: IHttpRequestOptions = { url: '/x', headers: { Accept: 'application/json' } };
	return (await authenticate({ apiKey: 'k', baseUrl }, request)).headers as Record<string, unknown>;
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

test.each([' ', '\n', '\u200b'])(
	'a key pasted with %j at its end works, and is hidden in what is shown',
	async (stray) => {
		bench.credentials.magnificApi.apiKey = `${keys.magnific}${stray}`;
		await bench.emulator.fault({
			match: { action: 'create' },
			fault: { kind: 'status', status: 403, body: { message: `${keys.magnific} may not do this` } },
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
		expect(create.headers['x-magnific-api-key']).toBe(keys.magnific);
	},
);
