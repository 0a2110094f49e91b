import { beforeAll, describe, expect, test } from '@jest/globals';
import { built, shortenPauses } from './engine/haste.mts';
import { useBench } from './engine/setup.mts';

/** What answers in place of the API, and how it is said to be that. */

const { explain } = built<typeof import('../nodes/shared/http/networkError.ts')>(
	'shared/http/networkError',
);
const { mayExist } = built<typeof import('../nodes/KlingV2vGenerate/submit/mayExist.ts')>(
	'KlingV2vGenerate/submit/mayExist',
);
const { refusal } = built<typeof import('../nodes/shared/http/refusal.ts')>('shared/http/refusal');
const { providers } =
	built<typeof import('../nodes/shared/providers/index.ts')>('shared/providers/index');

const bench = useBench();
const PAGE = '<!DOCTYPE html><html><head><title>Attention Required!</title></head></html>';

beforeAll(shortenPauses);

async function generate(status: number, body: unknown) {
	await bench.emulator.fault({
		match: { action: 'create' },
		times: -1,
		fault: { kind: 'status', status, body, contentType: 'text/html' },
	});
	return await bench.generate({ prompt: '@Video1', videoUrl: bench.emulator.referenceUrl });
}

async function created(): Promise<number> {
	const { requests } = await bench.emulator.state();
	return requests.filter(({ action }) => action === 'create').length;
}

describe('An answer to a creation that is not of the API', () => {
	test.each<[string, number, unknown, string, string]>([
		['a proxy', 407, 'Proxy Authentication Required', 'behind a proxy', 'HTTPS_PROXY'],
		[
			'a filter against bots',
			403,
			'error code: 1010',
			'Cloudflare error 1010',
			"n8n's public address",
		],
		['a firewall', 403, PAGE, 'a web page came instead', 'says nothing about the key'],
		['a log-in page', 401, PAGE, 'a web page came instead', 'says nothing about the key'],
		['another web server', 404, PAGE, 'a web page came instead', 'Base URL'],
	])(
		'but of %s (HTTP %d) is said to be so, and refused once',
		async (_name, status, body, what, advice) => {
			const { error } = await generate(status, body);
			expect(error?.message).toContain(what);
			expect(error?.message).toContain(`(HTTP ${status})`);
			expect(error?.description).toContain(advice);
			expect(error?.description).toContain('nothing was billed');
			expect(await created()).toBe(1);
		},
	);

	test.each([521, 523, 525, 526, 530])(
		'but of Cloudflare (HTTP %d) is waited for, and then said to be so',
		async (status) => {
			const { error } = await generate(status, `error code: ${status}`);
			expect(error?.message).toContain(
				`Cloudflare, which stands before it, has answered (error ${status})`,
			);
			expect(error?.description).toContain('Run again later');
			expect(await created()).toBeGreaterThan(1);
		},
	);

	test.each([520, 522, 524, 527])(
		'but of Cloudflare, which may have handed the request on (HTTP %d), leaves it uncertain and says so',
		async (status) => {
			const { error } = await generate(status, PAGE);
			expect(error?.message).toContain('may have created a task that is billed');
			expect(error?.message).toContain('which is no answer of the API');
			expect(await created()).toBe(1);
		},
	);

	test('keeps the words of the API where it is that', async () => {
		const { error } = await generate(403, { message: 'Forbidden' });
		expect(error?.message).toContain('does not allow this (HTTP 403): Forbidden');
	});
});

test('a filter that answers a look is named, and not taken for a wrong key', async () => {
	await bench.emulator.fault({
		match: { action: 'status' },
		times: -1,
		fault: { kind: 'status', status: 403, body: 'error code: 1010', contentType: 'text/plain' },
	});
	const { error } = await bench.status({ taskId: 'a-task', operation: 'get' });
	expect(error?.message).toContain('Cloudflare error 1010');
	expect(error?.description).toContain('The task goes on at the provider');
});

test.each(['SELF_SIGNED_CERT_IN_CHAIN', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'CERT_HAS_EXPIRED'])(
	'a certificate that is not accepted (%s) is refused at once, with the way to add one',
	(code) => {
		const conceal = (text: string) => text;
		const failure = explain({ message: 'x', cause: { code, message: 'self-signed' } }, conceal);
		const answer = { status: 0, headers: {}, body: undefined, failure, conceal };
		expect(mayExist(answer, { fields: [] }, false)).toBe('refused');
		const { message, advice } = refusal(providers.magnific, answer, {});
		expect(message).toContain('Magnific shows a certificate that n8n does not accept');
		expect(message).toContain(code);
		expect(advice).toContain('NODE_EXTRA_CA_CERTS');
	},
);
