import type { MediaFault } from './fault';

/** Where the bytes of a file come from: an HTTP host, n8n's binary store, memory. */
export interface ByteSource {
	/** Bytes of the whole file; undefined until a read has found it out, or for good. */
	readonly size?: number;
	/**
	 * One request, where the file is at an HTTP host.
	 * @returns fewer bytes than asked for only at the end of the file
	 */
	read(offset: number, length: number): Promise<Buffer | MediaFault>;
}

export function bufferSource(bytes: Buffer): ByteSource {
	return {
		size: bytes.length,
		read: async (offset, length) => bytes.subarray(offset, offset + length),
	};
}

/**
 * Takes a part out of a stream and leaves the rest of it unread.
 * @param skip bytes that come before the part
 * @returns fewer bytes where the stream ends early
 */
export async function collect(
	stream: AsyncIterable<Buffer>,
	length: number,
	skip = 0,
): Promise<Buffer> {
	const chunks: Buffer[] = [];
	let from = 0;
	for await (const chunk of stream) {
		chunks.push(chunk.subarray(Math.max(0, skip - from), Math.max(0, skip + length - from)));
		from += chunk.length;
		if (from >= skip + length) break;
	}
	return Buffer.concat(chunks);
}
