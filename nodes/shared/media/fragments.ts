import { children, inside, isLong, readHeader, uint } from './boxes';
import type { FileView } from './fileView';
import type { FrameTally } from './frameTally';
import type { FragmentDefaults } from './movie';
import type { Track } from './track';
import { TrackRuns } from './trackRuns';

/** The facts that fragments (`moof`) tell of the tracks; a number that they do not tell is NaN. */
export interface FragmentFacts {
	/** The frames of the picture in fragments that were met. */
	frames: FrameTally;
	/** How many frames all fragments have, and their ticks; an estimate where some were not met. */
	total: { count: number; ticks: number };
	/** Every fragment was met. */
	isWhole: boolean;
	/** A fragment goes on behind the end of the file. */
	isCutOff: boolean;
	/** Seconds of the picture with all its fragments, without what an edit list cuts off in front. */
	duration: number;
	/** Seconds from the start of the movie to the end of each track. */
	ends: Map<number, number>;
}

/** The end of a large file, where an index (`mfra`) may say where its last fragment is. */
const TAIL = 64 * 1024;

/**
 * Looks at fragments: all of them where they are within reach, otherwise the first ones and the last
 * one, or an index up front (`sidx`) that tells when that one ends.
 * @param picture the track that is asked about; the others only for when they end
 */
export async function readFragments(
	file: FileView,
	picture: Track,
	tracks: Track[],
	defaults: FragmentDefaults,
): Promise<FragmentFacts> {
	const walk = new Walk(file, picture, tracks, defaults);
	// Where the `moov` box lists the first frames itself, the reads are better kept for the last ones.
	if (picture.samples.frames.count === 0) await walk.toFirst();
	await walk.toEnd();
	const duration = await readDuration(walk, defaults);
	return {
		frames: walk.picture.frames,
		total: walk.estimate(duration),
		isWhole: walk.isAtEnd && !walk.hasLeapt,
		isCutOff: walk.isCutOff,
		duration: duration - walk.picture.cut,
		ends: walk.ends,
	};
}

async function readDuration(walk: Walk, defaults: FragmentDefaults): Promise<number> {
	if (!walk.isAtEnd && walk.indexed > 0) return walk.indexed;
	const isLastMet = walk.isAtEnd || (await walk.toLast());
	const { duration } = walk.picture;
	return isLastMet && duration > 0 ? duration : declaredDuration(walk.picture, defaults);
}

/**
 * The header of the movie is only of the frames in the `moov` box where there are some. One that tells
 * of less than was met is older than the fragments.
 */
function declaredDuration(
	{ track, frames }: TrackRuns,
	{ duration, movieDuration }: FragmentDefaults,
): number {
	const listed = track.samples.frames;
	const ofFragments = listed.count > 0 ? [duration] : [duration, movieDuration];
	const met = (listed.ticks + frames.ticks) / track.timescale;
	return ofFragments.find((seconds) => seconds > 0 && seconds >= met) ?? NaN;
}

/** Goes from fragment to fragment, adding up what they say of the tracks. */
class Walk {
	/** Seconds, where an index says that it is of all that follows. */
	indexed = NaN;

	readonly picture: TrackRuns;

	isCutOff = false;

	/** Some fragments were left out. */
	hasLeapt = false;

	private readonly runs: Map<number, TrackRuns>;

	/** Where the next box is. */
	private at: number;

	constructor(
		private readonly file: FileView,
		picture: Track,
		tracks: Track[],
		{ from, frameTicks }: FragmentDefaults,
	) {
		const runsOf = (track: Track) => new TrackRuns(track, frameTicks.get(track.id) ?? NaN);
		this.at = from;
		this.picture = runsOf(picture);
		this.runs = new Map([
			...tracks.map((track) => [track.id, runsOf(track)] as const),
			[picture.id, this.picture],
		]);
	}

	get isAtEnd(): boolean {
		return this.at >= (this.file.size ?? Infinity);
	}

	/** Seconds from the start of the movie to the end of each track, as far as it is known. */
	get ends(): Map<number, number> {
		return new Map([...this.runs].map(([id, { end }]) => [id, end]));
	}

	/**
	 * Takes the frames that were not met to be like those that were - but for the first, which often
	 * lasts longer, to make up for a late start of the sound.
	 * @param duration seconds of the track
	 */
	estimate(duration: number): { count: number; ticks: number } {
		const { frames, firstTicks, track } = this.picture;
		const { count, ticks } = frames;
		const total = duration * track.timescale - track.samples.frames.ticks;
		const usual = (ticks - firstTicks) / (count - 1);
		if (!(total > ticks && usual > 0)) return { count, ticks };
		return { count: count + (total - ticks) / usual, ticks: total };
	}

