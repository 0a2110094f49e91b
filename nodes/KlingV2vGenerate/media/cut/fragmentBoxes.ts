import { children, flags, inside, int, isLong, uint } from '../../../shared/media/boxes';
import type { Piece } from './piece';
import { endOf, MOST_PIECES, tooMany } from './piece';
import { damaged } from './unfit';

/** Values of the samples in a track's fragments where these do not say otherwise (`trex`). */
export interface TrackDefaults {
	description: number;
	duration: number;
	size: number;
	flags: number;
}

/** The samples of one track in one fragment. */
export interface TrackFragment {
	trackId: number;
	/** Ticks when the first is decoded. */
	start: number;
	end: number;
	pieces: Piece[];
}

/** Facts from before a fragment that its reader needs. */
export interface FragmentContext {
	defaults: Map<number, TrackDefaults>;
	/** Ticks where each track goes on, where known; used where a fragment does not say. */
	next: Map<number, number>;
}

const NOT_SYNC = 0x10000;

export function readDefaults(mvex: Buffer): Map<number, TrackDefaults> {
	const trexes = children(mvex).filter(({ type, body }) => type === 'trex' && body.length >= 24);
	return new Map(
		trexes.map(({ body }) => [
			uint(body, 4),
			{
				description: uint(body, 8),
				duration: uint(body, 12),
				size: uint(body, 16),
				flags: uint(body, 20),
			},
		]),
	);
}

/**
 * @param moof content of the box
 * @param start where the box begins in the file
 */
export function readFragment(
	moof: Buffer,
	start: number,
	{ defaults, next }: FragmentContext,
): TrackFragment[] {
	const found: TrackFragment[] = [];
	// A track fragment without an address goes on where the one before it ended.
	let dataEnd = start;
	for (const { type, body: traf } of children(moof)) {
		if (type !== 'traf') continue;
		const header = readHeader(inside(traf, 'tfhd'), defaults);
		if (!header) continue;
		const base = header.base ?? (header.isFromMoof ? start : dataEnd);
		const begins = readStart(inside(traf, 'tfdt')) ?? next.get(header.trackId) ?? NaN;
		const runs = new Runs(header.defaults, base, begins);
		for (const { type: kind, body } of children(traf)) {
			if (kind === 'trun') runs.take(body, base);
			if (kind === 'senc') throw damaged('its fragments are protected against copying');
		}
		dataEnd = runs.offset;
		found.push({
			trackId: header.trackId,
			start: begins,
			end: runs.time,
			pieces: runs.pieces,
		});
	}
	return found;
}

interface TrackHeader {
	trackId: number;
	base?: number;
	isFromMoof: boolean;
	defaults: TrackDefaults;
}

function readHeader(tfhd: Buffer, defaults: Map<number, TrackDefaults>): TrackHeader | undefined {
	const trackId = uint(tfhd, 4);
	const usual = defaults.get(trackId);
	if (!usual) return undefined;
	const flag = flags(tfhd);
	let at = 8;
	const take = (bit: number, bytes: 4 | 8, otherwise: number): number => {
		if (!(flag & bit)) return otherwise;
		at += bytes;
		return uint(tfhd, at - bytes, bytes);
	};
	const base = take(0x1, 8, NaN);
	const found = {
		description: take(0x2, 4, usual.description),
		duration: take(0x8, 4, usual.duration),
		size: take(0x10, 4, usual.size),
		flags: take(0x20, 4, usual.flags),
	};
	return {
		trackId,
		...(flag & 0x1 ? { base } : {}),
		isFromMoof: (flag & 0x20000) !== 0,
		defaults: found,
	};
}

function readStart(tfdt: Buffer): number | undefined {
	const ticks = isLong(tfdt) ? uint(tfdt, 4, 8) : uint(tfdt, 4);
	return Number.isNaN(ticks) ? undefined : ticks;
}

/** The runs of samples (`trun`) of a track fragment, one after the other. */
class Runs {
	readonly pieces: Piece[] = [];

	constructor(
		private readonly defaults: TrackDefaults,
		/** Where the next sample is in the file. */
		public offset: number,
		/** When the next sample is decoded. */
		public time: number,
	) {}

	take(trun: Buffer, base: number): void {
		const flag = flags(trun);
		const count = uint(trun, 4);
		let at = 8;
		if (flag & 0x1) {
			this.offset = base + int(trun, at);
			at += 4;
		}
		const firstFlags = flag & 0x4 ? uint(trun, at) : undefined;
		if (flag & 0x4) at += 4;
		const entryBytes = 4 * [0x100, 0x200, 0x400, 0x800].filter((bit) => flag & bit).length;
		if (!(at + count * entryBytes <= trun.length)) throw damaged('a fragment is cut off');
		if (this.pieces.length + count > MOST_PIECES) throw tooMany();
		for (let sample = 0; sample < count; sample++) {
			const given = sample === 0 ? firstFlags : undefined;
			this.add(trun, at + sample * entryBytes, flag, given);
		}
	}

	private add(trun: Buffer, from: number, flag: number, firstFlags?: number): void {
		let at = from;
		const take = (bit: number, otherwise: number): number => {
			if (!(flag & bit)) return otherwise;
			at += 4;
			return uint(trun, at - 4);
		};
		const duration = take(0x100, this.defaults.duration) | 0;
		const size = take(0x200, this.defaults.size);
		const sampleFlags = take(0x400, this.defaults.flags);
		const shift = take(0x800, 0) | 0;
		const piece: Piece = {
			offset: this.offset,
			size,
			count: 1,
			time: this.time,
			duration,
			shift,
			isSync: ((firstFlags ?? sampleFlags) & NOT_SYNC) === 0,
			description: this.defaults.description,
		};
		this.pieces.push(piece);
		this.offset += size;
		this.time = endOf(piece);
	}
}
