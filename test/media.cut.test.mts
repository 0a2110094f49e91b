import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Node } from './media/boxes.mts';
import { all, box, parse, write } from './media/boxes.mts';
import type { ByteSource, Cut, MediaFault } from './media/built.mts';
import {
	bufferSource,
	counted,
	cutAllowance,
	CutInterrupted,
	isFault,
	planCut,
	readVideo,
} from './media/built.mts';
import { collected, faultsOfCut } from './media/cutChecks.mts';
import { cutClips, recipes } from './media/cutClips.mts';
import { longVideo } from './media/longVideo.mts';
import type { Seed } from './media/mutations.mts';
import { movieSeed, mutate, seeded } from './media/mutations.mts';
import { inPairs } from './media/tools.mts';

/**
 * A part of a video is what the whole is at that time, picture for picture, as ffmpeg sees it; and no
 * file makes that dear. `npm run sweep` does the same with every source.
 */

const IS_SWEEP = process.env.CUT_SWEEP !== undefined;
const FUZZ_RUNS = Number(process.env.CUT_FUZZ ?? 600);
const SEED = Number(process.env.CUT_SEED ?? 20261126);

/** One of each kind. */
const sample = [
	'gop-25-deep.mp4',
	'open.mp4',
	'refresh.mp4',
	'hevc.mp4',
	'mpeg2-open.mov',
	'sound-pcm.mov',
	'fragments-base.mp4',
	'fragments-hybrid.mp4',
	'turned-90.mov',
	'cut.mp4',
	'two-edits.mp4',
	'late-video.mp4',
	'variable.mp4',
];
const names = IS_SWEEP ? recipes.map(({ name }) => name) : sample;

async function secondsOf(name: string): Promise<number> {
	const { streams } = await cutClips.probe(name);
	return Number(streams.find(({ codec_type: type }) => type === 'video')?.duration);
}

async function cutOf(name: string, start: number, length: number): Promise<Cut> {
	return good(await planCut(bufferSource(await cutClips.bytes(name)), { start, length }));
}

function good(cut: Cut | MediaFault): Cut {
	if (isFault(cut)) throw new Error(`the file ${cut.reason}`);
	return cut;
}

describe('ffmpeg decodes a cut as it decodes the source', () => {
	const faults = new Map<string, string[]>();

	beforeAll(async () => {
		await inPairs(names, async (name) => {
			const seconds = await secondsOf(name);
			const length = Math.min(3, seconds / 2);
			const found: string[] = [];
			for (const start of [0, (seconds - length) * 0.47, seconds - length]) {
				found.push(...(await faultsOfCut(name, { start, length })));
			}
			faults.set(name, found);
		});
	}, 1_200_000);

	test.each(names)('%s, at its start, in its middle and at its end', (name) => {
		expect(faults.get(name)).toEqual([]);
	});

	test('the sweep has at least 60 sources', () => {
		expect(new Set(recipes.map(({ name }) => name)).size).toBeGreaterThanOrEqual(60);
	});
});

