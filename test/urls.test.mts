import { describe, expect, test } from '@jest/globals';
import { built } from './engine/haste.mts';

const { isPrivateHost, readLinks, readUrl } =
	built<typeof import('../nodes/shared/util/urls.ts')>('shared/util/urls');

const LINK = 'https://example.com/clip.mp4';

describe('An address', () => {
	test.each([
		['that is one already', LINK, LINK],
		['with blanks around it', `  ${LINK}\u00a0\n`, LINK],
		['with a blank of no width behind it', `${LINK}\u200b`, LINK],
		['with joiners around it', `\u200d${LINK}\u200c`, LINK],
		['with a byte order mark before it', `\ufeff${LINK}`, LINK],
		['with a blank of no width within', 'https://exam\u200bple.com/cl\u200bip.mp4', LINK],
		['with marks of direction around it', `\u202a${LINK}\u202c`, LINK],
		['with a soft hyphen within', 'https://example.com/cl\u00adip.mp4', LINK],
		['with control characters', `${LINK}\u0000\u0007`, LINK],
		['that is broken into lines', 'https://example.com/\r\n  clip.mp4', LINK],
		['with a tab within', 'https://example.com/\tclip.mp4', LINK],
		['with one slash', 'https:/example.com/clip.mp4', LINK],
		['without slashes', 'https:example.com/clip.mp4', LINK],
		['with backslashes', 'https:\\\\example.com\\clip.mp4', LINK],
		['in capitals', 'HTTPS://EXAMPLE.COM/clip.mp4', LINK],
		['with the usual port', 'https://example.com:443/clip.mp4', LINK],
		[
			'with a blank in its path',
			'https://example.com/my clip.mp4',
			'https://example.com/my%20clip.mp4',
		],
		[
			'with umlauts',
			'https://müller.example/ü.mp4?ä=ö',
			'https://xn--mller-kva.example/%C3%BC.mp4?%C3%A4=%C3%B6',
		],
		[
			'that is encoded already',
			'https://example.com/my%20clip.mp4?a=%2B',
			'https://example.com/my%20clip.mp4?a=%2B',
		],
		[
			'with a joiner within a name',
			'https://example.com/می\u200cخواهم.mp4',
			'https://example.com/%D9%85%DB%8C%E2%80%8C%D8%AE%D9%88%D8%A7%D9%87%D9%85.mp4',
		],
		[
			'with a signature in its query',
			`${LINK}?token=exp=1~hmac=ab&x=a+b/c==`,
			`${LINK}?token=exp=1~hmac=ab&x=a+b/c==`,
		],
	])('%s is read as a browser reads it', (_name, text, href) => {
		expect(readUrl(text)).toBe(href);
		expect(readUrl(href)).toBe(href);
	});

	test('with umlauts is read after many thousands as it was at first', () => {
		const texts = ['https://müller.example/clip.mp4', 'https://example.com/ü.mp4'];
		const unread = Array.from({ length: 50_000 }, (_, index) => texts[index % 2]).filter(
			(text) => readUrl(text) === undefined,
		);
		expect(unread).toHaveLength(0);
	});

	test.each([
		undefined,
		null,
		5,
		{ url: LINK },
		'',
		'\u200b',
		'https://',
		'https:///',
		'ftp://example.com/a',
		'file:///etc/passwd',
		'javascript:alert(1)',
		'data:video/mp4;base64,AAAA',
		'//example.com/a',
		'example.com/a',
		'/a/b',
		'https://exa mple.com/',
		'https://example.com:99999/',
	])('%j is none', (value) => {
		expect(readUrl(value)).toBeUndefined();
	});

	test('of megabytes is read in one pass', () => {
		const long = `${LINK}?${'\u200b'.repeat(4_000_000)}${' '.repeat(4_000_000)}x`;
		expect(readUrl(long)).toHaveLength(LINK.length + 2 + 3 * 4_000_000);
	});

	test('is read alike in a list of results, whatever form that has', () => {
		expect(readLinks([` ${LINK}`, { url: `${LINK}\u200b` }, 'nothing', null, 7])).toEqual([
			LINK,
			LINK,
		]);
		expect(readLinks(`${LINK}\n`)).toEqual([LINK]);
		expect(readLinks(undefined)).toEqual([]);
	});
});

/** As `URL` spells the host of an address, which is what is judged. */
const hostOf = (host: string) => new URL(`http://${host}/`).hostname;

describe('A host out of reach from the internet', () => {
	test.each([
		...['127.0.0.1', '127.1', '0x7f.1', '2130706433', '017700000001', '0.0.0.0', '127.0.0.1.'],
		...['10.1.2.3', '172.16.0.1', '172.31.255.255', '192.168.1.1', '169.254.169.254', '100.64.0.1'],
		...['100.127.255.255', '192.0.0.8', '192.0.2.1', '198.18.0.1', '198.51.100.7', '203.0.113.9'],
		...['224.0.0.1', '240.0.0.1', '255.255.255.255'],
		...['[::]', '[::1]', '[fc00::1]', '[fd12:3456::1]', '[fe80::1]', '[fec0::1]', '[ff02::1]'],
		...['[2001:db8::1]', '[100::1]', '[64:ff9b:1::1]', '[4000::1]'],
		...['[::ffff:127.0.0.1]', '[::ffff:10.0.0.1]', '[::127.0.0.1]', '[::ffff:0:192.168.0.1]'],
		...['[64:ff9b::10.0.0.1]', '[64:ff9b::7f00:1]', '[2002:7f00:1::]', '[2002:c0a8:101::1]'],
		...['[2001:0:1:2:3:4:80ff:fffe]', '[2607:f8b0::5efe:10.0.0.1]'],
		...['localhost', 'localhost.', 'LOCALHOST', 'a.localhost', 'n8n', 'minio', 'my_service'],
		...['host.docker.internal', 'gateway.docker.internal', 'host.containers.internal'],
		...['127.0.0.1.nip.io', 'app.192.168.1.5.sslip.io', 'app-10-0-0-1.nip.io', 'app.localtest.me'],
		...['lvh.me', 'nas.fritz.box', 'db.default.svc', '[3fff::1]'],
		...['db.svc.cluster.local', 'nas.lan', 'nas.home.arpa', 'nas.home', 'printer.local.'],
		...[
			'metadata.google.internal',
			'app.intranet',
			'x.test',
			'x.invalid',
			'x.onion',
			'pc.localdomain',
		],
	])('is %s', (host) => {
		expect(isPrivateHost(hostOf(host))).toBe(true);
	});

	test.each([
		...[
			'example.com',
			'api.magnific.com',
			'example.com.',
			'localhost.example.com',
			'internal.example.org',
		],
		...[
			'1.1.1.1',
			'8.8.8.8',
			'172.15.0.1',
			'172.32.0.1',
			'100.63.0.1',
			'100.128.0.1',
			'169.253.1.1',
		],
		...['192.167.1.1', '192.1.2.3', '198.17.0.1', '198.20.0.1', '223.255.255.254'],
		...['[2606:4700::1111]', '[2a00:1450:4001::1]', '[::ffff:8.8.8.8]', '[64:ff9b::8.8.8.8]'],
		...['8.8.8.8.nip.io', 'app-8-8-8-8.sslip.io', 'nip.io', 'notfritz.box', '[3fff:1000::1]'],
		...['[2002:808:808::1]', '10.0.0.1.example.com', 'xn--mller-kva.de'],
	])('is not %s', (host) => {
		expect(isPrivateHost(hostOf(host))).toBe(false);
	});
});
