import { beforeAll, describe, expect, test } from '@jest/globals';
import type { IHttpRequestOptions } from 'n8n-workflow';
import { credentialType, loadPackage } from './engine/engine.mts';

beforeAll(loadPackage);

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

describe('both credential types', () => {
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
