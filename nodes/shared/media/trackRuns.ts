import { children, flags, inside, int, isLong, uint } from './boxes';
import { FrameTally } from './frameTally';
import type { Track } from './track';

/** Adds up what fragments say of one track. */
export class TrackRuns {
	/** The frames in the fragments met so far. */
	readonly frames = new FrameTally();

	/** Ticks that the very first of them lasts. */
	firstTicks = NaN;

	/** When the first frame is decoded, in ticks of the track's clock. */
	start = NaN;

	/** How much later it is shown, in the same ticks; NaN before any fragment was met. */
	firstDelay = NaN;

	/** When the next frame will be; NaN where fragments were left out since. */
	next: number;

	/** Whether a fragment of the track was met since the last leap. */
	isMet = false;

	/** @param eachTicks how long a frame lasts unless its fragment says otherwise */
	constructor(
		readonly track: Track,
		private readonly eachTicks: number,
	) {
		const { frames } = track.samples;
		// The samples that the `moov` box lists come before all fragments.
		if (frames.count > 0) this.start = 0;
		this.next = frames.ticks;
	}

	/** Seconds from the first frame to the end of the last one. */
	get duration(): number {
		return (this.next - this.start) / this.track.timescale;
	}

	/** Seconds that an edit list leaves out at the start. */
	get cut(): number {
		const { shown, timescale, samples } = this.track;
		// The frames that the `moov` box lists were cut with it.
		if (samples.frames.count > 0) return 0;
		const ticks = shown.startTicks - this.start - this.firstDelay;
		return ticks > 0 ? ticks / timescale : 0;
	}

	/** Seconds from the start of the movie to the end of the last frame. */
	get end(): number {
		return this.next / this.track.timescale;
	}

	/** Fragments are left out: the next one met must say when it begins. */
	leap(): void {
		this.next = NaN;
		this.isMet = false;
	}

	/** @param traf what one fragment holds of this track */
	take(traf: Buffer): void {
		const before = this.frames.ticks;
		const first = readRuns(traf, defaultTicks(traf) ?? this.eachTicks, this.frames);
		if (Number.isNaN(this.firstDelay)) this.firstDelay = readFirstDelay(traf);
		const tfdt = inside(traf, 'tfdt');
		const begins = uint(tfdt, 4, isLong(tfdt) ? 8 : 4);
		const start = Number.isNaN(begins) ? this.next : begins;
		if (Number.isNaN(this.start)) this.start = start;
		if (Number.isNaN(this.firstTicks)) this.firstTicks = first;
		this.isMet = true;
		this.next = start + this.frames.ticks - before;
	}
}

function defaultTicks(traf: Buffer): number | undefined {
	const tfhd = inside(traf, 'tfhd');
	const flag = flags(tfhd);
	const at = 8 + (flag & 0x1 ? 8 : 0) + (flag & 0x2 ? 4 : 0);
	return flag & 0x8 ? uint(tfhd, at) : undefined;
}

/**
 * Adds a fragment's runs of frames (`trun`) to a tally.
 * @returns ticks that the first frame lasts; NaN where there is none
 */
function readRuns(traf: Buffer, eachTicks: number, tally: FrameTally): number {
	let first = NaN;
	for (const { type, body } of children(traf)) {
		const count = uint(body, 4);
		if (type !== 'trun' || !(count > 0)) continue;
		const flag = flags(body);
		const at = 8 + (flag & 0x1 ? 4 : 0) + (flag & 0x4 ? 4 : 0);
		const isListed = (flag & 0x100) !== 0;
		if (Number.isNaN(first)) first = isListed ? int(body, at) : eachTicks;
		if (isListed) addListed(body.subarray(at), flag, count, tally);
		else tally.add(count, eachTicks);
	}
	return first;
}

/** Of the numbers of each entry, the delay between decoding and showing a frame is the last. */
function readFirstDelay(traf: Buffer): number {
	const trun = inside(traf, 'trun');
	const flag = flags(trun);
	if ((flag & 0x800) === 0) return 0;
	const before = [0x1, 0x4, 0x100, 0x200, 0x400].filter((bit) => flag & bit).length;
	return int(trun, 8 + 4 * before);
}

/** Each entry of a run begins with the frame's ticks, and may have three more numbers. */
function addListed(list: Buffer, flag: number, count: number, tally: FrameTally): void {
	const length = 4 * (1 + [0x200, 0x400, 0x800].filter((bit) => flag & bit).length);
	// A run that is longer than its list says nothing of how long its frames last.
	if (count * length > list.length) return tally.add(count, NaN);
	for (let entry = 0; entry < count; entry++) tally.add(1, int(list, entry * length));
}