describe('the new file', () => {
	test('has its index in front of its samples', async () => {
		const nodes = parse(await collected(await cutOf('gop-25-deep.mp4', 2, 3)));
		expect(nodes.map(({ type }) => type)).toEqual(['ftyp', 'moov', 'mdat']);
	});

	test.each(['turned-90.mov', 'colour.mp4', 'hevc.mp4', 'fragments-base.mp4', 'long-times.mov'])(
		'%s keeps the brand, rotation, colour, pixel shape and language of its tracks',
		async (name) => {
			const old = parse(await cutClips.bytes(name));
			const made = parse(await collected(await cutOf(name, 1, 3)));
			for (const type of ['stsd', 'hdlr', 'dinf', 'vmhd', 'smhd', 'tapt']) {
				const inTracks = (nodes: Node[]) => all(all(nodes, 'trak'), type).map(({ body }) => body);
				expect(inTracks(made)).toEqual(inTracks(old));
			}
			const matrix = (nodes: Node[]) =>
				all(nodes, 'tkhd').map(({ body }) => body.subarray(body.length - 44));
			expect(matrix(made)).toEqual(matrix(old));
			const language = (nodes: Node[]) =>
				all(nodes, 'mdhd').map(({ body }) => body.subarray(body.length - 4));
			expect(language(made)).toEqual(language(old));
			const isTurned = matrix(made).some((each) => each.readInt32BE(0) !== 0x10000);
			expect(isTurned).toBe(/turned|long-times/.test(name));
		},
	);

	test('is described by its plan as the reader of media describes it', async () => {
		const cut = await cutOf('turned-90.mov', 1, 3);
		const made = await collected(cut);
		expect(await readVideo(bufferSource(made))).toEqual(cut.facts);
		expect(cut).toMatchObject({ start: 1, duration: 3, frames: 75, mimeType: 'video/quicktime' });
		expect(cut.facts).toMatchObject({ width: 90, height: 160, rotation: 270, duration: 3 });
		expect(cut.facts).toMatchObject({ frameRate: 25, hasAudio: true, size: made.length });
	});

	test('begins at the last sync sample before its start and says so', async () => {
		const cut = await cutOf('gop-12.mp4', 1, 3);
		expect(cut).toMatchObject({ start: 1, stored: { start: 0.96 }, frames: 75 });
		expect(cut.stored.duration).toBeCloseTo(3.04, 6);
	});

	test('ends with the source where the part would go on', async () => {
		expect(await cutOf('gop-12.mp4', 7, 8)).toMatchObject({ start: 7, duration: 2 });
	});

	test('has the frame that is on screen at its start first', async () => {
		expect(await cutOf('gop-12.mp4', 2.0399, 3)).toMatchObject({ start: 2, duration: 3 });
	});

	test('leaves out tracks that are neither picture nor sound, and further pictures', async () => {
		const made = parse(await collected(await cutOf('two-videos.mp4', 2, 3)));
		expect(all(made, 'trak')).toHaveLength(2);
		expect(all(parse(await collected(await cutOf('timecode.mov', 2, 3))), 'trak')).toHaveLength(1);
	});

	test('can be cut again', async () => {
		const first = await collected(await cutOf('open.mp4', 2.5, 5));
		const second = good(await planCut(bufferSource(first), { start: 1, length: 3 }));
		expect(second).toMatchObject({ start: 1, duration: 3, frames: 75 });
	});
});

describe('a video of 2 GB', () => {
	const part = { start: 3001.5, length: 8 };
	let source: ReturnType<typeof counted>;
	let cut: Cut;

	beforeAll(async () => {
		const short = await cutClips.bytes('heavy.mov');
		source = counted(longVideo(short, Math.ceil((2.2 * 2 ** 30) / short.length)));
		cut = good(await planCut(source, part));
	}, 60_000);

	test('is larger than 32 bits of sign and planned with a few reads of its index', () => {
		expect(source.size).toBeGreaterThan(2 ** 31);
		expect(cut).toMatchObject({ start: 3001.48, duration: 8, frames: 200 });
		expect(source.reads).toBeLessThan(15);
		expect(source.bytes).toBeLessThan(4 * 2 ** 20);
	});

	test('gives its part with about one read for each megabyte of it', async () => {
		const { reads, bytes } = source;
		let total = 0;
		for await (const chunk of cut.stream()) {
			expect(chunk.length).toBeLessThanOrEqual(2 ** 20);
			total += chunk.length;
		}
		expect(total).toBe(cut.size);
		// The tracks do not begin at one place: a few reads more.
		expect(source.reads - reads).toBeLessThanOrEqual(Math.ceil(cut.size / 2 ** 20) + 4);
		expect(source.bytes - bytes).toBeLessThan(cut.size * 1.02);
	});
});