	/** Reads on to the first fragment with frames of the picture. */
	async toFirst(): Promise<void> {
		while (!this.picture.isMet) {
			const header = readHeader(await this.file.bytes(this.at, 16));
			if (!header) return;
			if (header.type === 'moof' || header.type === 'sidx') {
				await this.file.bytes(this.at, header.size);
			}
			if (!this.step()) return;
		}
	}

	/** Goes on through what is at hand, and reads the rest of the file where it is small enough. */
	async toEnd(): Promise<void> {
		this.on();
		const rest = (this.file.size ?? Infinity) - this.at;
		if (!(rest > 0 && rest <= this.file.left)) return;
		await this.file.bytes(this.at, rest);
		this.on();
	}

	/**
	 * Goes to the end of the file, by its index of fragments (`mfra`) or by finding one near the end.
	 * @returns whether the last fragment was read
	 */
	async toLast(): Promise<boolean> {
		const { file } = this;
		if (file.size === undefined) return false;
		const { size } = file;
		const from = this.at;
		const tailAt = Math.max(from, size - TAIL);
		const tail = await file.bytes(tailAt, size - tailAt);
		const candidates = [tailAt + findFragment(tail), lastListed(tail, this.picture.track.id)];
		if (candidates.every(Number.isNaN)) {
			const start = Math.max(from, tailAt - file.left);
			candidates.push(start + findFragment(await file.bytes(start, tailAt - start)));
		}
		for (const candidate of candidates) {
			if (candidate >= from && (await this.leap(candidate, tailAt))) return true;
		}
		return false;
	}

	/** @returns whether a fragment of the picture was met there, and nothing after it was missed */
	private async leap(to: number, tailAt: number): Promise<boolean> {
		if (to !== this.at) {
			this.hasLeapt = true;
			for (const runs of this.runs.values()) runs.leap();
		}
		this.at = to;
		this.picture.isMet = false;
		await this.toFirst();
		this.on();
		return this.at >= tailAt && this.picture.isMet;
	}

	private on(): void {
		while (this.step());
	}

	/** Takes one box that is at hand. */
	private step(): boolean {
		const header = readHeader(this.file.known(this.at, 16));
		if (!header) return false;
		const { type, size } = header;
		if (type === 'moof' || type === 'sidx') {
			const box = this.file.known(this.at, size);
			if (box.length < size) {
				this.isCutOff ||= type === 'moof' && this.isBehindEnd(size);
				return false;
			}
			const body = box.subarray(header.length);
			if (type === 'moof') this.take(body);
			else this.readIndex(body, this.at + size);
		}
		if (type === 'mdat') this.isCutOff ||= this.isBehindEnd(size);
		this.at += size;
		return true;
	}

	/** @param size bytes of the next box; Infinity where it reaches to the end, wherever that is */
	private isBehindEnd(size: number): boolean {
		return Number.isFinite(size) && this.at + size > (this.file.size ?? Infinity);
	}

	private take(moof: Buffer): void {
		for (const { type, body: traf } of children(moof)) {
			if (type === 'traf') this.runs.get(uint(inside(traf, 'tfhd'), 4))?.take(traf);
		}
	}

	/** An index at the start of a file lists all that follows; one between fragments does not. */
	private readIndex(sidx: Buffer, anchor: number): void {
		const long = isLong(sidx);
		const first = long ? uint(sidx, 20, 8) : uint(sidx, 16);
		let bytes = 0;
		let ticks = 0;
		for (let at = long ? 32 : 24; at + 12 <= sidx.length; at += 12) {
			bytes += uint(sidx, at) % 0x8000_0000;
			ticks += uint(sidx, at + 4);
		}
		if (anchor + first + bytes === this.file.size) this.indexed = ticks / uint(sidx, 8);
	}
}

/** @returns where the file's own list of key frames has the track's last; NaN where there is none */
function lastListed(tail: Buffer, trackId: number): number {
	const length = uint(tail, tail.length - 4);
	const mfra = tail.subarray(Math.max(0, tail.length - length));
	for (const { type, body } of children(inside(mfra, 'mfra'))) {
		const count = uint(body, 12);
		if (type !== 'tfra' || uint(body, 4) !== trackId || !(count > 0)) continue;
		const bytes = isLong(body) ? 8 : 4;
		const numbers = [4, 2, 0].reduce((sum, shift) => sum + ((uint(body, 8) >> shift) & 3) + 1, 0);
		return uint(body, 16 + (count - 1) * (2 * bytes + numbers) + bytes, bytes);
	}
	return NaN;
}

/** @returns where in it the first fragment begins; NaN where there is none */
function findFragment(tail: Buffer): number {
	for (let at = tail.indexOf('moof'); at >= 0; at = tail.indexOf('moof', at + 4)) {
		if (at >= 4 && tail.toString('latin1', at + 8, at + 12) === 'mfhd') return at - 4;
	}
	return NaN;
}
