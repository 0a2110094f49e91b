import type { Box } from './boxes';
import { children, inside, isLong, readHeader, uint } from './boxes';
import type { FileView } from './fileView';
import type { Matrix, Track } from './track';
import { readMatrix, readTrack } from './track';

/** The facts in the `moov` box of a file. */
export interface Movie {
	/** Ticks per second of the movie's clock. */
	timescale: number;
	matrix: Matrix;
	tracks: Track[];
	/** Some tracks may be out of reach. */
	areAllTracksKnown: boolean;
	/** Old QuickTime can compress all this, and then none of it can be read. */
	isPacked: boolean;
	/** Only where (further) frames are in fragments behind the `moov` box. */
	fragments?: FragmentDefaults;
}

export interface FragmentDefaults {
	/** Where the first may be. */
	from: number;
	/** Ticks that a frame lasts unless its fragment says otherwise, by track. */
	frameTicks: Map<number, number>;
	/** Seconds of all fragments, by their header (`mehd`); NaN where it does not say. */
	duration: number;
	/** The same by the movie's header (`mvhd`), which may be of the `moov` box only. */
	movieDuration: number;
}

interface Range {
	start: number;
	end: number;
}

/** So much of a track is asked for; its frame list comes early, and more of it counts if at hand. */
const TRACK_LENGTH = 48 * 1024;

const WANTED = new Set(['mvhd', 'trak', 'mvex', 'cmov']);

/** No real file comes near. */
const MOST_BOXES = 200;

/** @returns where the `moov` box's content is; undefined where there is none, or none within reach */
export async function findMovie(file: FileView): Promise<Range | undefined> {
	for (let at = 0; ; ) {
		const header = readHeader(await file.bytes(at, 16));
		if (!header) return undefined;
		if (header.type === 'moov') return { start: at + header.length, end: at + header.size };
		at += header.size;
	}
}

/** Reads the boxes of a `moov` box one by one, as it may be larger than what may be read. */
export async function readMovie(file: FileView, { start, end }: Range): Promise<Movie> {
	const boxes: Box[] = [];
	let at = start;
	while (at < end && boxes.length < MOST_BOXES) {
		const header = readHeader(await file.bytes(at, 16));
		if (!header) break;
		if (WANTED.has(header.type)) {
			const body = await readBody(file, at + header.length, header.size - header.length);
			boxes.push({ type: header.type, body });
		}
		at += header.size;
	}
	const mvhd = bodyOf(boxes, 'mvhd');
	const mvex = bodyOf(boxes, 'mvex');
	const timescale = uint(mvhd, isLong(mvhd) ? 20 : 12);
	return {
		timescale,
		matrix: readMatrix(mvhd, isLong(mvhd) ? 48 : 36),
		tracks: boxes
			.filter(({ type }) => type === 'trak')
			.map(({ body }) => readTrack(body, timescale)),
		areAllTracksKnown: at >= end || at >= (file.size ?? Infinity),
		isPacked: boxes.some(({ type }) => type === 'cmov'),
		...(mvex.length > 0 ? { fragments: readDefaults(mvhd, mvex, end) } : {}),
	};
}

async function readBody(file: FileView, at: number, length: number): Promise<Buffer> {
	const body = await file.bytes(at, length, Math.min(length, TRACK_LENGTH));
	const isDescribed = body.length === length || inside(body, 'mdia').length > 0;
	return isDescribed ? body : await file.bytes(at, length);
}

function bodyOf(boxes: Box[], wanted: string): Buffer {
	return boxes.find(({ type }) => type === wanted)?.body ?? Buffer.alloc(0);
}

function readDefaults(mvhd: Buffer, mvex: Buffer, from: number): FragmentDefaults {
	const mehd = inside(mvex, 'mehd');
	const timescale = uint(mvhd, isLong(mvhd) ? 20 : 12);
	const trexes = children(mvex).filter(({ type }) => type === 'trex');
	return {
		from,
		frameTicks: new Map(trexes.map(({ body }) => [uint(body, 4), uint(body, 12)])),
		duration: readDuration(mehd, 4) / timescale,
		movieDuration: readDuration(mvhd, isLong(mvhd) ? 24 : 16) / timescale,
	};
}

/** @returns ticks; NaN where all bits are set, which stands for an unknown duration */
function readDuration(body: Buffer, at: number): number {
	const bytes = isLong(body) ? 8 : 4;
	const ticks = uint(body, at, bytes);
	return ticks >= 2 ** (bytes * 8) - 1 ? NaN : ticks;
}