describe('a part that cannot be cut', () => {
	async function faultOf(
		change: (nodes: Node[]) => unknown,
		name = 'gop-12.mp4',
	): Promise<Cut | MediaFault> {
		const nodes = parse(Buffer.from(await cutClips.bytes(name)));
		change(nodes);
		return await planCut(bufferSource(write(nodes)), { start: 2, length: 3 });
	}

	const rename = (nodes: Node[], from: string, to: string) => {
		for (const node of all(nodes, from)) node.type = to;
	};

	test.each<[string, string, (nodes: Node[]) => unknown]>([
		['without an index', 'no index (moov)', (nodes) => rename(nodes, 'moov', 'free')],
		['of sound only', 'no video track', ([...nodes]) => rename(nodes, 'mdia', 'free')],
		[
			'with a compressed index',
			'its index is compressed',
			(nodes) => all(nodes, 'moov')[0].children?.push(box('cmov')),
		],
		[
			'that is protected',
			'protected',
			(nodes) => all(nodes, 'stsd')[0].body.write('encv', 12, 'latin1'),
		],
		[
			'with samples in another file',
			'another file',
			(nodes) => all(nodes, 'dinf')[0].body.fill(0, 24, 28),
		],
		[
			'with an edit that is played faster',
			'another speed',
			(nodes) => all(nodes, 'elst')[0].body.writeInt32BE(0x20000, 16),
		],
		['without sizes', 'incomplete or damaged', (nodes) => rename(nodes, 'stsz', 'free')],
		['without chunks', 'incomplete or damaged', (nodes) => rename(nodes, 'stco', 'free')],
		[
			'that is cut off behind its index',
			'ends before the part does',
			(nodes) => {
				all(nodes, 'stco')[0].body.fill(0x7f, 8);
			},
		],
	])('is refused where the file is one %s', async (_, reason, change) => {
		expect(await faultOf(change)).toMatchObject({ reason: expect.stringContaining(reason) });
	});

	test('is refused where the video ends before it', async () => {
		const source = bufferSource(await cutClips.bytes('gop-12.mp4'));
		expect(await planCut(source, { start: 9, length: 3 })).toMatchObject({
			fault: 'wrong',
			reason: expect.stringContaining('ends before the part begins'),
		});
	});

	test('is refused where the host does not give its bytes', async () => {
		const fault = { fault: 'unchecked' as const, reason: 'the host answers HTTP 503' };
		expect(await planCut({ read: async () => fault }, { start: 0, length: 3 })).toEqual(fault);
	});

	test('ends its stream with an error where the host stops to give bytes', async () => {
		const source = bufferSource(await cutClips.bytes('heavy.mov'));
		const plan = good(await planCut(source, { start: 1, length: 3 }));
		source.read = async () => ({ fault: 'unchecked', reason: 'the host answers HTTP 503' });
		await expect(collected(plan)).rejects.toThrow(CutInterrupted);
		source.read = async () => Buffer.alloc(10);
		await expect(collected(plan)).rejects.toThrow('it ended while a part of it was read');
	});
});

