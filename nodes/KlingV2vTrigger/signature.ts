import { createHmac, timingSafeEqual } from 'node:crypto';

/** The headers of a callback as they came: the caller may put anything there. */
export interface SignedHeaders {
	/** `webhook-id` */
	id: unknown;
	/** `webhook-timestamp`, Unix time in seconds or milliseconds: not every provider says which. */
	timestamp: unknown;
	/** `webhook-signature`, one or more `v1,<Base64>` with spaces between them. */
	signature: unknown;
}

export interface SignedMessage extends SignedHeaders {
	/** The bytes of the body: parsing and writing JSON again would change them. */
	body: Buffer;
}

/** Why a message is refused for its headers alone. */
export type HeaderFault = 'unsigned' | 'untimely';

export type Verdict = 'genuine' | 'forged' | HeaderFault;

/** Why a secret cannot be used. */
export type SecretFault = 'missing' | 'tooShort';

/** A key of less bytes can be guessed from a single signed message. */
export const SHORTEST_SECRET = 16;

/** How old a message may be, and how far the sender's clock may be ahead, in milliseconds. */
export const WINDOW_MS = 5 * 60_000;

/** @returns why no signature could be checked with this secret, or undefined */
export function secretFault(secret: string): SecretFault | undefined {
	const text = secret.trim();
	if (text === '') return 'missing';
	const encoded = text.startsWith(PREFIX) ? decode(text.slice(PREFIX.length)) : undefined;
	const { length } = encoded ?? Buffer.from(text);
	return length < SHORTEST_SECRET ? 'tooShort' : undefined;
}

/**
 * @param now milliseconds since 1970
 * @returns why the message is refused whatever its body is, or undefined
 */
export function headerFault(headers: SignedHeaders, now: number): HeaderFault | undefined {
	const { id, timestamp, signature } = headers;
	if (!isFilled(id) || !isFilled(timestamp) || !isFilled(signature)) return 'unsigned';
	const sentAt = readTime(timestamp);
	const isTimely = sentAt !== undefined && Math.abs(now - sentAt) <= WINDOW_MS;
	return isTimely ? undefined : 'untimely';
}

/**
 * Checks a callback as https://www.standardwebhooks.com describes it: headers, window, signature.
 * Never throws, and reads nothing of the body.
 * @param secret the signing secret; with one that cannot be used, every message is forged
 * @param now milliseconds since 1970
 */
export function verify(message: SignedMessage, secret: string, now: number): Verdict {
	const fault = headerFault(message, now);
	if (fault) return fault;
	if (secretFault(secret)) return 'forged';
	const { id, timestamp, signature, body } = message as SignedMessage & { signature: string };
	const given = signature.split(' ').flatMap(readEntry);
	const content = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), body]);
	for (const key of keysFrom(secret)) {
		const expected = createHmac('sha256', key).update(content).digest('base64');
		if (given.some((entry) => isSame(entry, expected))) return 'genuine';
	}
	return 'forged';
}

function isFilled(header: unknown): header is string {
	return typeof header === 'string' && header !== '';
}

/** In seconds, this is the year 5138; in milliseconds, 1973. */
const SMALLEST_MILLISECONDS = 1e11;

function readTime(timestamp: string): number | undefined {
	if (!/^\d{1,15}$/.test(timestamp)) return undefined;
	const value = Number(timestamp);
	return value < SMALLEST_MILLISECONDS ? value * 1000 : value;
}

/** While keys are rotated there is one entry for each key; its version may be any number. */
function readEntry(entry: string): string[] {
	const [, signature] = /^v\d+,(.+)$/.exec(entry) ?? [];
	return signature === undefined ? [] : [signature];
}

/** Secrets of standard webhooks begin with this, and Base64 follows. */
const PREFIX = 'whsec_';

/**
 * Some providers sign with the secret's own UTF-8 bytes; others, as standard webhooks do, with the
 * bytes that it is the Base64 of.
 */
function keysFrom(secret: string): Buffer[] {
	const text = secret.trim();
	const decoded = decode(text.startsWith(PREFIX) ? text.slice(PREFIX.length) : text);
	const keys = [Buffer.from(text), ...(decoded ? [decoded] : [])];
	return keys.filter(({ length }) => length >= SHORTEST_SECRET);
}

/** @returns the bytes, or undefined where the text is no Base64 */
function decode(text: string): Buffer | undefined {
	const isBase64 = text.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(text);
	return isBase64 ? Buffer.from(text, 'base64') : undefined;
}

/** Compares the texts, not the bytes they stand for: a decoder skips characters that are no Base64. */
function isSame(given: string, expected: string): boolean {
	const [a, b] = [Buffer.from(given), Buffer.from(expected)];
	return a.length === b.length && timingSafeEqual(a, b);
}
