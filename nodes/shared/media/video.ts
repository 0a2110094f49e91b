import { fourLetters } from './boxes';
import type { MediaFault } from './fault';
import { unchecked, wrong, wrongLink } from './fault';
import { FileView } from './fileView';
import type { FragmentFacts } from './fragments';
import { readFragments } from './fragments';
import type { Movie } from './movie';
import { findMovie, readMovie } from './movie';
import type { CodecTrait } from './sampleEntry';
import { EMPTY, identify, isWriting, MOVIE, SIGNATURE_LENGTH } from './signature';
import type { ByteSource } from './source';
import type { Track } from './track';
import { rotationOf } from './track';

/** The facts of a video file. A fact that was not found within the bytes that may be read is undefined. */
export interface VideoFacts {
	/** By its own brands, whatever its name; `other` is 3GP and its like. */
	container: 'mp4' | 'mov' | 'other';
	/** Its major brand, such as `isom`; `qt  ` for QuickTime files from before there were brands. */
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
	/** Seconds from the start of the movie to the end of picture and sound, pauses included. */
	playTime?: number;
	/** Frames a second, on average. */
	frameRate?: number;
	/** Frames a second by the length that most frames have: a pause or a lost frame does not change it. */
	commonFrameRate?: number;
	/** Both rates are those of the frames that were met, and the file has more. */
	isFrameRateEstimated?: boolean;
	/** Frames of the video track, cut ones included. */
	frameCount?: number;
	/** The code of the track's samples, such as `avc1`, `hvc1` or `apch`. */
	codec: string;
	/** Demands on a decoder beyond the usual ones of the codec. */
	codecTraits?: CodecTrait[];
	hasAudio?: boolean;
	/** Bytes of the file. */
	size?: number;
}

const INCOMPLETE = 'is incomplete or damaged';

/**
 * Reads what MP4 and MOV files say of themselves, in at most three reads and 512 KB. Of several video
 * tracks the first enabled one counts.
 * @returns a fault where it is no such file, or cannot be read; it never throws
 */
export async function readVideo(source: ByteSource): Promise<VideoFacts | MediaFault> {
	const file = new FileView(source);
	const found = await examine(file);
	source.close?.();
	return { ...found, size: file.size };
}

async function examine(file: FileView): Promise<Omit<VideoFacts, 'size'> | MediaFault> {
	const head = await file.bytes(0, SIGNATURE_LENGTH);
	if (file.fault) return file.fault;
	const type = identify(head);
	if (type === EMPTY) return wrong('is empty');
	if (type !== MOVIE) {
		return (isWriting(type) ? wrongLink : wrong)(`is ${type}, not MP4 or MOV`);
	}

	const place = await findMovie(file);
	if (!place) return file.fault ?? wrong(`${INCOMPLETE}: it has no index (moov)`);
	const movie = await readMovie(file, place);
	if (movie.isPacked) return unchecked('its index is compressed');
	const track = firstVideo(movie);
	if (!track) {
		const isCut = !movie.areAllTracksKnown || place.end > (file.size ?? Infinity);
		return file.fault ?? wrong(isCut ? INCOMPLETE : 'has no video track');
	}
	const { entry } = track;
	if (!(entry.width > 0 && entry.height > 0)) {
		return file.fault ?? wrong('does not say its width and height');
	}
	if (entry.isEncrypted) return wrong('is encrypted (DRM)');
	const fragments = movie.fragments
		? await readFragments(file, track, movie.tracks, movie.fragments)
		: undefined;
	const fault = missingPart(file, track, movie, fragments);
	if (fault) return fault;
	return {
		...containerOf(head, entry.codec),
		...pictureOf(track, movie),
		...timesOf(track, movie, fragments),
		codec: entry.codec,
		codecTraits: entry.traits,
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

/** An index alone is no video: the frames that it lists must be in the file. */
function missingPart(
	file: FileView,
	track: Track,
	movie: Movie,
	fragments?: FragmentFacts,
): MediaFault | undefined {
	const ends = [track, ...soundsOf(movie)].map(({ samples }) => samples.end);
	if (fragments?.isCutOff || ends.some((end) => end > (file.size ?? Infinity))) {
		return wrong('is incomplete: it breaks off before the end of its video');
	}
	const hasFragments = fragments && (!fragments.isWhole || fragments.frames.count > 0);
	return track.samples.isEmpty && !hasFragments ? wrong('has no frames') : undefined;
}

function soundsOf({ tracks }: Movie): Track[] {
	return tracks.filter(({ handler }) => handler === 'soun');
}

/** MP4 files by the brands of the standards (ISO/IEC 14496-12 and 14496-14). */
const MP4_BRAND = /^(iso[m2-9]|mp4[12]|avc1)$/;

/** 3GP, Motion JPEG 2000 and Flash. */
const OTHER_BRAND = /^(3g|mj|f4)/i;

/** H.263, which the MP4 standards do not know. */
const ONLY_IN_3GP = /^[sh]263$/;

function containerOf(head: Buffer, codec: string): Pick<VideoFacts, 'container' | 'brand'> {
	const hasBrand = head.toString('latin1', 4, 8) === 'ftyp';
	const brand = hasBrand ? fourLetters(head, 8) : 'qt  ';
	if (brand === 'qt  ') return { container: 'mov', brand };
	if (!OTHER_BRAND.test(brand)) return { container: 'mp4', brand };
	const isMp4 = compatibleBrands(head).some((each) => MP4_BRAND.test(each));
	return { container: isMp4 && !ONLY_IN_3GP.test(codec) ? 'mp4' : 'other', brand };
}

/** The brands that a file names beside the major one: a reader of any of them can read it. */
function compatibleBrands(head: Buffer): string[] {
	const end = Math.min(head.readUInt32BE(0), head.length);
	const brands: string[] = [];
	for (let at = 16; at + 4 <= end; at += 4) brands.push(fourLetters(head, at));
	return brands;
}

function pictureOf(track: Track, movie: Movie) {
	const { width: codedWidth, height: codedHeight } = track.entry;
	const rotation = rotationOf(track.matrix, movie.matrix);
	const [width, height] =
		rotation % 180 === 0 ? [codedWidth, codedHeight] : [codedHeight, codedWidth];
	return { width, height, codedWidth, codedHeight, rotation };
}

function timesOf(track: Track, movie: Movie, fragments?: FragmentFacts) {
	const { frames, isWhole } = track.samples;
	const more = fragments?.total ?? { count: 0, ticks: 0 };
	const count = frames.count + more.count;
	const met = fragments ? frames.plus(fragments.frames) : frames;
	const isAllListed = !fragments || (fragments.isWhole && more.count === 0);
	const duration = isAllListed ? track.shown.seconds : fragments.duration;
	return {
		duration: known(duration),
		playTime: known(
			Math.max(...[duration, ...playTimes(track, movie, fragments)].filter(Number.isFinite)),
		),
		frameRate: known((count * track.timescale) / (frames.ticks + more.ticks)),
		commonFrameRate: known(track.timescale / met.commonestLength),
		isFrameRateEstimated: !isWhole || fragments?.isWhole === false,
		frameCount: known(Math.round(count)),
	};
}

/** @returns seconds up to the end of the picture and of each sound; NaN where not known */
function playTimes(track: Track, movie: Movie, fragments?: FragmentFacts): number[] {
	return [track, ...soundsOf(movie)].map(({ id, shown }) => {
		const end = fragments ? (fragments.ends.get(id) ?? NaN) : shown.seconds;
		return shown.pause + end;
	});
}

function known(value: number): number | undefined {
	return Number.isFinite(value) && value > 0 ? value : undefined;
}
