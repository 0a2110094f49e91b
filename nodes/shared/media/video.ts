import { fourLetters } from './boxes';
import type { MediaFault } from './fault';
import { unchecked, wrong } from './fault';
import { FileView } from './fileView';
import { readFragments } from './fragments';
import type { Movie } from './movie';
import { findMovie, readMovie } from './movie';
import { EMPTY, identify, MOVIE, SIGNATURE_LENGTH } from './signature';
import type { ByteSource } from './source';
import type { Frames, Track } from './track';
import { rotationOf } from './track';

/** What a video file says of itself; undefined what could not be found within what may be read. */
export interface VideoFacts {
	/** By its own brand, whatever its name; `other` is 3GP and its like. */
	container: 'mp4' | 'mov' | 'other';
	/** The brand itself, such as `isom`; `qt  ` for QuickTime files from before there were brands. */
	brand: string;
	/** Pixels as shown, that is after rotation. */
	width: number;
	height: number;
	/** Pixels as coded. */
	codedWidth: number;
	codedHeight: number;
	/** 0, 90, 180 or 270 degrees clockwise. */
	rotation: number;
	/** Seconds of the video track that are shown. */
	duration?: number;
	/** Frames a second, on average. */
	frameRate?: number;
	/** The kind of the track's samples, such as `avc1`, `hvc1` or `apch`. */
	codec: string;
	hasAudio?: boolean;
	/** Bytes of the file. */
	size?: number;
}

/**
 * Reads what MP4 and MOV files say of themselves, in at most three reads and 512 KB. Of several video
 * tracks the first enabled one counts.
 * @returns a fault where it is no such file, or cannot be read; it never throws
 */
export async function readVideo(source: ByteSource): Promise<VideoFacts | MediaFault> {
	const file = new FileView(source);
	const found = await examine(file);
	return { ...found, size: file.size };
}

async function examine(file: FileView): Promise<Omit<VideoFacts, 'size'> | MediaFault> {
	const head = await file.bytes(0, SIGNATURE_LENGTH);
	if (file.fault) return file.fault;
	const type = identify(head);
	if (type === EMPTY) return wrong('is empty');
	if (type !== MOVIE) return wrong(`is ${type}, not MP4 or MOV`);

	const place = await findMovie(file);
	if (!place) {
		return file.fault ?? wrong('is incomplete or damaged: it has no index (moov)');
	}
	const movie = await readMovie(file, place);
	if (movie.isPacked) return unchecked('its index is compressed');
	const track = firstVideo(movie);
	if (!track) {
		const isCut = !movie.areAllTracksKnown || place.end > (file.size ?? Infinity);
		return file.fault ?? wrong(isCut ? 'is incomplete or damaged' : 'has no video track');
	}
	if (!(track.width > 0 && track.height > 0)) {
		return file.fault ?? wrong('does not say its width and height');
	}
	return {
		...containerOf(head),
		...pictureOf(track, movie),
		...(await timesOf(file, track, movie)),
		codec: track.codec,
		hasAudio: hasAudio(movie),
	};
}

function firstVideo({ tracks }: Movie): Track | undefined {
	const videos = tracks.filter(({ handler }) => handler === 'vide');
	return videos.find(({ isEnabled }) => isEnabled) ?? videos[0];
}

function hasAudio({ tracks, areAllTracksKnown }: Movie): boolean | undefined {
	const isThere = tracks.some(({ handler }) => handler === 'soun');
	return isThere || areAllTracksKnown ? isThere : undefined;
}

function containerOf(head: Buffer): Pick<VideoFacts, 'container' | 'brand'> {
	const hasBrand = head.toString('latin1', 4, 8) === 'ftyp';
	const brand = hasBrand ? fourLetters(head, 8) : 'qt  ';
	if (brand === 'qt  ') return { container: 'mov', brand };
	return { container: /^(3g|mj|f4)/i.test(brand) ? 'other' : 'mp4', brand };
}

function pictureOf(track: Track, movie: Movie) {
	const { width: codedWidth, height: codedHeight } = track;
	const rotation = rotationOf(track.matrix, movie.matrix);
	const [width, height] =
		rotation % 180 === 0 ? [codedWidth, codedHeight] : [codedHeight, codedWidth];
	return { width, height, codedWidth, codedHeight, rotation };
}

async function timesOf(file: FileView, track: Track, { fragments }: Movie) {
	const listed = { duration: track.duration, frames: track.frames };
	const times = fragments ? await readFragments(file, track, fragments) : listed;
	const isInFragments = times.frames.count > 0 || times.duration > 0;
	return {
		duration: known(isInFragments ? times.duration : listed.duration),
		frameRate: known(
			rateOf([listed.frames, ...(fragments ? [times.frames] : [])], track.timescale),
		),
	};
}

function rateOf(all: Frames[], timescale: number): number {
	const count = all.reduce((sum, frames) => sum + frames.count, 0);
	const ticks = all.reduce((sum, frames) => sum + frames.ticks, 0);
	return (count * timescale) / ticks;
}

function known(value: number): number | undefined {
	return Number.isFinite(value) && value > 0 ? value : undefined;
}
