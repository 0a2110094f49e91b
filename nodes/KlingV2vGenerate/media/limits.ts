import type { MediaFault } from '../../shared/media/fault';
import { isFault } from '../../shared/media/fault';
import { rareCodec } from './codecs';
import type { ImageFacts } from './image';
import type { VideoFacts } from '../../shared/media/video';

const MB = 1024 * 1024;

/**
 * The limits of a reference video: Kling's own limits for Kling 3 Omni, which its providers document
 * or pass on.
 */
export const videoLimits = {
	containers: ['mp4', 'mov'],
	/** Of its duration. Exports are often a frame or two longer than what was asked for. */
	seconds: { min: 3, max: 10, tolerance: 0.1 },
	/** Pixels of its width, and of its height. */
	side: { min: 720, max: 2160 },
	/** Frames a second. Film is 23.976, and phones are never exact. */
	frameRate: { min: 24, max: 60, tolerance: 0.1 },
	megabytes: 200,
};

/** The limits of an image, as the providers document them. */
export const imageLimits = {
	/** Pixels of its width, and of its height. */
	side: { min: 300 },
	megabytes: 10,
	/** Width to height, for the providers that limit it (`limitsImageRatio`). */
	ratio: { min: 1 / 2.5, max: 2.5 },
};

/**
 * @param label how the user knows the field
 * @param longest in place of the documented longest length, for a provider that takes more
 * @returns a sentence for everything in the file that is not as documented
 */
export function videoProblems(
	label: string,
	found: VideoFacts | MediaFault,
	longest: Pick<Limit, 'max' | 'tolerance'> = videoLimits.seconds,
): string[] {
	if (isFault(found)) return faultProblems(label, found, videoLimits.megabytes);
	const { containers, side, megabytes } = videoLimits;
	const { container, brand, width, height, size } = found;
	return [
		containers.includes(container)
			? []
			: [`the file is of the kind "${brand.trim()}", it must be MP4 or MOV`],
		durationProblems(found, longest),
		[width, height].every((pixels) => isWithin(pixels, side))
			? []
			: [`the video is ${width} x ${height} px, each side must be ${range(side)} px`],
		found.isFrameRateEstimated ? [] : frameRateProblems(found),
		tooLarge(size, megabytes),
	]
		.flat()
		.map((problem) => `${label}: ${problem}`);
}

/** A pause before the picture, or sound after it, counts with some programs only. */
function durationProblems(
	{ duration, playTime }: VideoFacts,
	longest: Pick<Limit, 'max' | 'tolerance'>,
): string[] {
	const seconds = { ...videoLimits.seconds, ...longest };
	if (duration === undefined || isAnyWithin([duration, playTime], seconds)) return [];
	return [`the video is ${show(duration)} s long, it must be ${range(seconds)} s`];
}

/** One long pause changes the average, and uneven lengths hide the commonest: one of them must do. */
function frameRateProblems(facts: VideoFacts): string[] {
	const { frameRate: limit } = videoLimits;
	const { frameRate, commonFrameRate } = facts;
	const known = frameRate ?? commonFrameRate;
	if (known === undefined || isAverageWithin(facts)) return [];
	if (commonFrameRate !== undefined && isWithin(commonFrameRate, limit)) return [];
	return [`the video has ${show(known)} frames a second, it must have ${range(limit)}`];
}

/**
 * The average rate, if one frame more or less were in the same time: the last frame often has no
 * length, or that of two, and one may have been lost or doubled.
 */
function isAverageWithin({ frameRate, frameCount }: VideoFacts): boolean {
	const { min, max, tolerance } = videoLimits.frameRate;
	if (frameRate === undefined) return false;
	const one = frameCount === undefined ? 0 : frameRate / frameCount;
	return frameRate + one >= min - tolerance && frameRate - one <= max + tolerance;
}

/**
 * @param label how the user knows the field, with its position in a list
 * @param rules whether the ratio of width to height matters
 * @returns a sentence for everything in the file that is not as documented
 */
export function imageProblems(
	label: string,
	found: ImageFacts | MediaFault,
	rules: { ratio: boolean },
): string[] {
	if (isFault(found)) return faultProblems(label, found, imageLimits.megabytes);
	const { side, megabytes, ratio } = imageLimits;
	const { width, height, size } = found;
	const isSlim = rules.ratio && (width / height < ratio.min || width / height > ratio.max);
	return [
		width >= side.min && height >= side.min
			? []
			: [`the image is ${width} x ${height} px, each side must be at least ${side.min} px`],
		isSlim
			? [
					`the image is ${width} x ${height} px, a ratio of ${showRatio(width, height)}, it must be 1:${ratio.max} to ${ratio.max}:1`,
				]
			: [],
		tooLarge(size, megabytes),
	]
		.flat()
		.map((problem) => `${label}: ${problem}`);
}

/** @returns a sentence where the file could not be looked at: for a user who wants no such file to be paid for */
export function unverifiedProblems(label: string, { fault, reason }: MediaFault): string[] {
	return fault === 'unchecked'
		? [`${label} could not be checked: ${reason}. Unverified Media is set to Refuse`]
		: [];
}

