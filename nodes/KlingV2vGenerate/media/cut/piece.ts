import { unchecked } from '../../../shared/media/fault';
import { Unfit } from './unfit';

/** Samples of a track that follow one another in time and in the file, and are all alike: mostly one. */
export interface Piece {
	/** Where the first is in the file. */
	offset: number;
	/** Bytes of each; a fraction where several share a packet of old QuickTime sound. */
	size: number;
	count: number;
	/** When the first is decoded, in ticks of the track's clock. */
	time: number;
	/** Ticks that each lasts. */
	duration: number;
	/** Ticks from decoding to showing. */
	shift: number;
	/** A decoder can begin here. */
	isSync: boolean;
	/** Which of the track's sample descriptions is meant, from 1 on. */
	description: number;
}

/** The most pieces that a plan holds: minutes of a video, and a bound for its memory. */
export const MOST_PIECES = 20_000;

/** When it is shown, in ticks of the track's clock. */
export function shownAt({ time, shift }: Piece): number {
	return time + shift;
}

export function endOf({ time, duration, count }: Piece): number {
	return time + duration * count;
}

export function bytesOf({ size, count }: Piece): number {
	return Math.round(size * count);
}

/** The pieces that are needed to have a track from one tick to another. */
export interface Range {
	from: number;
	to: number;
}

/** Frames are decoded in another order than they are shown in, but never by more than so many. */
export const REORDERED = 40;

export function tooMany(): Unfit {
	return new Unfit(unchecked(`the part has more than ${MOST_PIECES} samples`));
}
