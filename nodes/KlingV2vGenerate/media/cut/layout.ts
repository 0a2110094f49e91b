import { unchecked } from '../../../shared/media/fault';
import type { CutTrack } from './cutTrack';
import type { Piece } from './piece';
import { bytesOf } from './piece';
import { damaged, Unfit } from './unfit';

const MB = 1024 * 1024;

/** No larger file is planned: nothing would take it. */
const MOST_BYTES = 64 * 1024 * MB;

/** A range of the source that goes into the new file as it is. */
export interface Span {
	from: number;
	to: number;
}

/** Samples of one track that lie one behind the other in the new file. */
export interface Chunk {
	/** Where it begins, in bytes after the head of the new file. */
	at: number;
	samples: number;
	description: number;
}

export interface Layout {
	/** The ranges to copy, in the order of the new file. */
	spans: Span[];
	/** The chunks of each track. */
	chunks: Chunk[][];
	/** Bytes of all samples. */
	bytes: number;
}

/** A player that reads one chunk at a time should not need much memory for it. */
const LONGEST_CHUNK = MB;

/**
 * Puts the samples into the order that they have in the source, so that this is read from front to
 * back, and their tracks are interleaved as they were.
 * @param size bytes of the source; Infinity where not known
 */
export function layOut(tracks: CutTrack[], size: number): Layout {
	const pieces = tracks.flatMap((track) => track.pieces);
	for (const piece of pieces) checkPlace(piece, size);
	pieces.sort((one, other) => one.offset - other.offset);
	const places = new Map<Piece, number>();
	const spans: Span[] = [];
	let bytes = 0;
	for (const piece of pieces) {
		places.set(piece, bytes);
		const length = bytesOf(piece);
		bytes += length;
		const last = spans[spans.length - 1];
		if (last && last.to === piece.offset) last.to += length;
		else if (length > 0) spans.push({ from: piece.offset, to: piece.offset + length });
	}
	if (bytes > MOST_BYTES) throw new Unfit(unchecked('the part is too large to be cut out'));
	return { spans, bytes, chunks: tracks.map((track) => chunksOf(track.pieces, places)) };
}

function checkPlace(piece: Piece, size: number): void {
	const end = piece.offset + bytesOf(piece);
	if (!(piece.offset >= 0 && Number.isSafeInteger(end))) {
		throw damaged('its index points outside of it');
	}
	if (end > size) throw damaged('it ends before the part does');
}

function chunksOf(pieces: Piece[], places: Map<Piece, number>): Chunk[] {
	const chunks: Chunk[] = [];
	let end = -1;
	for (const piece of pieces) {
		const at = places.get(piece) as number;
		const last = chunks[chunks.length - 1];
		const goesOn =
			last && at === end && last.description === piece.description && end - last.at < LONGEST_CHUNK;
		if (goesOn) last.samples += piece.count;
		else chunks.push({ at, samples: piece.count, description: piece.description });
		end = at + bytesOf(piece);
	}
	return chunks;
}
