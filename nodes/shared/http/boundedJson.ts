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
 * @returns the parsed JSON, or the text where it is none
 * @throws UnreadableAnswer
 */
export async function readBoundedJson(
	{ headers, body }: StreamedAnswer,
	disconnect: () => void,
	{ maxBytes, timeout }: { maxBytes: number; timeout: number } = {
		maxBytes: timing.http.maxJsonBytes,
		timeout: timing.http.readTimeout,
	},
): Promise<unknown> {
	const announced = announcedLength(headers);
	const ending = AbortSignal.timeout(timeout);
	body.on('error', () => {});
	try {
		const coding = asText(headers['content-encoding']) ?? 'identity';
		if (coding !== 'identity') throw packed(coding);
		if ((announced ?? 0) > maxBytes) throw tooLong(maxBytes);
		const chunks: Buffer[] = [];
		let length = 0;
		await new Promise<void>((resolve, reject) => {
			if (body.destroyed) return reject(cutOff());
			ending.addEventListener('abort', () => {
				reject(new UnreadableAnswer(`the answer takes more than ${timeout / 1000} s`));
			});
			body.on('data', (chunk: Buffer) => {
				length += chunk.length;
				// n8n unpacks without being asked to, and hides that an answer was packed.
				if (length > (announced ?? Infinity)) return reject(packed('its length is another'));
				if (length > maxBytes) return reject(tooLong(maxBytes));
				chunks.push(chunk);
			});
			body.once('end', resolve);
			body.once('error', (error: Error) => reject(cutOff(error)));
			body.once('close', () => reject(cutOff()));
		});
		if (announced !== undefined && length < announced) throw cutOff();
		return parse(
			Buffer.concat(chunks)
				.toString()
				.replace(/^\uFEFF/, ''),
		);
	} finally {
		disconnect();
		body.destroy();
	}
}

function announcedLength(headers: StreamedAnswer['headers']): number | undefined {
	const length = asText(headers['content-length']) ?? '';
	return /^\d+$/.test(length) ? Number(length) : undefined;
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
