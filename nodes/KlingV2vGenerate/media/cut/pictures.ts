import { wrong } from '../../../shared/media/fault';
import type { CutTrack } from './cutTrack';
import { newEdits } from './cutTrack';
import type { ClippedEdit } from './edits';
import { editsWithin, firstShown, shownRange } from './edits';
import { needsOthers } from './gradualRefresh';
import type { TrackIndex } from './movieIndex';
import type { Piece, Range } from './piece';
import { endOf, shownAt } from './piece';
import { Unfit } from './unfit';

/** Lists samples of a track. */
export type Lister = (track: TrackIndex, range: Range) => Promise<Piece[]>;

/** Reads the first bytes of a sample. */
export type HeadReader = (piece: Piece) => Promise<Buffer>;

/** The pictures of the part, and with them when it starts and ends. */
export interface Pictures {
	cut: CutTrack;
	/** Seconds of the source. */
	start: number;
	end: number;
	/** Frames that are shown. */
	frames: number;
	/** Seconds of pictures in the new file that come before the first one shown. */
	lead: number;
	/** Seconds of all pictures in the new file. */
	storedDuration: number;
}

type ShownEdit = Required<ClippedEdit>;

/**
 * Finds the frames of a part: the one that is on screen at its start, and so on up to the frame that
 * ends nearest to its end. Before them come the frames that they need.
 * @param wanted seconds of the source
 */
export async function cutPictures(
	track: TrackIndex,
	wanted: { start: number; length: number },
	list: Lister,
	readHead: HeadReader,
): Promise<Pictures> {
	const { timescale } = track;
	const from = Math.max(wanted.start, firstShown(track.edits));
	const edits = editsWithin(track.edits, from, from + wanted.length, timescale);
	while (edits.length > 0 && edits[edits.length - 1].media === undefined) edits.pop();
	const range = shownRange(edits, timescale);
	if (!range) throw endsBefore(from);
	// Half a tick, as seconds are not exact; one more frame, as the part may end behind it.
	const listed = await list(track, { from: range.from + 0.5, to: range.to + timescale / 10 });
	const shown = snap(edits, listed, wanted.length * timescale, timescale);
	if (!shown) throw endsBefore(from);

	const exact = shownRange(shown, timescale) as Range;
	const stored = await storedFor(exact, listed, track, list, readHead);
	const times = stored.map(shownAt);
	const earliest = times.reduce((least, time) => Math.min(least, time), Infinity);
	const latest = stored.reduce((most, piece) => Math.max(most, shownEnd(piece)), -Infinity);
	const { pieces, base } = fromZero(stored, earliest);
	const last = shown[shown.length - 1];
	const start = shown[0].at;
	return {
		cut: { track, pieces, edits: newEdits(shown, start, timescale, base) },
		start,
		end: last.at + last.length,
		frames: times.filter((time) => shown.some((edit) => isIn(edit, time, timescale))).length,
		lead: Math.max(0, (exact.from - earliest) / timescale),
		storedDuration: (latest - earliest) / timescale,
	};
}

function endsBefore(seconds: number): Unfit {
	return new Unfit(wrong(`ends before the part begins, at ${Number(seconds.toFixed(3))} s`));
}

function shownEnd(piece: Piece): number {
	return endOf(piece) + piece.shift;
}

function isIn({ media, length }: ClippedEdit, time: number, timescale: number): boolean {
	return media !== undefined && time >= media - 0.5 && time < media + length * timescale - 0.5;
}

/**
 * Moves the start and the end of a part to where frames begin.
 * @param length ticks that are wanted
 * @returns undefined where there is no frame
 */
