import { asObject } from './unknown';
import { parseUrl } from './urls';

/**
 * When a signed link stops working, read from the link itself. Whoever signs links writes it in one of these ways:
 * - `exp=<unix s>~hmac=…` within any value (Akamai)
 * - `Expires`, `expire` or `x-expires` in Unix time (CloudFront, S3 before 2016, OSS, Bunny, TikTok, Google)
 * - `X-Amz-Date` and `X-Amz-Expires`, or with another word for Amz (S3 and its likes, Google Cloud Storage)
 * - `se` beside `sig` (Azure), `q-sign-time` (Tencent)
 * - `ex` beside `hm` (Discord), `oe` beside `oh` (Meta), in hexadecimal
 * - `Policy`, a JSON text in a Base64 of its own (CloudFront)
 * - a JSON Web Token with `exp` as `token` (Supabase, n8n)
 * @returns ISO 8601, or null where the link does not say
 */
export function linkExpiry(link: string): string | null {
	const url = parseUrl(link);
	if (url === undefined) return null;
	const query = new Map([...url.searchParams].map(([name, value]) => [name.toLowerCase(), value]));
	for (const read of readers) {
		const time = read(query);
		if (time !== undefined && isPlausible(time)) return new Date(time).toISOString();
	}
	return null;
}

/**
 * The query parameters that sign a link, for those signers whose time `readers` reads; names in lower case. A `token` is
 * not among them: it may be all that names the file.
 */
const SIGNATURE =
	/^(?:x-\w+-(?:algorithm|credential|date|expires|security-token|signature|signedheaders)|(?:x-)?(?:expires?|signature)|policy|key-pair-id|(?:aws|oss)accesskeyid|googleaccessid|security-token|s[eprtv]|sig|spr|sip|sk(?:oid|tid|[tesv])|q-[\w-]+|ex|is|hm|oe|oh)$/;

/** The same file has another link each time that its link is signed. @returns the link without what signs it */
export function withoutSignature(link: string): string {
	const url = parseUrl(link);
	if (url === undefined || linkExpiry(link) === null) return link;
	const { searchParams } = url;
	for (const [name, value] of [...searchParams]) {
		if (SIGNATURE.test(name.toLowerCase()) || value.includes('~hmac=')) searchParams.delete(name);
	}
	return url.href;
}

/** Takes the values of a query by their names in lower case. @returns milliseconds since 1970, if they tell */
type Reader = (query: ReadonlyMap<string, string>) => number | undefined;

const readers: Reader[] = [
	(query) => unixTime(firstMatch([...query.values()], /(?:^|~)exp=(\d+)(?:~|$)/)),
	(query) => unixTime(query.get('expires') ?? query.get('x-expires') ?? query.get('expire')),
	fromLifetime,
	(query) => (query.has('sig') ? Date.parse(query.get('se') ?? '') : undefined),
	(query) => unixTime(query.get('q-sign-time')?.split(';')[1]),
	(query) => (query.has('hm') ? hexTime(query.get('ex')) : undefined),
	(query) => (query.has('oh') ? hexTime(query.get('oe')) : undefined),
	(query) => fromPolicy(query.get('policy')),
	(query) => fromWebToken(query.get('token')),
];

/** From 2001 on: anything else is another number. */
function isPlausible(time: number): boolean {
	return time >= 1e12 && time < 8e15;
}

function firstMatch(texts: string[], pattern: RegExp): string | undefined {
	return texts.map((text) => pattern.exec(text)?.[1]).find((found) => found !== undefined);
}

/** Seconds, or milliseconds where they are too many for those. */
function unixTime(text = ''): number | undefined {
	if (!/^\d{9,13}$/.test(text)) return undefined;
	return Number(text) * (text.length > 11 ? 1 : 1000);
}

function hexTime(text = ''): number | undefined {
	return /^[0-9a-f]{8}$/i.test(text) ? parseInt(text, 16) * 1000 : undefined;
}

function fromLifetime(query: ReadonlyMap<string, string>): number | undefined {
	for (const [name, date] of query) {
		const [, vendor] = /^x-(\w+)-date$/.exec(name) ?? [];
		if (vendor === undefined) continue;
		const time = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(date);
		const lifetime = Number(query.get(`x-${vendor}-expires`));
		if (!time || !(lifetime > 0)) continue;
		const [year, month, day, hour, minute, second] = time.slice(1).map(Number);
		return Date.UTC(year, month - 1, day, hour, minute, second) + lifetime * 1000;
	}
	return undefined;
}

function fromPolicy(policy = ''): number | undefined {
	const base64 = policy.replace(/[-_~]/g, (sign) => ({ '-': '+', _: '=' })[sign] ?? '/');
	const text = Buffer.from(base64, 'base64').toString();
	return unixTime(/"DateLessThan":\{"AWS:EpochTime":(\d+)\}/.exec(text.replace(/\s/g, ''))?.[1]);
}

function fromWebToken(token = ''): number | undefined {
	const [, payload] = /^eyJ[\w-]+\.([\w-]+)\.[\w-]*$/.exec(token) ?? [];
	if (payload === undefined) return undefined;
	try {
		const { exp } = asObject(JSON.parse(Buffer.from(payload, 'base64url').toString()));
		return unixTime(String(exp));
	} catch {
		return undefined;
	}
}
