import { isLong } from '../../../shared/media/boxes';
import type { CutTrack, NewEdit } from './cutTrack';
import type { Chunk, Layout } from './layout';
import type { KeptBox, MovieIndex } from './movieIndex';
import type { Piece } from './piece';
import {
	box,
	headerFor,
	listBox,
	long,
	needsLong,
	numbers,
	versioned,
	withDuration,
} from './writeBoxes';

/** The new file up to its first sample: `ftyp`, `moov`, and the header of `mdat`. */
export interface NewMovie {
	movie: MovieIndex;
	tracks: CutTrack[];
	layout: Layout;
	/** Ticks per second of the new movie's clock. */
	timescale: number;
}

export function writeHead(cut: NewMovie): Buffer {
	// The index has the same length wherever the samples begin.
	const draft = withSamplesAt(cut, 0, false);
	const isLong = needsLong(draft.length + 1024 * 1024 + cut.layout.bytes);
	const length = isLong ? withSamplesAt(cut, 0, true).length : draft.length;
	return withSamplesAt(cut, length, isLong);
}

function withSamplesAt(cut: NewMovie, start: number, hasLongOffsets: boolean): Buffer {
	const { movie, tracks, layout, timescale } = cut;
	const traks = tracks.map((track, at) => {
		const chunks = layout.chunks[at].map((chunk) => ({ ...chunk, at: start + chunk.at }));
		return writeTrack(track, chunks, hasLongOffsets);
	});
	const duration = Math.max(...tracks.map(({ edits }) => ticksOf(edits)));
	return Buffer.concat([
		box('ftyp', typeOf(movie)),
		box('moov', box('mvhd', writeMovieHeader(movie.mvhd, timescale, duration)), ...traks),
		headerFor('mdat', layout.bytes),
	]);
}

/** Brands of a file with fragments speak of these, and the new file has none. */
function typeOf({ ftyp, isFragmented }: MovieIndex): Buffer {
	const brand = ftyp?.toString('latin1', 0, 4) ?? 'qt  ';
	if (ftyp && ftyp.length >= 8 && !isFragmented) return ftyp;
	if (brand === 'qt  ') return Buffer.from('qt  \0\0\x02\0qt  ', 'latin1');
	return Buffer.from('isom\0\0\x02\0isomiso2mp41', 'latin1');
}

function ticksOf(edits: NewEdit[]): number {
	return edits.reduce((sum, { ticks }) => sum + ticks, 0);
}

function writeMovieHeader(mvhd: Buffer, timescale: number, duration: number): Buffer {
	const body = Buffer.from(mvhd);
	body.writeUInt32BE(timescale, isLong(body) ? 20 : 12);
	return withDuration(body, 4, duration);
}

function writeTrack(cut: CutTrack, chunks: Chunk[], hasLongOffsets: boolean): Buffer {
	const { track, edits, pieces } = cut;
	const { tkhd, mdhd, kept } = track;
	const mediaTicks = pieces.reduce((sum, { count, duration }) => sum + count * duration, 0);
	return box(
		'trak',
		box('tkhd', withDuration(tkhd, 8, ticksOf(edits))),
		box('edts', writeEdits(edits)),
		...kept.trak.map(keep),
		box(
			'mdia',
			box('mdhd', withDuration(mdhd, 4, Math.max(0, mediaTicks))),
			...kept.mdia.map(keep),
			box('minf', ...kept.minf.map(keep), writeTables(cut, chunks, hasLongOffsets)),
		),
	);
}

function keep({ type, body }: KeptBox): Buffer {
	return box(type, body);
}

function writeEdits(edits: NewEdit[]): Buffer {
	const isLong = edits.some(({ ticks, media = 0 }) => ticks >= 2 ** 31 || media >= 2 ** 31);
	const entries = edits.map(({ ticks, media }) => {
		const write = isLong ? long : numbers;
		const none = isLong ? numbers(-1, -1) : numbers(-1);
		return Buffer.concat([
			write(ticks),
			media === undefined ? none : write(media),
			numbers(0x10000),
		]);
	});
	return versioned('elst', isLong ? 1 : 0, numbers(edits.length), ...entries);
}

function writeTables(
	{ track, pieces }: CutTrack,
	chunks: Chunk[],
	hasLongOffsets: boolean,
): Buffer {
	const isShifted = pieces.some(({ shift }) => shift !== 0);
	const isNegative = pieces.some(({ shift }) => shift < 0);
	return box(
		'stbl',
		box('stsd', track.stsd),
		listBox(
			'stts',
			0,
			runsOf(pieces, ({ duration }) => duration),
		),
		...(isShifted
			? [
					listBox(
						'ctts',
						isNegative ? 1 : 0,
						runsOf(pieces, ({ shift }) => shift),
					),
				]
			: []),
		...writeSync(pieces),
		writeSizes(pieces, track.tables.sizes.constant),
		listBox('stsc', 0, chunkRuns(chunks)),
		hasLongOffsets
			? versioned('co64', 0, numbers(chunks.length), ...chunks.map(({ at }) => long(at)))
			: listBox(
					'stco',
					0,
					chunks.map(({ at }) => [at]),
				),
	);
}

/** How many samples that follow one another have the same number. */
function runsOf(pieces: Piece[], numberOf: (piece: Piece) => number): number[][] {
	const runs: number[][] = [];
	for (const piece of pieces) {
		const value = numberOf(piece);
		const last = runs[runs.length - 1];
		if (last && last[1] === value) last[0] += piece.count;
		else runs.push([piece.count, value]);
	}
	return runs;
}

/** No list means that every sample is a sync sample. */
function writeSync(pieces: Piece[]): Buffer[] {
	if (pieces.every(({ isSync }) => isSync)) return [];
	const entries: number[][] = [];
	let sample = 1;
	for (const { isSync, count } of pieces) {
		if (isSync) entries.push([sample]);
		sample += count;
	}
	return [listBox('stss', 0, entries)];
}

/** @param constant size of every sample as the source has it, which is not always its real one */
function writeSizes(pieces: Piece[], constant: number): Buffer {
	const [{ size }] = pieces;
	const count = pieces.reduce((sum, piece) => sum + piece.count, 0);
	const areAlike = size > 0 && pieces.every((piece) => piece.size === size);
	if (areAlike) return versioned('stsz', 0, numbers(constant || size, count));
	const sizes = pieces.flatMap((piece) => Array.from({ length: piece.count }, () => piece.size));
	return versioned('stsz', 0, numbers(0, count), numbers(...sizes));
}

/** Chunks that follow one another and have as many samples share an entry. */
function chunkRuns(chunks: Chunk[]): number[][] {
	const runs: number[][] = [];
	chunks.forEach(({ samples, description }, at) => {
		const last = runs[runs.length - 1];
		if (last?.[1] !== samples || last[2] !== description) runs.push([at + 1, samples, description]);
	});
	return runs;
}