function snap(
	edits: ClippedEdit[],
	listed: Piece[],
	length: number,
	timescale: number,
): ClippedEdit[] | undefined {
	const times = listed.map(shownAt).sort((one, other) => one - other);
	const end = listed.reduce((most, piece) => Math.max(most, shownEnd(piece)), -Infinity);
	const snapped = edits.map((edit) => ({ ...edit }));
	const shown = snapped.filter(({ media }) => media !== undefined) as ShownEdit[];
	const [first] = shown;
	const last = shown[shown.length - 1];

	const begin = beginOf(first, times, end);
	if (begin === undefined) return undefined;
	const moved = (first.media - begin) / timescale;
	first.at -= moved;
	first.length += moved;
	first.media = begin;

	const target = shown.length === 1 ? begin + length : last.media + last.length * timescale;
	const finish = nearestEnd(last, times, Math.min(end, last.whole.to), target);
	last.length = (finish - last.media) / timescale;
	return last.length > 0 ? snapped : undefined;
}

/** @returns when the frame begins that is on screen at the start of an edit, or the next one */
function beginOf({ media, whole }: ShownEdit, times: number[], end: number): number | undefined {
	if (media >= end - 0.5) return undefined;
	const inEdit = times.filter((time) => time >= whole.from - 0.5 && time < whole.to - 0.5);
	const before = inEdit.filter((time) => time <= media + 0.5);
	return before.length > 0 ? before[before.length - 1] : inEdit[0];
}

function nearestEnd({ media }: ShownEdit, times: number[], end: number, target: number): number {
	let nearest = Math.round(end);
	for (const time of times) {
		const isNearer = Math.abs(time - target) < Math.abs(nearest - target);
		if (time > media && time < end && isNearer) nearest = time;
	}
	return nearest;
}

/** @returns the samples to store, in the order of decoding */
async function storedFor(
	shown: Range,
	listed: Piece[],
	track: TrackIndex,
	list: Lister,
	readHead: HeadReader,
): Promise<Piece[]> {
	const stored = fromSync(listed, shown.from, shown.to);
	const [first] = stored;
	if (!first.isSync || !needsOthers(track.stsd, await readHead(first))) return stored;
	// From the one before it, the picture is whole when the part begins; no player may begin later.
	const from = shownAt(first) - 1;
	const earlier = await list(track, { from, to: shown.to + track.timescale / 10 });
	const whole = fromSync(earlier, from, shown.to);
	return whole.map((piece, at) => ({ ...piece, isSync: at === 0 }));
}

/** @returns the samples from the last sync sample at a tick or before */
function fromSync(listed: Piece[], from: number, to: number): Piece[] {
	const isBefore = (piece: Piece) => piece.isSync && shownAt(piece) <= from + 0.5;
	const sync = listed.findLastIndex(isBefore);
	const first = Math.max(0, sync);
	const stored = listed.slice(first, lastFor(listed, first, to) + 1);
	// Frames that are decoded after the sync sample but shown before it may need earlier ones.
	return sync < 0 ? stored : stored.filter((piece) => shownAt(piece) >= shownAt(stored[0]));
}

/**
 * @param to tick where the part ends
 * @returns the last sample to store: what is shown of those stored is without a gap, even where a
 * player does not know edit lists
 */
function lastFor(listed: Piece[], first: number, to: number): number {
	let last = listed.findLastIndex((piece) => shownAt(piece) < to - 0.5);
	let latest = -Infinity;
	for (let at = first; at < listed.length; at++) {
		if (shownAt(listed[at]) < latest) last = Math.max(last, at);
		// One that is not stored yet does not count: nothing has to be without a gap up to it.
		else if (at <= last) latest = shownAt(listed[at]);
	}
	return last;
}

/**
 * Counts times from zero. Where samples were left out, those before are moved up to the next: a
 * frame that lasts longer than the others would spoil the frame rate.
 * @param earliest tick of the first frame shown
 * @returns the pieces, and the tick that is shown at their zero
 */
function fromZero(stored: Piece[], earliest: number): { pieces: Piece[]; base: number } {
	const times: number[] = [];
	let next = stored[stored.length - 1].time + stored[stored.length - 1].duration;
	for (let at = stored.length - 1; at >= 0; at--) {
		next -= stored[at].duration;
		times[at] = next;
	}
	const base = Math.min(times[0], earliest);
	const pieces = stored.map((piece, at) => {
		const time = times[at] - times[0];
		return { ...piece, time, shift: shownAt(piece) - base - time };
	});
	return { pieces, base };
}
