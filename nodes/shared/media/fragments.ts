import { children, flags, inside, isLong, readHeader, uint } from './boxes';
import type { FileView } from './fileView';
import type { FragmentDefaults } from './movie';
import type { Frames, Track } from './track';

/** What fragments (`moof`) tell of a track; a number is NaN where they do not. */
export interface FragmentTimes {
	/** All frames in fragments; an estimate where the file is large. */
	frames: Frames;
	/** Seconds of the track with all its fragments. */
	duration: number;
}

/** The end of a large file, where an index (`mfra`) may say where its last fragment is. */
const TAIL = 64 * 1024;

/**
 * Looks at fragments: all of them where the file is small, otherwise the first ones, and what tells
 * where the last one ends - an index up front (`sidx`, `mehd`), or the last fragment itself.
 */
export async function readFragments(
	file: FileView,
	track: Track,
	{ from, frameTicks, duration: declared }: FragmentDefaults,
): Promise<FragmentTimes> {
	const walk = new Walk(file, track, frameTicks.get(track.id) ?? NaN, from);
	await walk.toFirst();
	const rest = (file.size ?? Infinity) - walk.at;
	if (rest > 0 && rest <= file.left) await file.bytes(walk.at, rest);
	walk.on();
	if (walk.isAtEnd) return { frames: walk.frames, duration: walk.duration };

	const upFront = walk.indexed > 0 ? walk.indexed : declared;
	const duration = upFront > 0 ? upFront : (await walk.toLast()) ? walk.duration : NaN;
	return { frames: walk.estimate(duration), duration };
}

/** Goes from fragment to fragment, adding up what they say of one track. */
class Walk {
	/** Seconds, where an index says that it is of all that follows. */
	indexed = NaN;

	/** Those met so far. */
	readonly frames: Frames = { count: 0, ticks: 0 };

	/** Ticks that the very first of them lasts. */
	private firstTicks = NaN;

	/** When the first frame is shown, in ticks of the track's clock. */
	private start = NaN;

	/** When the next frame will be; NaN after a leap. */
	private next: number;

	private hasMetTrack = false;

	constructor(
		private readonly file: FileView,
		private readonly track: Track,
		private readonly frameTicks: number,
		/** Where the next box is. */
		public at: number,
	) {
		// What the `moov` box lists comes before all fragments.
		if (track.frames.count > 0) this.start = 0;
		this.next = track.frames.ticks;
	}

	get isAtEnd(): boolean {
		return this.at >= (this.file.size ?? Infinity);
	}

	/** Seconds up to the end of the fragment met last. */
	get duration(): number {
		return (this.next - this.start) / this.track.timescale;
	}

	/**
	 * Takes the frames that were not met to be like those that were - but for the first, which often
	 * lasts longer, to make up for a late start of the sound.
	 * @param duration seconds of the track
	 */
	estimate(duration: number): Frames {
		const { count, ticks } = this.frames;
		const total = duration * this.track.timescale - this.track.frames.ticks;
		const usual = (ticks - this.firstTicks) / (count - 1);
		if (!(total > ticks && usual > 0)) return this.frames;
		return { count: count + (total - ticks) / usual, ticks: total };
	}

	/** Reads on to the first fragment with frames of the track. */
	async toFirst(): Promise<void> {
		while (!this.hasMetTrack) {
			const header = readHeader(await this.file.bytes(this.at, 16));
			if (!header) return;
			if (header.type === 'moof' || header.type === 'sidx') {
				await this.file.bytes(this.at, header.size);
			}
			if (!this.step()) return;
		}
	}

	/** Goes on through what is at hand. */
	on(): void {
		while (this.step());
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
		const candidates = [tailAt + findFragment(tail), lastListed(tail, this.track.id)];
		if (candidates.every(Number.isNaN)) {
			const start = Math.max(from, tailAt - file.left);
			candidates.push(start + findFragment(await file.bytes(start, tailAt - start)));
		}
		for (const candidate of candidates) {
			if (candidate >= from && (await this.leap(candidate, tailAt))) return true;
		}
		return false;
	}

	/** @returns whether a fragment of the track was met there, and nothing after it was missed */
	private async leap(to: number, tailAt: number): Promise<boolean> {
		this.at = to;
		this.next = NaN;
		this.hasMetTrack = false;
		await this.toFirst();
		this.on();
		return this.at >= tailAt && this.hasMetTrack;
	}

	/** Takes one box that is at hand. */
	private step(): boolean {
		const header = readHeader(this.file.known(this.at, 16));
		if (!header) return false;
		if (header.type === 'moof' || header.type === 'sidx') {
			const box = this.file.known(this.at, header.size);
			if (box.length < header.size) return false;
			const body = box.subarray(header.length);
			if (header.type === 'moof') this.take(body);
			else this.readIndex(body, this.at + header.size);
		}
		this.at += header.size;
		return true;
	}

	private take(moof: Buffer): void {
		for (const { type, body: traf } of children(moof)) {
			if (type !== 'traf') continue;
			const tfhd = inside(traf, 'tfhd');
			if (uint(tfhd, 4) !== this.track.id) continue;
			const { count, ticks, first } = readRuns(traf, defaultTicks(tfhd) ?? this.frameTicks);
			const tfdt = inside(traf, 'tfdt');
			const begins = uint(tfdt, 4, isLong(tfdt) ? 8 : 4);
			const start = Number.isNaN(begins) ? this.next : begins;
			if (Number.isNaN(this.start)) this.start = start;
			if (this.frames.count === 0) this.firstTicks = first;
			this.hasMetTrack = true;
			this.next = start + ticks;
			this.frames.count += count;
			this.frames.ticks += ticks;
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

function defaultTicks(tfhd: Buffer): number | undefined {
	const flag = flags(tfhd);
	const at = 8 + (flag & 0x1 ? 8 : 0) + (flag & 0x2 ? 4 : 0);
	return flag & 0x8 ? uint(tfhd, at) : undefined;
}

/** Adds up the frames of a fragment's runs (`trun`). */
function readRuns(traf: Buffer, eachTicks: number): Frames & { first: number } {
	const frames = { count: 0, ticks: 0, first: NaN };
	for (const { type, body } of children(traf)) {
		const count = uint(body, 4);
		if (type !== 'trun' || !(count > 0)) continue;
		const flag = flags(body);
		const at = 8 + (flag & 0x1 ? 4 : 0) + (flag & 0x4 ? 4 : 0);
		const isListed = (flag & 0x100) !== 0;
		if (frames.count === 0) frames.first = isListed ? uint(body, at) : eachTicks;
		frames.count += count;
		frames.ticks += isListed ? sumOfTicks(body.subarray(at), flag, count) : count * eachTicks;
	}
	return frames;
}

/** Each entry of a run begins with the frame's ticks, and may have three more numbers. */
function sumOfTicks(list: Buffer, flag: number, count: number): number {
	const length = 4 * (1 + [0x200, 0x400, 0x800].filter((bit) => flag & bit).length);
	if (count * length > list.length) return NaN;
	let ticks = 0;
	for (let entry = 0; entry < count; entry++) ticks += uint(list, entry * length);
	return ticks;
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
