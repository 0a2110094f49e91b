import type { ByteStream } from '../n8n/internals';
import { timing } from '../timing';
import { asText } from '../util/unknown';

/**
 * Reads the JSON of an answer as a stream, so that no answer costs more memory than is allowed for one:
 * n8n's request helper by itself unpacks and collects whatever comes.
 */

/** Ask for an answer with these options of n8n's request helper. */
export const BOUNDED = {
	encoding: 'stream',
	returnFullResponse: true,
	// A few hundred kilobytes of a packed answer may be a gigabyte.
	headers: { 'Accept-Encoding': 'identity' },
} as const;

/** An answer that was asked for with `BOUNDED`. */
export interface StreamedAnswer {
	headers: Record<string, unknown>;
	body: ByteStream;
}

/** The answer is no use: too long, packed, cut off, or too slow. The request itself was sent. */
export class UnreadableAnswer extends Error {}

/**
 * @param disconnect ends the request; destroying a body that has not been read leaves its connection open
 * @param limits bytes of the body, and milliseconds until its last byte
 * @returns the parsed JSON, or the text where it is none. What has come of an answer that is cut off counts where it
 * is an object or a list: without its last bracket, that is no JSON
 * @throws UnreadableAnswer
 */
export async function readBoundedJson(
	answer: StreamedAnswer,
	disconnect: () => void,
	limits: Limits = { maxBytes: timing.http.maxJsonBytes, timeout: timing.http.readTimeout },
): Promise<unknown> {
	const { body } = answer;
	const chunks: Buffer[] = [];
	body.on('error', () => {});
	try {
		await receive(answer, chunks, limits).catch((error: unknown) => {
			const content = parse(textOf(chunks));
			if (typeof content !== 'object' || content === null) throw error;
		});
		return parse(textOf(chunks));
	} finally {
		disconnect();
		body.destroy();
	}
}

interface Limits {
	maxBytes: number;
	/** Milliseconds. */
	timeout: number;
}

/**
 * @param chunks takes what comes
 * @throws UnreadableAnswer where not all of it comes
 */
async function receive(
	{ headers, body }: StreamedAnswer,
	chunks: Buffer[],
	{ maxBytes, timeout }: Limits,
): Promise<void> {
	const coding = asText(headers['content-encoding']) ?? 'identity';
	if (coding !== 'identity') throw packed(coding);
	const announced = announcedLength(headers);
	if ((announced ?? 0) > maxBytes) throw tooLong(maxBytes);
	const ending = AbortSignal.timeout(timeout);
	let length = 0;
	await new Promise<void>((resolve, reject) => {
		if (body.destroyed) return reject(cutOff());
		ending.addEventListener('abort', () => {
			reject(new UnreadableAnswer(`the answer takes more than ${timeout / 1000} s`));
		});
		body.on('data', (chunk: Buffer) => {
			length += chunk.length;
			if (length > maxBytes) return reject(tooLong(maxBytes));
			chunks.push(chunk);
		});
		body.once('end', resolve);
		body.once('error', (error: Error) => reject(cutOff(error)));
		body.once('close', () => reject(cutOff()));
	});
	// n8n unpacks without being asked to, and hides that an answer was packed: then its length is another.
	if (announced !== undefined && length < announced) throw cutOff();
}

function announcedLength(headers: StreamedAnswer['headers']): number | undefined {
	const length = asText(headers['content-length']) ?? '';
	return /^\d+$/.test(length) ? Number(length) : undefined;
}

function textOf(chunks: Buffer[]): string {
	return Buffer.concat(chunks)
		.toString()
		.replace(/^\uFEFF/, '');
}

function parse(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return text;
	}
}

function packed(how: string): UnreadableAnswer {
	return new UnreadableAnswer(`the answer came packed, which was not asked for (${how})`);
}

function tooLong(maxBytes: number): UnreadableAnswer {
	return new UnreadableAnswer(`the answer is longer than ${Math.round(maxBytes / 1024)} KiB`);
}

function cutOff(cause?: Error): UnreadableAnswer {
	return new UnreadableAnswer('the answer was cut off', { cause });
}
