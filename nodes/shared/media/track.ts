import { flags, fourLetters, inside, int, isLong, uint } from './boxes';

/** How a picture is turned and stretched: the first two columns and rows of a QuickTime matrix. */
export type Matrix = [a: number, b: number, c: number, d: number];

/** Frames, and how long they last, in ticks of the track's own clock. */
export interface Frames {
	count: number;
	ticks: number;
}

/** A track as its `trak` box describes it; a number is NaN where the box does not say. */
export interface Track {
	id: number;
	/** `vide`, `soun`, and others that do not matter here. */
	handler: string;
	isEnabled: boolean;
	/** The kind of its samples, such as `avc1`. */
	codec: string;
	width: number;
	height: number;
	matrix: Matrix;
	/** Ticks per second of its clock. */
	timescale: number;
	/** The frames listed in the `trak` box: none where all are in fragments. */
	frames: Frames;
	/** Seconds shown, after cuts by an edit list, of these frames; NaN where not known. */
	duration: number;
}

/** @param movieTimescale ticks per second of the movie's clock, which edit lists are written in */
export function readTrack(trak: Buffer, movieTimescale: number): Track {
	const tkhd = inside(trak, 'tkhd');
	const mdhd = inside(trak, 'mdia', 'mdhd');
	const table = inside(trak, 'mdia', 'minf', 'stbl');
	const stsd = inside(table, 'stsd');
	const matrixAt = isLong(tkhd) ? 52 : 40;
	const timescale = uint(mdhd, isLong(mdhd) ? 20 : 12);
	const { frames, isWhole } = readFrames(inside(table, 'stts'));
	const declared = isLong(mdhd) ? uint(mdhd, 24, 8) : uint(mdhd, 16);
	const ticks = isWhole ? frames.ticks : declared;
	return {
		id: uint(tkhd, isLong(tkhd) ? 20 : 12),
		handler: inside(trak, 'mdia', 'hdlr').toString('latin1', 8, 12),
		isEnabled: (flags(tkhd) & 1) === 1,
		codec: fourLetters(stsd, 12).trim(),
		// The picture as it is coded; a damaged description leaves the size that it is shown in.
		width: stsd.length < 44 ? NaN : stsd.readUInt16BE(40) || fixedPoint(tkhd, matrixAt + 36),
		height: stsd.length < 44 ? NaN : stsd.readUInt16BE(42) || fixedPoint(tkhd, matrixAt + 40),
		matrix: readMatrix(tkhd, matrixAt),
		timescale,
		frames,
		duration: shown(inside(trak, 'edts', 'elst'), movieTimescale, ticks / timescale),
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

/** Adds up the durations of the frames; of a very long list only as much as is at hand. */
function readFrames(stts: Buffer): { frames: Frames; isWhole: boolean } {
	const entries = uint(stts, 4);
	const frames = { count: 0, ticks: 0 };
	let entry = 0;
	for (; entry < entries && 16 + entry * 8 <= stts.length; entry++) {
		const count = uint(stts, 8 + entry * 8);
		frames.count += count;
		frames.ticks += count * uint(stts, 12 + entry * 8);
	}
	return { frames, isWhole: entry === entries };
}

/**
 * What an edit list leaves of a track. It may begin with a pause, which shows nothing.
 * @param media seconds of the whole track
 */
function shown(elst: Buffer, movieTimescale: number, media: number): number {
	const bytes = isLong(elst) ? 8 : 4;
	const length = 2 * bytes + 4;
	const entries = uint(elst, 4);
	let seconds = 0;
	for (let entry = 0; entry < entries && 8 + (entry + 1) * length <= elst.length; entry++) {
		const segment = uint(elst, 8 + entry * length, bytes) / movieTimescale;
		const isPause = int(elst, 8 + entry * length + bytes, bytes) < 0;
		// No length means all there is; more than there is cannot be shown.
		if (!isPause) seconds += segment < media ? segment || media : media;
	}
	return seconds > 0 ? seconds : media;
}
