import type { MediaFault } from '../../shared/media/fault';
import { isFault } from '../../shared/media/fault';
import type { ImageFacts } from './image';
import type { VideoFacts } from '../../shared/media/video';

const MB = 1024 * 1024;

/**
 * What a reference video may be: Kling's own limits for Kling 3 Omni, which its providers document
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

/** What an image may be, as the providers document it. */
export const imageLimits = {
	/** Pixels of its width, and of its height. */
	side: { min: 300 },
	megabytes: 10,
	/** Width to height, for the providers that limit it (`limitsImageRatio`). */
	ratio: { min: 1 / 2.5, max: 2.5 },
};

/**
 * @param label how the user knows the field
 * @returns a sentence for everything in the file that is not as documented
 */
export function videoProblems(label: string, found: VideoFacts | MediaFault): string[] {
	if (isFault(found)) return faultProblems(label, found, videoLimits.megabytes);
	const { containers, seconds, side, frameRate, megabytes } = videoLimits;
	const { container, brand, width, height, duration, frameRate: rate, size } = found;
	return [
		containers.includes(container)
			? []
			: [`the file is of the kind "${brand.trim()}", allowed are MP4 and MOV`],
		isWithin(duration, seconds)
			? []
			: [`the video is ${show(duration)} s long, allowed are ${range(seconds)} s`],
		[width, height].every((pixels) => isWithin(pixels, side))
			? []
			: [
					`the video is ${width} x ${height} px, allowed are ${range(side)} px for width and height`,
				],
		isWithin(rate, frameRate)
			? []
			: [`the video has ${show(rate)} frames a second, allowed are ${range(frameRate)}`],
		tooLarge(size, megabytes),
	]
		.flat()
		.map((problem) => `${label}: ${problem}`);
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
			: [
					`the image is ${width} x ${height} px, allowed are at least ${side.min} px for width and height`,
				],
		isSlim
			? [
					`the image is ${width} x ${height} px, a ratio of ${showRatio(width, height)}, allowed are 1:${ratio.max} to ${ratio.max}:1`,
				]
			: [],
		tooLarge(size, megabytes),
	]
		.flat()
		.map((problem) => `${label}: ${problem}`);
}

/** What could not be looked at: no reason to refuse the file, but for the user to know. */
export function mediaHints(label: string, found: VideoFacts | ImageFacts | MediaFault): string[] {
	if (isFault(found)) {
		return found.fault === 'unchecked' ? [`${label} could not be checked: ${found.reason}`] : [];
	}
	if ('type' in found) return [];
	const unknown = [
		...(found.duration === undefined ? ['length'] : []),
		...(found.frameRate === undefined ? ['frame rate'] : []),
	];
	if (unknown.length === 0) return [];
	return [
		`${label}: the video's ${unknown.join(' and ')} could not be found, and so not be checked`,
	];
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

/** What is not known is not held against a file. */
function isWithin(value: number | undefined, { min, max, tolerance = 0 }: Limit): boolean {
	return value === undefined || (value >= min - tolerance && value <= max + tolerance);
}

function tooLarge(size: number | undefined, megabytes: number): string[] {
	if (size === undefined || size <= megabytes * MB) return [];
	// Rounded up, or a byte too many would not be seen.
	const given = Math.ceil((size / MB) * 100) / 100;
	return [`the file has ${show(given)} MB, allowed are at most ${megabytes} MB`];
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
