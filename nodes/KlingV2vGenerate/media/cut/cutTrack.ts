import type { TrackIndex } from './movieIndex';
import type { Piece } from './piece';

/** An entry of the edit list of the new file. */
export interface NewEdit {
	/** Ticks of the new movie's clock. */
	ticks: number;
	/** Ticks of the track's clock, in the new file; undefined in a pause. */
	media?: number;
}

/** A track of the new file: its pieces in the order of decoding, their times counted from 0. */
export interface CutTrack {
	track: TrackIndex;
	pieces: Piece[];
	edits: NewEdit[];
}

/**
 * Writes clipped edits as they are in the new file.
 * @param start seconds in the source where the new movie starts
 * @param movieTimescale ticks per second of the new movie's clock
 * @param mediaBase ticks in the source's track that are 0 in the new one
 */
export function newEdits(
	edits: Array<{ at: number; length: number; media?: number }>,
	start: number,
	movieTimescale: number,
	mediaBase: number,
): NewEdit[] {
	const ticksAt = (seconds: number) => Math.round((seconds - start) * movieTimescale);
	return edits.map(({ at, length, media }) => ({
		ticks: ticksAt(at + length) - ticksAt(at),
		...(media === undefined ? {} : { media: Math.max(0, Math.round(media - mediaBase)) }),
	}));
}
