import { createHmac, timingSafeEqual } from 'node:crypto';

/** A callback as it came: the headers are the caller's, and may hold anything. */
export interface SignedMessage {
	/** `webhook-id` */
	id: unknown;
	/** `webhook-timestamp`, Unix time in seconds or milliseconds: not every provider says which. */
	timestamp: unknown;
	/** `webhook-signature`, one or more `v1,<Base64>` with spaces between them. */
	signature: unknown;
	/** The bytes of the body: parsing and writing JSON again would change them. */
	body: Buffer;
}

export type Verdict = 'genuine' | 'unsigned' | 'untimely' | 'forged';

/** How old a message may be, and how far the sender's clock may be ahead, in milliseconds. */
export const WINDOW_MS = 5 * 60_000;

/**
 * Checks a callback as https://www.standardwebhooks.com describes it: headers, window, signature.
 * Never throws, and reads nothing of the body.
 * @param secret the signing secret; an empty one makes every message a forgery
 * @param now milliseconds since 1970
 */
export function verify(
	{ id, timestamp, signature, body }: SignedMessage,
	secret: string,
	now: number,
): Verdict {
	if (!isFilled(id) || !isFilled(timestamp) || !isFilled(signature)) return 'unsigned';
	const sentAt = readTime(timestamp);
	if (sentAt === undefined || Math.abs(now - sentAt) > WINDOW_MS) return 'untimely';
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

/** While keys are rotated there is an entry for each, and the number before it may rise. */
function readEntry(entry: string): string[] {
	const [, signature] = /^v\d+,(.+)$/.exec(entry) ?? [];
	return signature === undefined ? [] : [signature];
}

/**
 * Some providers sign with the secret's own bytes, others, as standard webhooks do, with what it
 * decodes to. No key is ever empty: anyone could sign with that.
 */
function* keysFrom(secret: string): Generator<Buffer> {
	const text = secret.trim();
	if (text !== '') yield Buffer.from(text);
	const encoded = text.replace(/^whsec_/, '');
	if (encoded !== '' && encoded.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(encoded)) {
		yield Buffer.from(encoded, 'base64');
	}
}

/** The texts, not what they decode to: a decoder passes over characters that do not belong. */
function isSame(given: string, expected: string): boolean {
	const [a, b] = [Buffer.from(given), Buffer.from(expected)];
	return a.length === b.length && timingSafeEqual(a, b);
}
