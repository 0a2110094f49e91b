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
	/** Ends what a read may have left open for the next one to go on from. */
	close?(): void;
}

export function bufferSource(bytes: Buffer): ByteSource {
	return {
		size: bytes.length,
		read: async (offset, length) => bytes.subarray(offset, offset + length),
	};
}

/**
 * Takes the start of a stream and leaves the rest of it unread.
 * @returns fewer bytes where the stream ends early
 */
export async function collect(stream: AsyncIterable<Buffer>, length: number): Promise<Buffer> {
	const chunks: Buffer[] = [];
	let missing = length;
	for await (const chunk of stream) {
		chunks.push(chunk.subarray(0, missing));
		missing -= chunk.length;
		if (missing <= 0) break;
	}
	return Buffer.concat(chunks);
}
