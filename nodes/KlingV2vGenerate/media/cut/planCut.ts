import type { MediaFault } from '../../../shared/media/fault';
import { isFault, wrong, wrongLink } from '../../../shared/media/fault';
import type { Part } from '../../../shared/media/media';
import {
	EMPTY,
	identify,
	isWriting,
	MOVIE,
	SIGNATURE_LENGTH,
} from '../../../shared/media/signature';
import type { ByteSource } from '../../../shared/media/source';
import type { VideoFacts } from '../../../shared/media/video';
import { readVideo } from '../../../shared/media/video';
import { copy } from './copy';
import type { CutTrack } from './cutTrack';
import { FragmentSamples } from './fragmentSamples';
import { HEAD_LENGTH } from './gradualRefresh';
import { IndexReader } from './indexReader';
import { layOut } from './layout';
import type { MovieIndex, TrackIndex } from './movieIndex';
import { readIndex } from './movieIndex';
import type { Lister } from './pictures';
import { cutPictures } from './pictures';
import { cutSound } from './sound';
import { MOST_PIECES, tooMany } from './piece';
import { listFromTables } from './tableSamples';
import { Unfit } from './unfit';
import { writeHead } from './writeMovie';

/** A file that can be made by copying parts of another. */
export interface Cut {
	/** When the first frame shown begins, in seconds of the source. */
	start: number;
	/** Seconds that are shown. */
	duration: number;
	/** Frames that are shown. */
	frames: number;
	/**
	 * The pictures in the new file, in seconds: with those before the start that the first frame needs,
	 * and those after the end that others need. A player that does not know edit lists shows all.
	 */
	stored: { start: number; duration: number };
	/** Bytes of the new file. */
	size: number;
	/** The facts that a reader finds in the new file. */
	facts: VideoFacts;
	mimeType: 'video/mp4' | 'video/quicktime';
	/**
	 * The new file, copied from the source while it is read; at most about a megabyte is held.
	 * @param onFault told why the source does not give the bytes any more
	 * @throws CutInterrupted then
	 */
	stream(onFault?: (fault: MediaFault) => void): AsyncGenerator<Buffer>;
}

/**
 * Plans to cut a part out of an MP4 or MOV file without coding it anew. Only the file's index is
 * read.
 * @param part seconds; the start is moved to the frame on screen, the end to the nearest frame
 * @returns a fault where that cannot be done; it never throws
 */
export async function planCut(source: ByteSource, part: Part): Promise<Cut | MediaFault> {
	return await plan(source, part)
		.catch(faultOf)
		.finally(() => source.close?.());
}

function faultOf(error: unknown): MediaFault {
	if (error instanceof Unfit) return error.fault;
	throw error;
}

async function plan(source: ByteSource, part: Part): Promise<Cut | MediaFault> {
	const reader = new IndexReader(source);
	await checkType(reader);
	const movie = await readIndex(reader);
	const main = mainTrack(movie);
	const list = listerFor(reader, movie);

	const pictures = await cutPictures(main, part, list, async (piece) => {
		return await reader.upTo(piece.offset, Math.min(piece.size, HEAD_LENGTH));
	});
	const { start, end, lead, frames, storedDuration } = pictures;
	const { timescale } = main;
	const tracks: CutTrack[] = [];
	for (const track of movie.tracks) {
		const span = { start, end, lead, movieTimescale: timescale };
		const cut =
			track === main
				? pictures.cut
				: track.handler === 'soun'
					? await cutSound(track, span, list)
					: undefined;
		if (cut) tracks.push(cut);
		if (tracks.reduce((sum, { pieces }) => sum + pieces.length, 0) > MOST_PIECES) throw tooMany();
	}

	const layout = layOut(tracks, reader.size);
	const head = writeHead({ movie, tracks, layout, timescale });
	const size = head.length + layout.bytes;
	const facts = await readVideo(headOnly(head, size));
	if (isFault(facts)) return facts;
	return {
		start,
		duration: end - start,
		frames,
		stored: { start: start - lead, duration: storedDuration },
		size,
		facts,
		mimeType: facts.container === 'mov' ? 'video/quicktime' : 'video/mp4',
		async *stream(onFault) {
			yield head;
			try {
				yield* copy(source, layout.spans, onFault);
			} finally {
				source.close?.();
			}
		},
	};
}

async function checkType(reader: IndexReader): Promise<void> {
	const type = identify(await reader.upTo(0, SIGNATURE_LENGTH, 64 * 1024));
	if (type === EMPTY) throw new Unfit(wrong('is empty'));
	if (type !== MOVIE) {
		throw new Unfit((isWriting(type) ? wrongLink : wrong)(`is ${type}, not MP4 or MOV`));
	}
}

/** Of several video tracks the first enabled one counts. */
function mainTrack({ tracks }: MovieIndex): TrackIndex {
	const videos = tracks.filter(({ handler }) => handler === 'vide');
	const main = videos.find(({ isEnabled }) => isEnabled) ?? videos[0];
	if (!main) throw new Unfit(wrong('has no video track'));
	return main;
}

function listerFor(reader: IndexReader, movie: MovieIndex): Lister {
	if (!movie.isFragmented) return listFromTables;
	const fragments = new FragmentSamples(reader, movie);
	return async (track, range) => await fragments.list(track, range);
}

/** The new file, as far as it says anything of itself. */
function headOnly(head: Buffer, size: number): ByteSource {
	return {
		size,
		async read(offset, length) {
			const bytes = Buffer.alloc(Math.max(0, Math.min(length, size - offset)));
			head.copy(bytes, 0, Math.min(offset, head.length));
			return bytes;
		},
	};
}
