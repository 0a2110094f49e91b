import { bodyOf, boxAt } from './boxWalk';
import type { FragmentContext, TrackFragment } from './fragmentBoxes';
import { readFragment } from './fragmentBoxes';
import type { Hint } from './fragmentHints';
import { hintsOfIndex, hintsOfTail } from './fragmentHints';
import type { IndexReader } from './indexReader';
import type { MovieIndex, TrackIndex } from './movieIndex';
import type { Piece, Range } from './piece';
import { MOST_PIECES, REORDERED, shownAt, tooMany } from './piece';
import { listedTicks, listFromTables } from './tableSamples';

/** Bytes to read where a fragment may begin: most indexes of one are smaller. */
const AHEAD = 16 * 1024;

/** Fragments of so many bytes are read several at a time. */
const SMALL = 64 * 1024;
const AHEAD_OF_SMALL = 512 * 1024;

/** Seconds that the tracks of one file are at most apart from each other in it. */
const SKEW = 10;

/** Lists samples of a file whose samples are in fragments, or go on there. */
export class FragmentSamples {
	private hints: Hint[] = [];

	private hasAllHints = false;

	private readonly defaults: FragmentContext['defaults'];

	constructor(
		private readonly reader: IndexReader,
		private readonly movie: MovieIndex,
	) {
		this.defaults = new Map(
			movie.tracks.flatMap(({ id, defaults }) => (defaults ? [[id, defaults]] : [])),
		);
	}

	/** @param range ticks: from the last sync sample before it, on to the first samples after it */
	async list(track: TrackIndex, range: Range): Promise<Piece[]> {
		const first = this.movie.end;
		const seconds = range.from / track.timescale;
		if (!this.hasAllHints) await this.findHints(seconds);
		const starts = this.hints.filter((hint) => hint.seconds <= seconds).map(({ at }) => at);
		for (let back = 1; back <= starts.length; back *= 2) {
			const pieces = await this.walk(starts[starts.length - back], track, range);
			if (pieces.some((piece) => piece.isSync && shownAt(piece) <= range.from)) return pieces;
		}
		return await this.walk(first, track, range);
	}

	/** An index of the fragments is in front of the first, or at the end of the file. */
	private async findHints(seconds: number): Promise<void> {
		this.hasAllHints = true;
		let at = this.movie.end;
		for (let boxes = 0; boxes < 20; boxes++) {
			const box = await boxAt(this.reader, at, AHEAD);
			if (!box || box.type === 'moof') break;
			if (box.type === 'sidx') {
				this.hints.push(...hintsOfIndex(await bodyOf(this.reader, box), box.end));
			}
			at = box.end;
		}
		// A single one says nothing that is not known.
		if (this.hints.length <= 1 && seconds > 0) {
			const timescales = new Map(this.movie.tracks.map(({ id, timescale }) => [id, timescale]));
			this.hints = await hintsOfTail(this.reader, timescales);
		}
		this.hints.sort((one, other) => one.seconds - other.seconds);
	}

	/** Goes from fragment to fragment until the range is over. */
	private async walk(start: number, track: TrackIndex, range: Range): Promise<Piece[]> {
		const isFirst = start === this.movie.end;
		const next = new Map<number, number>(isFirst ? await this.listedEnds() : []);
		const collected = new Collected(range);
		if (isFirst && range.from < (next.get(track.id) ?? 0)) {
			collected.add(await listFromTables(track, range));
		}
		let ahead = AHEAD;
		let fragmentAt = start;
		for (let at = start; !collected.isOver && !this.isFarBehind(next, track, range); ) {
			const box = await boxAt(this.reader, at, ahead);
			if (!box) break;
			if (box.type === 'moof') {
				ahead = box.start - fragmentAt > SMALL || at === start ? AHEAD : AHEAD_OF_SMALL;
				fragmentAt = box.start;
				const moof = await bodyOf(this.reader, box);
				const fragments = readFragment(moof, box.start, { defaults: this.defaults, next });
				for (const { trackId, end } of fragments) next.set(trackId, end);
				const own = fragments.filter(({ trackId }) => trackId === track.id);
				// Without a time of its own, a fragment can only be placed by all that come before it.
				if (own.some(hasNoTime)) return [];
				for (const { pieces } of own) collected.add(pieces);
			}
			at = box.end;
		}
		return collected.pieces;
	}

	/** Whether the other tracks are so far behind the range that this one has ended. */
	private isFarBehind(next: Map<number, number>, track: TrackIndex, { to }: Range): boolean {
		const end = to / track.timescale + SKEW;
		return this.movie.tracks.some(({ id, timescale }) => (next.get(id) ?? 0) / timescale > end);
	}

	/** Ticks of each track that the `moov` box lists, before all fragments. */
	private async listedEnds(): Promise<Array<[number, number]>> {
		const ends: Array<[number, number]> = [];
		for (const track of this.movie.tracks) ends.push([track.id, await listedTicks(track)]);
		return ends;
	}
}

function hasNoTime({ start }: TrackFragment): boolean {
	return Number.isNaN(start);
}

/** The samples of a range, as far as they were met, without those that are too early. */
class Collected {
	pieces: Piece[] = [];

	private after = 0;

	private isReordered = false;

	constructor(private readonly range: Range) {}

	get isOver(): boolean {
		return this.after > (this.isReordered ? REORDERED : 0);
	}

	add(pieces: Piece[]): void {
		for (const piece of pieces) {
			if (this.isOver) return;
			if (piece.shift !== 0) this.isReordered = true;
			if (piece.time >= this.range.to) this.after++;
			if (piece.isSync && shownAt(piece) <= this.range.from) this.pieces = [];
			if (this.pieces.length >= MOST_PIECES) throw tooMany();
			this.pieces.push(piece);
		}
	}
}
