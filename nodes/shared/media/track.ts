import { flags, inside, int, isLong, uint } from './boxes';
import type { Shown } from './editList';
import { readEditList } from './editList';
import type { SampleEntry } from './sampleEntry';
import { readSampleEntry } from './sampleEntry';
import type { SampleTable } from './sampleTable';
import { readSampleTable } from './sampleTable';

/** How a picture is turned and stretched: the first two columns and rows of a QuickTime matrix. */
export type Matrix = [a: number, b: number, c: number, d: number];

/** A track as its `trak` box describes it; a number is NaN where the box does not say. */
export interface Track {
	id: number;
	/** `vide`, `soun`, and others that do not matter here. */
	handler: string;
	isEnabled: boolean;
	/** How it is coded, with the size of its picture. */
	entry: SampleEntry;
	matrix: Matrix;
	/** Ticks per second of its clock. */
	timescale: number;
	/** The samples listed in the `trak` box: none where all are in fragments. */
	samples: SampleTable;
	/** How much of these samples is shown. */
	shown: Shown;
}

/** @param movieTimescale ticks per second of the movie's clock, which edit lists are written in */
export function readTrack(trak: Buffer, movieTimescale: number): Track {
	const tkhd = inside(trak, 'tkhd');
	const mdhd = inside(trak, 'mdia', 'mdhd');
	const stbl = inside(trak, 'mdia', 'minf', 'stbl');
	const timescale = uint(mdhd, isLong(mdhd) ? 20 : 12);
	const samples = readSampleTable(stbl);
	const declared = isLong(mdhd) ? uint(mdhd, 24, 8) : uint(mdhd, 16);
	const { isWhole, frames } = samples;
	const ticks = isWhole && frames.ticks >= 0 ? frames.ticks : declared;
	const matrixAt = isLong(tkhd) ? 52 : 40;
	const entry = readSampleEntry(inside(stbl, 'stsd'));
	return {
		id: uint(tkhd, isLong(tkhd) ? 20 : 12),
		handler: inside(trak, 'mdia', 'hdlr').toString('latin1', 8, 12),
		isEnabled: (flags(tkhd) & 1) === 1,
		entry: {
			...entry,
			// A damaged description leaves the size that the picture is shown in.
			width: entry.width === 0 ? fixedPoint(tkhd, matrixAt + 36) : entry.width,
			height: entry.height === 0 ? fixedPoint(tkhd, matrixAt + 40) : entry.height,
		},
		matrix: readMatrix(tkhd, matrixAt),
		timescale,
		samples,
		shown: readEditList(inside(trak, 'edts', 'elst'), movieTimescale, ticks / timescale),
	};
}

/** The four numbers that turn a picture. */
export function readMatrix(body: Buffer, at: number): Matrix {
	return [
		fixedPoint(body, at),
		fixedPoint(body, at + 4),
		fixedPoint(body, at + 12),
		fixedPoint(body, at + 16),
	];
}

/**
 * How a picture is turned, by the track's matrix and then by the movie's.
 * @returns 0, 90, 180 or 270 degrees clockwise
 */
export function rotationOf([a, b]: Matrix, movie: Matrix): number {
	const x = a * movie[0] + b * movie[2];
	const y = a * movie[1] + b * movie[3];
	const quarters = Math.round(Math.atan2(y, x) / (Math.PI / 2));
	return Number.isFinite(quarters) ? ((quarters + 4) % 4) * 90 : 0;
}

function fixedPoint(body: Buffer, at: number): number {
	return int(body, at) / 65536;
}
