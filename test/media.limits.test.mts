import { describe, expect, test } from '@jest/globals';
import type { ImageFacts, VideoFacts } from './media/built.mts';
import {
	bufferSource,
	imageProblems,
	mediaHints,
	readVideo,
	videoProblems,
} from './media/built.mts';
import { clips } from './media/clips.mts';

const MB = 1024 * 1024;

function video(facts: Partial<VideoFacts> = {}): VideoFacts {
	return {
		container: 'mp4',
		brand: 'isom',
		width: 1280,
		height: 720,
		codedWidth: 1280,
		codedHeight: 720,
		rotation: 0,
		duration: 5,
		frameRate: 30,
		codec: 'avc1',
		hasAudio: true,
		size: 5 * MB,
		...facts,
	};
}

function image(facts: Partial<ImageFacts> = {}): ImageFacts {
	return { type: 'jpg', width: 640, height: 360, size: MB, ...facts };
}

describe('a reference video', () => {
	test.each([
		{},
		{ duration: 3 },
		{ duration: 10 },
		// 300 frames of 29.97 a second, which editors call 10 seconds.
		{ duration: 10.01 },
		{ frameRate: 24000 / 1001 },
		{ frameRate: 60000 / 1001 },
		{ frameRate: 60 },
		{ width: 2160, height: 720 },
		{ width: 720, height: 2160 },
		{ size: 200 * MB },
		{ container: 'mov', brand: 'qt  ' },
		{ duration: undefined, frameRate: undefined, size: undefined },
	] as Array<Partial<VideoFacts>>)('%j is as documented', (facts) => {
		expect(videoProblems('Video URL', video(facts))).toEqual([]);
	});

	test.each([
		[{ duration: 12.4 }, 'the video is 12.4 s long, allowed are 3 to 10 s'],
		[{ duration: 2.5 }, 'the video is 2.5 s long, allowed are 3 to 10 s'],
		[
			{ width: 640, height: 360 },
			'the video is 640 x 360 px, allowed are 720 to 2160 px for width and height',
		],
		[
			{ width: 3840, height: 2160 },
			'the video is 3840 x 2160 px, allowed are 720 to 2160 px for width and height',
		],
		[{ frameRate: 15 }, 'the video has 15 frames a second, allowed are 24 to 60'],
		[{ frameRate: 119.88 }, 'the video has 119.88 frames a second, allowed are 24 to 60'],
		[{ size: 231 * MB }, 'the file has 231 MB, allowed are at most 200 MB'],
		[{ size: 200 * MB + 1 }, 'the file has 200.01 MB, allowed are at most 200 MB'],
		[
			{ container: 'other', brand: '3gp4' },
			'the file is of the kind "3gp4", allowed are MP4 and MOV',
		],
	] as Array<[Partial<VideoFacts>, string]>)('%j is named', (facts, sentence) => {
		expect(videoProblems('Video URL', video(facts))).toEqual([`Video URL: ${sentence}`]);
	});

	test('has everything wrong named at once', () => {
		const facts = { duration: 1, width: 100, frameRate: 10, size: 300 * MB };
		expect(videoProblems('Video URL', video(facts))).toHaveLength(4);
	});

	test('that is none is named by what it is', async () => {
		const page = await readVideo(bufferSource(Buffer.from('<html></html>')));
		expect(videoProblems('Video URL', page)).toEqual([
			'Video URL: the file is an HTML page, not MP4 or MOV',
		]);
		const webm = Buffer.concat([Buffer.from('1a45dfa3', 'hex'), Buffer.from('....webm')]);
		expect(videoProblems('Video 2', await readVideo(bufferSource(webm)))).toEqual([
			'Video 2: the file is a WebM video, not MP4 or MOV',
		]);
	});

	test('that breaks off, or has no pictures, is named', async () => {
		const bytes = await clips.bytes('sound.mp4');
		expect(
			videoProblems('Video', await readVideo(bufferSource(bytes.subarray(0, 20_000)))),
		).toEqual(['Video: the file is incomplete or damaged: it has no index (moov)']);
		const silent = Buffer.from(bytes);
		silent.write('meta', silent.indexOf('vide\0\0\0\0'), 'latin1');
		expect(videoProblems('Video', await readVideo(bufferSource(silent)))).toEqual([
			'Video: the file has no video track',
		]);
	});

	test('that could not be looked at is a hint, but its size still counts', () => {
		const fault = { fault: 'unchecked', reason: 'the host answers HTTP 403' } as const;
		expect(videoProblems('Video URL', fault)).toEqual([]);
		expect(mediaHints('Video URL', fault)).toEqual([
			'Video URL could not be checked: the host answers HTTP 403',
		]);
		expect(videoProblems('Video URL', { ...fault, size: 999 * MB })).toEqual([
			'Video URL: the file has 999 MB, allowed are at most 200 MB',
		]);
	});

	test('of which something could not be found is a hint', () => {
		expect(mediaHints('Video URL', video())).toEqual([]);
		expect(mediaHints('Video URL', video({ duration: undefined }))).toEqual([
			"Video URL: the video's length could not be found, and so not be checked",
		]);
	});
});

describe('an image', () => {
	test('is held against size and bytes', () => {
		expect(imageProblems('Image 1', image(), { ratio: true })).toEqual([]);
		expect(
			imageProblems('Image 1', image({ width: 300, height: 300, size: 10 * MB }), { ratio: true }),
		).toEqual([]);
		expect(
			imageProblems('Image 1', image({ width: 200, height: 100, size: 12 * MB }), { ratio: false }),
		).toEqual([
			'Image 1: the image is 200 x 100 px, allowed are at least 300 px for width and height',
			'Image 1: the file has 12 MB, allowed are at most 10 MB',
		]);
	});

	test('is held against a ratio only where one is documented', () => {
		const wide = image({ width: 1000, height: 300 });
		expect(imageProblems('Image', wide, { ratio: false })).toEqual([]);
		expect(imageProblems('Image', wide, { ratio: true })).toEqual([
			'Image: the image is 1000 x 300 px, a ratio of 3.33:1, allowed are 1:2.5 to 2.5:1',
		]);
		expect(imageProblems('Image', image({ width: 300, height: 900 }), { ratio: true })).toEqual([
			'Image: the image is 300 x 900 px, a ratio of 1:3, allowed are 1:2.5 to 2.5:1',
		]);
		const edge = image({ width: 750, height: 300 });
		expect(imageProblems('Image', edge, { ratio: true })).toEqual([]);
	});
});
