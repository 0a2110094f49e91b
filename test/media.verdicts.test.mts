import { describe, expect, jest, test } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import {
	bufferSource,
	counted,
	imageProblems,
	isFault,
	mediaHints,
	readImage,
	readVideo,
	videoProblems,
} from './media/built.mts';
import { cases, files } from './media/verdicts.mts';

/** Files of the kinds that people have: a good one is not refused, and a bad one is not paid for. */

// The first run makes the files, which takes as long as the machine is busy.
jest.setTimeout(900_000);

async function verdictOn(bytes: Buffer) {
	const source = counted(bufferSource(bytes));
	const found = await readVideo(source);
	expect(source.reads).toBeLessThanOrEqual(3);
	expect(source.bytes).toBeLessThanOrEqual(512 * 1024);
	const problems = videoProblems('Video', found);
	return { found, problems, hints: mediaHints('Video', found) };
}

async function kept(name: string): Promise<Buffer> {
	const bytes = await readFile(path.join(process.cwd(), 'test/media/cases', name));
	return name.endsWith('.gz') ? gunzipSync(bytes) : bytes;
}

test('there are at least 40 files from ffmpeg, and no name comes twice', () => {
	const names = cases.map(({ recipe }) => recipe.name);
	expect(names.length).toBeGreaterThanOrEqual(40);
	expect(new Set(names).size).toBe(names.length);
});

describe('a good video passes without a word', () => {
	const good = cases.filter(({ verdict }) => verdict === 'good');
	test.each(good.map(({ recipe }) => recipe.name))('%s', async (name) => {
		const { problems, hints } = await verdictOn(await files.bytes(name));
		expect({ problems, hints }).toEqual({ problems: [], hints: [] });
	});
});

describe('a bad video is refused for what is wrong with it', () => {
	const refused = cases.flatMap(({ recipe, verdict }) =>
		typeof verdict === 'object' && 'refused' in verdict
			? [[recipe.name, verdict.refused] as const]
			: [],
	);
	test.each(refused)('%s: %s', async (name, sentence) => {
		const { problems } = await verdictOn(await files.bytes(name));
		expect(problems).toEqual([expect.stringMatching(sentence)]);
	});
});

describe('a video that may be refused passes with a hint', () => {
	const hinted = cases.flatMap(({ recipe, verdict }) =>
		typeof verdict === 'object' && 'hint' in verdict ? [[recipe.name, verdict.hint] as const] : [],
	);
	test.each(hinted)('%s: %s', async (name, sentence) => {
		const { problems, hints } = await verdictOn(await files.bytes(name));
		expect(problems).toEqual([]);
		expect(hints).toEqual([expect.stringMatching(sentence)]);
	});
});

describe('the kept cases', () => {
	test.each([
		['android-3gp4.mp4', { container: 'mp4', brand: '3gp4', duration: 4, frameRate: 30 }],
		['fragments-sound-24.mp4', { commonFrameRate: 24, frameCount: 120 }],
		['last-frame-long-at-24.mov', { commonFrameRate: 24, frameCount: 72 }],
		['stts-negative.mp4', { duration: 5, frameRate: 30, commonFrameRate: 30 }],
	])('%s is a good video', async (name, facts) => {
		const { found, problems, hints } = await verdictOn(await kept(name));
		expect(found).toMatchObject(facts);
		expect({ problems, hints }).toEqual({ problems: [], hints: [] });
	});

	test.each([
		[
			'cut-off-faststart.mp4',
			'Video: the file is incomplete: it breaks off before the end of its video',
		],
		['no-frames-at-all.mp4', 'Video: the file has no frames'],
		['one-fragment-2s.mp4.gz', 'Video: the video is 2.02 s long, it must be 3 to 10 s'],
	])('%s is refused', async (name, sentence) => {
		expect((await verdictOn(await kept(name))).problems).toEqual([sentence]);
	});

	test('jpeg-junk-between-segments.jpg is a good image', async () => {
		const found = await readImage(await kept('jpeg-junk-between-segments.jpg'));
		expect(found).toMatchObject({ type: 'jpg', width: 640, height: 480 });
		expect(imageProblems('Image', found, { ratio: true })).toEqual([]);
	});
});

describe('a file without an index of its own size', () => {
	test('is not called cut off where its host does not tell the size', async () => {
		const bytes = await files.bytes('one-piece-4.mp4');
		const found = await readVideo({
			read: async (at, length) => bytes.subarray(at, at + length),
		});
		expect(isFault(found)).toBe(false);
		expect(videoProblems('Video', found)).toEqual([]);
	});
});
