import { int, isLong, uint } from '../../../shared/media/boxes';
import { unchecked } from '../../../shared/media/fault';
import { Unfit } from './unfit';

/** An entry of an edit list: a span of the movie, and which part of a track it shows. */
export interface Edit {
	/** Seconds from the start of the movie. */
	at: number;
	/** Seconds that it lasts; Infinity where it goes on to the end of the track. */
	length: number;
	/** Ticks of the track's clock where its part of the track begins; undefined in a pause. */
	media?: number;
	/** How fast it is played. */
	rate: number;
}

const WHOLE: Edit = { at: 0, length: Infinity, media: 0, rate: 1 };

/**
 * @param elst content of the edit list; empty where the track has none
 * @param movieTimescale ticks per second of the movie's clock
 */
export function readEdits(elst: Buffer, movieTimescale: number): Edit[] {
	const bytes = isLong(elst) ? 8 : 4;
	const entryBytes = 2 * bytes + 4;
	const room = Math.floor((elst.length - 8) / entryBytes);
	const count = Math.min(uint(elst, 4), room);
	const edits: Edit[] = [];
	let at = 0;
	for (let entry = 0; entry < count; entry++) {
		const from = 8 + entry * entryBytes;
		const seconds = uint(elst, from, bytes) / movieTimescale;
		const media = int(elst, from + bytes, bytes);
		const rate = int(elst, from + 2 * bytes) / 65536;
		// No length means all there is; that can only be said of the last one.
		const length = seconds > 0 ? seconds : entry === count - 1 && media >= 0 ? Infinity : 0;
		if (length > 0) edits.push({ at, length, rate, ...(media >= 0 ? { media } : {}) });
		at += length;
	}
	return edits.some(({ media }) => media !== undefined) ? edits : [WHOLE];
}

/** When the track is first seen or heard: seconds from the start of the movie. */
export function firstShown(edits: Edit[]): number {
	return edits.find(({ media }) => media !== undefined)?.at ?? 0;
}

/** An edit as far as it is in a span of the movie. */
export interface ClippedEdit extends Edit {
	/** Ticks of the track that the whole edit shows. */
	whole?: { from: number; to: number };
}

/**
 * Clips edits to a span of the movie.
 * @param from seconds
 * @param to seconds
 * @param timescale ticks per second of the track's clock
 */
export function editsWithin(
	edits: Edit[],
	from: number,
	to: number,
	timescale: number,
): ClippedEdit[] {
	const within: ClippedEdit[] = [];
	for (const { at, length, media, rate } of edits) {
		const start = Math.max(at, from);
		const end = Math.min(at + length, to);
		if (!(end > start)) continue;
		if (media === undefined) within.push({ at: start, length: end - start, rate });
		else if (rate !== 1) throw new Unfit(unchecked('its edit list plays it at another speed'));
		else {
			const ticks = media + (start - at) * timescale;
			const whole = { from: media, to: media + length * timescale };
			within.push({ at: start, length: end - start, media: ticks, rate, whole });
		}
	}
	return within;
}

/** The part of a track that edits show, in ticks of its clock; undefined where they show nothing. */
export function shownRange(
	edits: Edit[],
	timescale: number,
): { from: number; to: number } | undefined {
	const shown = edits.filter((edit) => edit.media !== undefined) as Array<Required<Edit>>;
	if (shown.length === 0) return undefined;
	return {
		from: shown.reduce((least, { media }) => Math.min(least, media), Infinity),
		to: shown.reduce((most, { media, length }) => Math.max(most, media + length * timescale), 0),
	};
}