describe('a damaged source', () => {
	let seeds: Seed[];
	const outcomes = { cut: 0, wrong: 0, unchecked: 0 };
	const worst = { reads: 0, bytes: 0 };

	beforeAll(async () => {
		const files = [
			'gop-25-deep.mp4',
			'open.mp4',
			'hevc.mp4',
			'sound-pcm.mov',
			'two-edits.mp4',
			'late-video.mp4',
			'long-times.mov',
			'long-offsets.mp4',
			'small-sizes.mp4',
			'groups.mp4',
			'fragments-base.mp4',
			'fragments-hybrid.mp4',
			'fragments-dash.mp4',
			'fragments-keyframes.mp4',
		];
		seeds = await Promise.all(
			files.map(async (name) => movieSeed(name, await cutClips.bytes(name))),
		);
	}, 60_000);

	afterAll(() => {
		process.stdout.write(
			`\ndamaged sources: ${JSON.stringify(outcomes)}; worst: ${JSON.stringify(worst)}\n`,
		);
	});

	/** Plans and makes the cut, within bounds. */
	async function attempt(source: ByteSource, part: { start: number; length: number }) {
		const count = counted(source);
		const cut = await planCut(count, part);
		worst.reads = Math.max(worst.reads, count.reads);
		worst.bytes = Math.max(worst.bytes, count.bytes);
		expect(count.reads).toBeLessThanOrEqual(cutAllowance.reads);
		expect(count.bytes).toBeLessThanOrEqual(cutAllowance.bytes);
		if (isFault(cut)) {
			expect(cut.reason).toMatch(/^[ -~]+$/);
			expect(cut.reason).not.toMatch(/NaN|undefined|Infinity|null/);
			outcomes[cut.fault]++;
			return;
		}
		const { start, duration, frames, size, stored } = cut;
		for (const value of [start, duration, frames, size, stored.start, stored.duration]) {
			expect(Number.isFinite(value)).toBe(true);
		}
		expect(duration).toBeGreaterThan(0);
		outcomes.cut++;
		if (size > 4 * 2 ** 20) return;
		try {
			expect(await collected(cut)).toHaveLength(size);
		} catch (error) {
			if (!(error instanceof CutInterrupted)) throw error;
		}
	}

	test(
		`gives a cut or a fault within bounds, ${FUZZ_RUNS} times`,
		async () => {
			await fc.assert(
				fc.asyncProperty(
					fc.nat(seeds.length - 1),
					fc.integer(),
					fc.double({ min: 0, max: 9, noNaN: true }),
					fc.double({ min: 0.01, max: 10, noNaN: true }),
					fc.constantFrom('honest', 'noSize', 'huge'),
					async (file, seed, start, length, manner) => {
						const bytes = mutate(seeds[file], seeded(seed));
						const read = async (at: number, count: number) => bytes.subarray(at, at + count);
						const size = { honest: bytes.length, noSize: undefined, huge: 2 ** 52 }[manner];
						await attempt({ size, read }, { start, length });
					},
				),
				{ numRuns: FUZZ_RUNS, seed: SEED, endOnFailure: true },
			);
			for (const times of [outcomes.cut, outcomes.wrong]) {
				expect(times).toBeGreaterThan(FUZZ_RUNS / 20);
			}
		},
		Math.max(120_000, FUZZ_RUNS * 60),
	);

	const MOST = 0xffffffff;
	const numbers = (...values: number[]) => {
		const bytes = Buffer.alloc(values.length * 4);
		values.forEach((value, at) => bytes.writeUInt32BE(value >>> 0, at * 4));
		return bytes;
	};
	/** The first of such boxes gets another content. */
	const replace = (name: string, type: string, body: Buffer) => async () => {
		const nodes = parse(Buffer.from(await cutClips.bytes(name)));
		all(nodes, type)[0].body = body;
		return write(nodes);
	};
	const noise = Buffer.alloc(800_000, 0xff);

	test.each<[string, () => Promise<Buffer>]>([
		['2^32 samples at one time', replace('gop-12.mp4', 'stts', numbers(0, 1, MOST, 0))],
		['2^32 times', replace('gop-12.mp4', 'stts', Buffer.concat([numbers(0, MOST), noise]))],
		[
			'times of no samples',
			replace('gop-12.mp4', 'stts', Buffer.concat([numbers(0, MOST), Buffer.alloc(800_000)])),
		],
		['2^32 samples in a chunk', replace('gop-12.mp4', 'stsc', numbers(0, 1, 1, MOST, 1))],
		['2^32 chunk runs', replace('gop-12.mp4', 'stsc', Buffer.concat([numbers(0, MOST), noise]))],
		['2^32 samples of one size', replace('gop-12.mp4', 'stsz', numbers(0, MOST, MOST))],
		['2^32 samples of no size', replace('gop-12.mp4', 'stsz', numbers(0, 0, MOST))],
		['2^32 sync samples', replace('gop-12.mp4', 'stss', Buffer.concat([numbers(0, MOST), noise]))],
		['2^32 edits', replace('gop-12.mp4', 'elst', Buffer.concat([numbers(0, MOST), noise]))],
		[
			'edits of a moment each',
			replace(
				'gop-12.mp4',
				'elst',
				Buffer.concat([numbers(0, 20_000), ...Array(20_000).fill(numbers(1, 9, 0x10000))]),
			),
		],
		[
			'2^32 samples in a fragment',
			replace('fragments-base.mp4', 'trun', numbers(0, MOST, 0, 0, 0, 0)),
		],
		[
			'20,000 tracks',
			async () => {
				const nodes = parse(await cutClips.bytes('gop-12.mp4'));
				const [moov] = all(nodes, 'moov');
				for (let at = 0; at < 20_000; at++) moov.children?.push(box('trak'));
				return write(nodes);
			},
		],
		[
			'many sounds at the same place',
			async () => {
				const nodes = parse(await cutClips.bytes('sound-pcm.mov'));
				const [moov] = all(nodes, 'moov');
				const sound = all(nodes, 'trak')[1];
				for (let at = 0; at < 40; at++) moov.children?.push(sound);
				return write(nodes);
			},
		],
	])('of %s costs no more than another', async (_, make) => {
		const bytes = await make();
		for (const size of [bytes.length, undefined, 2 ** 52]) {
			const read = async (at: number, count: number) => bytes.subarray(at, at + count);
			for (const start of [0, 4, 2 ** 20]) await attempt({ size, read }, { start, length: 3 });
		}
	});
});