/** Of a file that is not refused: what could not be found out, and what the provider may dislike. */
export function mediaHints(label: string, found: VideoFacts | ImageFacts | MediaFault): string[] {
	if (isFault(found)) {
		return found.fault === 'unchecked' ? [`${label} could not be checked: ${found.reason}`] : [];
	}
	if ('type' in found) return [];
	return [unknownHint(found), durationHint(found), frameRateHint(found), codecHint(found)]
		.flat()
		.map((hint) => `${label}: ${hint}`);
}

/**
 * A part begins with the frames that its first one needs, and an edit list that leaves them out.
 * @param stored all pictures in the file, in seconds
 */
export function clipHints(
	label: string,
	{ facts, stored }: { facts: VideoFacts; stored: { duration: number } },
): string[] {
	const { seconds } = videoLimits;
	const isShownWithin = facts.duration !== undefined && isWithin(facts.duration, seconds);
	if (!isShownWithin || isWithin(stored.duration, seconds)) return [];
	return [
		`${label}: the part is ${show(facts.duration)} s long, and ${show(stored.duration)} s with the frames before it that it needs: the provider may count either, and asks for ${range(seconds)} s. A Clip Start at another place may need fewer`,
	];
}

function unknownHint({ duration, frameRate, commonFrameRate }: VideoFacts): string[] {
	const unknown = [
		...(duration === undefined ? ['length'] : []),
		...(frameRate === undefined && commonFrameRate === undefined ? ['frame rate'] : []),
	];
	if (unknown.length === 0) return [];
	return [`the video's ${unknown.join(' and ')} could not be found, and so not be checked`];
}

function durationHint({ duration, playTime }: VideoFacts): string[] {
	const { seconds } = videoLimits;
	// `unknownHint` tells of a length that was not found.
	if (duration === undefined || areAllWithin([duration, playTime], seconds)) return [];
	if (!isAnyWithin([duration, playTime], seconds)) {
		// Otherwise it is refused.
		return [
			`the video is ${show(duration)} s long: ${range(seconds)} s are documented, and the provider may refuse more`,
		];
	}
	return [
		`the picture is ${show(duration)} s long, and ${show(playTime)} s with pauses and sound: the provider may count either, and asks for ${range(seconds)} s`,
	];
}

function frameRateHint(facts: VideoFacts): string[] {
	const { frameRate: limit } = videoLimits;
	const { frameRate, commonFrameRate, isFrameRateEstimated } = facts;
	const isCommonWithin = commonFrameRate !== undefined && isWithin(commonFrameRate, limit);
	if (frameRate === undefined || isAverageWithin(facts)) return [];
	if (isFrameRateEstimated && !isCommonWithin) {
		return [
			`the part of the video that was read has ${show(frameRate)} frames a second: the provider asks for ${range(limit)}`,
		];
	}
	if (!isCommonWithin) return [];
	return [
		`the video has ${show(frameRate)} frames a second on average, although most follow each other at ${show(commonFrameRate)}: the provider may count either, and asks for ${range(limit)}`,
	];
}

function codecHint(facts: VideoFacts): string[] {
	const name = rareCodec(facts);
	return name === undefined
		? []
		: [`the video is ${name}, which the provider may refuse; H.264 is the safe choice`];
}

function faultProblems(
	label: string,
	{ fault, reason, size }: MediaFault,
	megabytes: number,
): string[] {
	return [...(fault === 'wrong' ? [`the file ${reason}`] : []), ...tooLarge(size, megabytes)].map(
		(problem) => `${label}: ${problem}`,
	);
}

interface Limit {
	min: number;
	max: number;
	tolerance?: number;
}

function isWithin(value: number, { min, max, tolerance = 0 }: Limit): boolean {
	return value >= min - tolerance && value <= max + tolerance;
}

/** A fact that is not known is not held against a file. */
function areAllWithin(values: Array<number | undefined>, limit: Limit): boolean {
	return values.every((value) => value === undefined || isWithin(value, limit));
}

/** @returns whether one of the known values will do, or none is known */
function isAnyWithin(values: Array<number | undefined>, limit: Limit): boolean {
	const known = values.filter((value) => value !== undefined);
	return known.length === 0 || known.some((value) => isWithin(value, limit));
}

function tooLarge(size: number | undefined, megabytes: number): string[] {
	if (size === undefined || size <= megabytes * MB) return [];
	// Rounded up, or a byte too many would not be seen.
	const given = Math.ceil((size / MB) * 100) / 100;
	return [`the file is ${show(given)} MB, it must be at most ${megabytes} MB`];
}

function range({ min, max }: Limit): string {
	return `${min} to ${max}`;
}

/** With no more digits than help. */
function show(value: number | undefined): string {
	return String(Number((value ?? NaN).toFixed(2)));
}

function showRatio(width: number, height: number): string {
	return width > height ? `${show(width / height)}:1` : `1:${show(height / width)}`;
}
