import type { CutTrack } from './cutTrack';
import { newEdits } from './cutTrack';
import { editsWithin, shownRange } from './edits';
import type { TrackIndex } from './movieIndex';
import type { Lister } from './pictures';
import type { Piece } from './piece';
import { endOf } from './piece';
import { soundUnit } from './tableSamples';

/** Seconds to list before the part, so that the packet before its first one is among them. */
const BEFORE = 0.2;

/** The span of the source that the pictures of a part take. */
export interface Span {
	/** Seconds of the source. */
	start: number;
	end: number;
	/** Seconds of pictures that come before the start. */
	lead: number;
	/** Ticks per second of the new movie's clock. */
	movieTimescale: number;
}

/**
 * Finds the packets of sound that go with the pictures. Sound before the start is stored for as long
 * as pictures are, so that both are together even where a player does not know edit lists.
 * @returns undefined where the track has no sound there
 */
export async function cutSound(
	track: TrackIndex,
	{ start, end, lead, movieTimescale }: Span,
	list: Lister,
): Promise<CutTrack | undefined> {
	const { timescale } = track;
	const edits = editsWithin(track.edits, start, end, timescale);
	const range = shownRange(edits, timescale);
	if (!range) return undefined;
	const from = Math.max(0, range.from - lead * timescale);
	const listed = await list(track, { from: from - BEFORE * timescale, to: range.to });
	const pieces = trim(listed, from, range.to, soundUnit(track)?.samples ?? 1);
	if (pieces.length === 0) return undefined;

	const last = endOf(pieces[pieces.length - 1]);
	const heard = edits
		.filter(({ media }) => media === undefined || media < last)
		.map((edit) => {
			const left = edit.media === undefined ? Infinity : (last - edit.media) / timescale;
			return { ...edit, length: Math.min(edit.length, left) };
		});
	while (heard.length > 0 && heard[heard.length - 1].media === undefined) heard.pop();
	if (heard.length === 0) return undefined;
	const base = pieces[0].time;
	return {
		track,
		pieces: pieces.map((piece) => ({ ...piece, time: piece.time - base })),
		edits: newEdits(heard, start, movieTimescale, base),
	};
}

/** @param unit samples that share a packet */
function trim(listed: Piece[], from: number, to: number, unit: number): Piece[] {
	const found = listed.findLastIndex(({ time, isSync }) => isSync && time <= from);
	const first = Math.max(0, found);
	const trimmed: Piece[] = [];
	for (const piece of listed.slice(withEarlier(listed, first))) {
		const { time, duration, count, offset, size } = piece;
		if (time >= to) break;
		// A decoder of packets needs the one before to begin with.
		const needed = duration > 1 ? from - duration : from;
		const skipped = piecesBefore(needed - time, duration, count, unit);
		trimmed.push({
			...piece,
			offset: Math.round(offset + skipped * size),
			count: count - skipped,
			time: time + skipped * duration,
		});
	}
	return trimmed;
}

/** @returns how many samples of a piece are not needed, as its first is so many ticks too early */
function piecesBefore(ticks: number, duration: number, count: number, unit: number): number {
	if (!(ticks > 0 && duration > 0)) return 0;
	return Math.min(Math.floor(ticks / duration / unit) * unit, count - 1);
}

/** @returns the piece with the packet before the first one that is wanted */
function withEarlier(listed: Piece[], first: number): number {
	const isPacket = listed.length > 0 && listed[first].duration > 1;
	if (!isPacket || first === 0 || listed[first].count > 1) return first;
	return Math.max(
		0,
		listed.findLastIndex(({ isSync }, at) => isSync && at < first),
	);
}
