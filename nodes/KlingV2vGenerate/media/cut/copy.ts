import type { MediaFault } from '../../../shared/media/fault';
import { isFault, unchecked } from '../../../shared/media/fault';
import type { ByteSource } from '../../../shared/media/source';
import type { Span } from './layout';

const KB = 1024;

/** Bytes that are read, and held, at a time. */
const BLOCK = 1024 * KB;

/** A gap of so many bytes is read over: another read would take longer. */
const GAP = 64 * KB;

/** Thrown by a stream that cannot go on: half a file must not be taken for a whole one. */
export class CutInterrupted extends Error {}

/**
 * Copies ranges of a source, in their order.
 * @param onFault told why the source does not give them any more
 * @throws CutInterrupted then
 */
export async function* copy(
	source: ByteSource,
	spans: Span[],
	onFault?: (fault: MediaFault) => void,
): AsyncGenerator<Buffer> {
	let block: { start: number; bytes: Buffer } = { start: 0, bytes: Buffer.alloc(0) };
	for (let index = 0; index < spans.length; index++) {
		const { from, to } = spans[index];
		for (let at = from; at < to; ) {
			if (at < block.start || at >= block.start + block.bytes.length) {
				const end = Math.min(at + BLOCK, endOfRead(spans, index, at));
				const bytes = await readWhole(source, at, end - at);
				if (isFault(bytes)) {
					onFault?.(bytes);
					throw new CutInterrupted(bytes.reason);
				}
				block = { start: at, bytes };
			}
			const piece = block.bytes.subarray(at - block.start, to - block.start);
			at += piece.length;
			yield piece;
		}
	}
}

/** @returns where a read that begins in a span ends: in the last one that is near enough */
function endOfRead(spans: Span[], index: number, at: number): number {
	let { to } = spans[index];
	for (let next = index + 1; next < spans.length && to < at + BLOCK; next++) {
		const gap = spans[next].from - to;
		if (gap < 0 || gap > GAP) break;
		to = spans[next].to;
	}
	return to;
}

async function readWhole(
	source: ByteSource,
	offset: number,
	length: number,
): Promise<Buffer | MediaFault> {
	const found = await source.read(offset, length);
	if (isFault(found)) return found;
	return found.length < length
		? unchecked('it ended while a part of it was read')
		: found.subarray(0, length);
}
