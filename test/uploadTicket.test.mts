import { describe, expect, test } from '@jest/globals';
import { built } from './engine/haste.mts';

const { ticketProblem, uploadHeaders } = built<
	typeof import('../nodes/KlingV2vGenerate/submit/ticket.ts')
>('KlingV2vGenerate/submit/ticket');

const ticket = {
	uploadUrl: 'https://store.example/put',
	assetUrl: 'https://store.example/get',
	headers: {},
};
const API = 'https://api.magnific.com';
const LOCAL_API = 'http://127.0.0.1:4000';

describe('An upload ticket', () => {
	test('may set the headers that an upload needs', () => {
		const headers = {
			'Content-Type': 'video/mp4',
			'x-amz-acl': 'private',
			'x-goog-content-length-range': '0,1',
			'x-ms-blob-type': 'BlockBlob',
		};
		expect(uploadHeaders({ ...ticket, headers })).toEqual(headers);
	});

	test.each([
		'Host',
		'Authorization',
		'Cookie',
		'Content-Length',
		'Transfer-Encoding',
		'Connection',
		'Proxy-Authorization',
		'X-Forwarded-For',
		'x-magnific-api-key',
		'x-amz-acl\r\nHost',
	])('may not set %j', (name) => {
		expect(uploadHeaders({ ...ticket, headers: { [name]: 'x' } })).toEqual({});
	});

	test('of a public API is used where both addresses are public and https', () => {
		expect(ticketProblem(ticket, API)).toBeUndefined();
	});

	test.each(['uploadUrl', 'assetUrl'])(
		'with http in its %s is refused where the API is https',
		(at) => {
			const plain = { ...ticket, [at]: 'http://store.example/put' };
			expect(ticketProblem(plain, API)).toContain('store.example, is not https');
			expect(ticketProblem(plain, LOCAL_API)).toBeUndefined();
		},
	);

	test.each(['127.0.0.1', 'localhost', '169.254.169.254', '[::1]', '10.1.2.3'])(
		'that points to %s is refused where the API is public',
		(host) => {
			const inward = { ...ticket, uploadUrl: `https://${host}/put` };
			expect(ticketProblem(inward, API)).toContain('is no public one');
			expect(ticketProblem(inward, LOCAL_API)).toBeUndefined();
		},
	);
});
