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
import { MB, videoFacts } from './media/facts.mts';

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
		expect(videoProblems('Video URL', videoFacts(facts))).toEqual([]);
	});

	test.each([
		[{ duration: 12.4 }, 'the video is 12.4 s long, it must be 3 to 10 s'],
		[{ duration: 2.5 }, 'the video is 2.5 s long, it must be 3 to 10 s'],
		[{ width: 640, height: 360 }, 'the video is 640 x 360 px, each side must be 720 to 2160 px'],
		[
			{ width: 3840, height: 2160 },
			'the video is 3840 x 2160 px, each side must be 720 to 2160 px',
		],
		[{ frameRate: 15 }, 'the video has 15 frames a second, it must have 24 to 60'],
		[{ frameRate: 119.88 }, 'the video has 119.88 frames a second, it must have 24 to 60'],
		[{ size: 231 * MB }, 'the file is 231 MB, it must be at most 200 MB'],
		[{ size: 200 * MB + 1 }, 'the file is 200.01 MB, it must be at most 200 MB'],
		[
			{ container: 'other', brand: '3gp4' },
			'the file is of the kind "3gp4", it must be MP4 or MOV',
		],
	] as Array<[Partial<VideoFacts>, string]>)('%j is named', (facts, sentence) => {
		expect(videoProblems('Video URL', videoFacts(facts))).toEqual([`Video URL: ${sentence}`]);
	});

	test.each([
		// A frame more or less, a lost one, a last one without a length.
		{ frameRate: 24 * (95 / 96), frameCount: 95 },
		{ frameRate: 60 * (181 / 180), frameCount: 181 },
		{ frameRate: 40, commonFrameRate: 90 },
		{ duration: 2.5, playTime: 3 },
		{ duration: 9.5, playTime: 14 },
		{ frameRate: 20, commonFrameRate: 30 },
		{ frameRate: 12, commonFrameRate: 12, isFrameRateEstimated: true },
		{ duration: undefined, playTime: 14 },
	])('%j is not refused', (facts) => {
		expect(videoProblems('Video URL', videoFacts(facts))).toEqual([]);
	});

	test.each([
		[{ frameRate: 22, frameCount: 66 }, 'the video has 22 frames a second, it must have 24 to 60'],
		[
			{ frameRate: 20, commonFrameRate: 15 },
			'the video has 20 frames a second, it must have 24 to 60',
		],
		[{ duration: 2, playTime: 2.5 }, 'the video is 2 s long, it must be 3 to 10 s'],
		[{ duration: 2, playTime: 12 }, 'the video is 2 s long, it must be 3 to 10 s'],
	])('%j is refused', (facts, sentence) => {
		expect(videoProblems('Video URL', videoFacts(facts))).toEqual([`Video URL: ${sentence}`]);
	});

	test.each<[Partial<VideoFacts>, string]>([
		[
			{ duration: 2.8, playTime: 3.2 },
			'the picture is 2.8 s long, and 3.2 s with pauses and sound: the provider may count either, and asks for 3 to 10 s',
		],
		[
			{ frameRate: 20, commonFrameRate: 30 },
			'the video has 20 frames a second on average, although most follow each other at 30: the provider may count either, and asks for 24 to 60',
		],
		[
			{ frameRate: 12, commonFrameRate: 12, isFrameRateEstimated: true },
			'the part of the video that was read has 12 frames a second: the provider asks for 24 to 60',
		],
		[
			{ codec: 'hvc1', codecTraits: ['HDR'] },
			'the video is HEVC with HDR, which the provider may refuse; H.264 is the safe choice',
		],
		[
			{ codec: 'apch' },
			'the video is Apple ProRes, which the provider may refuse; H.264 is the safe choice',
		],
	])('%j passes with a hint', (facts, sentence) => {
		expect(videoProblems('Video URL', videoFacts(facts))).toEqual([]);
		expect(mediaHints('Video URL', videoFacts(facts))).toEqual([`Video URL: ${sentence}`]);
	});

	test.each([{ codec: 'hvc1' }, { codec: 'hev1' }, { codec: 'avc3' }])(
		'%j passes without a hint',
		(facts) => {
			expect(mediaHints('Video URL', videoFacts(facts))).toEqual([]);
		},
	);

	test('has everything wrong named at once', () => {
		const facts = { duration: 1, width: 100, frameRate: 10, size: 300 * MB };
		expect(videoProblems('Video URL', videoFacts(facts))).toHaveLength(4);
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
		const fault = { fault: 'unchecked', reason: 'the host answers HTTP 503' } as const;
		expect(videoProblems('Video URL', fault)).toEqual([]);
		expect(mediaHints('Video URL', fault)).toEqual([
			'Video URL could not be checked: the host answers HTTP 503',
		]);
		expect(videoProblems('Video URL', { ...fault, size: 999 * MB })).toEqual([
			'Video URL: the file is 999 MB, it must be at most 200 MB',
		]);
	});

	test('of which something could not be found is a hint', () => {
		expect(mediaHints('Video URL', videoFacts())).toEqual([]);
		expect(mediaHints('Video URL', videoFacts({ duration: undefined }))).toEqual([
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
			'Image 1: the image is 200 x 100 px, each side must be at least 300 px',
			'Image 1: the file is 12 MB, it must be at most 10 MB',
		]);
	});

	test('is held against a ratio only where one is documented', () => {
		const wide = image({ width: 1000, height: 300 });
		expect(imageProblems('Image', wide, { ratio: false })).toEqual([]);
		expect(imageProblems('Image', wide, { ratio: true })).toEqual([
			'Image: the image is 1000 x 300 px, a ratio of 3.33:1, it must be 1:2.5 to 2.5:1',
		]);
		expect(imageProblems('Image', image({ width: 300, height: 900 }), { ratio: true })).toEqual([
			'Image: the image is 300 x 900 px, a ratio of 1:3, it must be 1:2.5 to 2.5:1',
		]);
		const edge = image({ width: 750, height: 300 });
		expect(imageProblems('Image', edge, { ratio: true })).toEqual([]);
	});
});
