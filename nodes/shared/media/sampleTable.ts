import { inside, int, uint } from './boxes';
import { FrameTally } from './frameTally';

/** The lists of a track's samples, which are frames of a picture or packets of sound (ISO/IEC 14496-12, 8.6 to 8.8). */
export interface SampleTable {
	frames: FrameTally;
	/** Whether the list of their lengths was at hand to its end. */
	isWhole: boolean;
	/** The lists say that there is no sample. */
	isEmpty: boolean;
	/** Where in the file the last of them ends; NaN where the lists are not at hand. */
	end: number;
}

/** @param stbl what is at hand of a `stbl` box */
export function readSampleTable(stbl: Buffer): SampleTable {
	const { frames, isWhole } = readLengths(inside(stbl, 'stts'));
	const hasSamples = uint(inside(stbl, 'stsz'), 8) > 0 || uint(inside(stbl, 'stz2'), 8) > 0;
	return {
		frames,
		isWhole,
		isEmpty: isWhole && frames.count === 0 && !hasSamples,
		end: endOfSamples(stbl),
	};
}

/**
 * Adds up the lengths of the samples. They are read with a sign, although the standard knows none:
 * some writers take back with one sample's length how much too long another's was.
 */
function readLengths(stts: Buffer): { frames: FrameTally; isWhole: boolean } {
	const entries = uint(stts, 4);
	const frames = new FrameTally();
	let entry = 0;
	for (; entry < entries && 16 + entry * 8 <= stts.length; entry++) {
		frames.add(uint(stts, 8 + entry * 8), int(stts, 12 + entry * 8));
	}
	return { frames, isWhole: entry === entries };
}

function endOfSamples(stbl: Buffer): number {
	const sizes = inside(stbl, 'stsz');
	const offsets = readOffsets(stbl);
	const count = uint(sizes, 8);
	const inLast = Math.min(count, samplesInLastChunk(stbl, offsets.length, count));
	const each = uint(sizes, 4);
	if (!(inLast > 0) || (each === 0 && 12 + count * 4 > sizes.length)) return NaN;
	let bytes = each * inLast;
	if (each === 0) {
		for (let sample = count - inLast; sample < count; sample++) {
			bytes += uint(sizes, 12 + sample * 4);
		}
	}
	return offsets[offsets.length - 1] + bytes;
}

/** @returns where each chunk of samples is in the file; nothing where the list is not at hand */
function readOffsets(stbl: Buffer): number[] {
	const short = inside(stbl, 'stco');
	const list = short.length > 0 ? short : inside(stbl, 'co64');
	const bytes = short.length > 0 ? 4 : 8;
	const count = uint(list, 4);
	if (!(count > 0 && 8 + count * bytes <= list.length)) return [];
	return Array.from({ length: count }, (_, chunk) => uint(list, 8 + chunk * bytes, bytes));
}

/**
 * @param chunks how many there are
 * @param samples how many there are in all of them
 */
function samplesInLastChunk(stbl: Buffer, chunks: number, samples: number): number {
	const stsc = inside(stbl, 'stsc');
	const runs = uint(stsc, 4);
	if (!(runs > 0 && chunks > 0 && 8 + runs * 12 <= stsc.length)) return NaN;
	let before = 0;
	for (let run = 0; run < runs; run++) {
		const from = uint(stsc, 8 + run * 12);
		const to = run + 1 < runs ? uint(stsc, 8 + (run + 1) * 12) : chunks;
		before += (to - from) * uint(stsc, 12 + run * 12);
	}
	return Math.min(samples - before, uint(stsc, 12 + (runs - 1) * 12));
}
