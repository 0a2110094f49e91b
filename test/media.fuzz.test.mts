import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { ByteSource, ImageFacts, MediaFault, VideoFacts } from './media/built.mts';
import {
	counted,
	imageProblems,
	isFault,
	mediaHints,
	readImage,
	readVideo,
	videoProblems,
} from './media/built.mts';
import { all, parse, write } from './media/boxes.mts';
import { clips } from './media/clips.mts';
import { exif, images, segment, withSegments } from './media/images.mts';
import type { Random, Seed } from './media/mutations.mts';
import { imageSeed, movieSeed, mutate, seeded } from './media/mutations.mts';

/** Nothing that a file says may make a check dear, long, or end in anything but facts or a fault. */

const FILES = Number(process.env.FUZZ_FILES ?? 100_000);
const SEED = Number(process.env.FUZZ_SEED ?? 20261120);

/** Twice as many as the worst of the files below takes; a good file takes some hundreds. */
const MOST_STEPS = 1_500_000;

const worst = { reads: 0, bytes: 0, steps: 0 };

// However busy the machine is: what a check may cost is counted, not timed.
jest.setTimeout(3_600_000);

/** How a check gets at bytes: each use of one of these is a step. */
const COUNTED = [
	...['readUInt16BE', 'readUInt32BE', 'readInt32BE', 'readUIntBE', 'readUIntLE'],
	...['readBigUInt64BE', 'readBigInt64BE', 'subarray', 'toString', 'indexOf'],
] as const;
const methods = Buffer.prototype as unknown as Record<string, (...args: unknown[]) => unknown>;
const originals = COUNTED.map((name) => [name, methods[name]] as const);

let steps = 0;

beforeAll(() => {
	for (const [name, original] of originals) {
		methods[name] = function count(this: Buffer, ...args: unknown[]) {
			steps++;
			return original.apply(this, args);
		};
	}
});

afterAll(() => {
	for (const [name, original] of originals) methods[name] = original;
	process.stdout.write(`\nthe most steps that a check took: ${worst.steps}\n`);
});

/** Some hosts do not tell the size of a file, some tell another, and some never stop sending. */
function sourceOf(bytes: Buffer, random: Random): ByteSource {
	const manner = random();
	const honest = async (offset: number, length: number) => bytes.subarray(offset, offset + length);
	if (manner < 0.7) return { size: bytes.length, read: honest };
	if (manner < 0.8) return { read: honest };
	if (manner < 0.9) return { size: Math.floor(random() ** 8 * 2 ** 53), read: honest };
	const size = manner < 0.95 ? 2 ** 53 : undefined;
	return { size, read: async (offset, length) => endless(bytes, offset, length) };
}

/** The same bytes again and again, up to any offset. */
function endless(bytes: Buffer, offset: number, length: number): Buffer {
	const found = Buffer.alloc(length);
	if (bytes.length === 0) return found;
	const start = offset % bytes.length;
	const first = bytes.copy(found, 0, start);
	for (let at = first; at < length; at += bytes.length) bytes.copy(found, at);
	return found;
}

type Found = VideoFacts | ImageFacts | MediaFault;

/** @returns what is wrong with the outcome of a check */
async function check(
	kind: 'video' | 'image',
	source: ByteSource,
): Promise<{ faults: string[]; outcome: 'facts' | 'wrong' | 'unchecked' }> {
	const count = counted(source);
	steps = 0;
	let found: Found;
	let sentences: string[];
	try {
		if (kind === 'video') {
			const facts = await readVideo(count);
			sentences = [...videoProblems('Video', facts), ...mediaHints('Video', facts)];
			found = facts;
		} else {
			const facts = await readImage(count);
			sentences = [
				...imageProblems('Image', facts, { ratio: true }),
				...mediaHints('Image', facts),
			];
			found = facts;
		}
	} catch (error) {
		return { faults: [`threw ${(error as Error).stack}`], outcome: 'facts' };
	}
	const taken = steps;
	worst.reads = Math.max(worst.reads, count.reads);
	worst.bytes = Math.max(worst.bytes, count.bytes);
	worst.steps = Math.max(worst.steps, taken);
	const faults = [
		...(count.reads > 3 ? [`${count.reads} reads`] : []),
		...(count.bytes > 512 * 1024 ? [`${count.bytes} bytes`] : []),
		...(taken > MOST_STEPS ? [`${taken} steps`] : []),
		...sentences.filter((text) => /NaN|undefined|Infinity|null|[^ -~]/.test(text)),
		...wrongFields(found),
	];
	return { faults, outcome: isFault(found) ? found.fault : 'facts' };
}

function wrongFields(found: Found): string[] {
	if (isFault(found)) {
		const isGood = ['wrong', 'unchecked'].includes(found.fault) && found.reason.length > 0;
		return isGood ? [] : [`fault ${JSON.stringify(found)}`];
	}
	const required = [found.width, found.height];
	const optional =
		'container' in found
			? [
					...[found.duration, found.playTime, found.frameRate],
					...[found.commonFrameRate, found.frameCount],
				]
			: [];
	const isNumber = (value: number | undefined) => Number.isFinite(value) && (value as number) > 0;
	const isGood =
		required.every(isNumber) && optional.every((value) => value === undefined || isNumber(value));
	return isGood ? [] : [`facts ${JSON.stringify(found)}`];
}

/** Pictures and sounds are not looked at, and copying them is what takes time. */
function withoutMedia(bytes: Buffer): Buffer {
	const nodes = parse(bytes);
	for (const mdat of all(nodes, 'mdat')) mdat.body = mdat.body.subarray(0, 64);
	return write(nodes);
}

async function seeds(): Promise<Array<{ kind: 'video' | 'image'; seed: Seed }>> {
	const movies = [
		'sound.mp4',
		'sound-fast.mp4',
		'cut.mov',
		'turned-90.mov',
		'two-videos.mp4',
		'timecode.mov',
		'variable.mp4',
		'long-mdat.mp4',
		'long-times.mp4',
		'long-edits.mp4',
		'fragments-keyframes-sound.mp4',
		'fragments-hybrid-sound.mp4',
		'fragments-dash-sound.mp4',
		'fragments-indexed-sound.mp4',
		'fragments-timed.mp4',
	];
	const heavy = ['fragments-heavy-keyframes.mp4', 'fragments-heavy-bare.mp4'];
	const jpeg = await images.bytes('640x360.jpg');
	const pictures: Array<[string, Buffer]> = [
		['png', await images.bytes('640x360.png')],
		['jpg', jpeg],
		['exif', withSegments(jpeg, exif(6, true))],
		[
			'segments',
			withSegments(
				jpeg,
				exif(1, false),
				segment(0xe2, Buffer.alloc(60_000)),
				segment(0xfe, Buffer.alloc(9)),
			),
		],
	];
	return [
		...(await Promise.all(
			movies.map(async (name) => movieSeed(name, withoutMedia(await clips.bytes(name)))),
		)),
		...(await Promise.all(heavy.map(async (name) => movieSeed(name, await clips.bytes(name))))),
	]
		.map((seed) => ({ kind: 'video' as const, seed }))
		.concat(
			pictures.map(([name, bytes]) => ({
				kind: 'image' as never,
				seed: imageSeed(name, bytes.subarray(0, 100_000)),
			})),
		);
}

test(`${FILES} damaged files, seed ${SEED}: facts or a fault, within bounds`, async () => {
	const random = seeded(SEED);
	const all = await seeds();
	const outcomes = { facts: 0, wrong: 0, unchecked: 0 };
	const broken: string[] = [];
	for (let n = 0; n < FILES && broken.length < 10; n++) {
		const { kind, seed } = all[n % all.length];
		const bytes = mutate(seed, random);
		const { faults, outcome } = await check(kind, sourceOf(bytes, random));
		outcomes[outcome]++;
		if (faults.length > 0) broken.push(`file ${n} (${seed.name}): ${faults.join('; ')}`);
	}
	process.stdout.write(
		`\n${FILES} damaged files, seed ${SEED}; worst: ${worst.reads} reads, ${worst.bytes} bytes, ${worst.steps} steps; ${JSON.stringify(outcomes)}\n`,
	);
	expect(broken).toEqual([]);
	// Neither all refused at the door, nor all as good as new.
	for (const times of Object.values(outcomes)) expect(times).toBeGreaterThan(FILES / 200);
});

/** A box of a file that somebody made up: its size is what it says, not what it has. */
function made(type: string, content: Buffer | string = '', size?: number): Buffer {
	const body = Buffer.from(content as string, 'latin1');
	const head = Buffer.alloc(8);
	head.writeUInt32BE(size ?? Math.min(body.length + 8, 0xffffffff));
	head.write(type, 4, 'latin1');
	return Buffer.concat([head, body]);
}

function many(count: number, content: Buffer): Buffer {
	return Buffer.concat(Array.from({ length: count }, () => content));
}

function numbers(...values: number[]): Buffer {
	const bytes = Buffer.alloc(values.length * 4);
	values.forEach((value, at) => bytes.writeUInt32BE(value >>> 0, at * 4));
	return bytes;
}

const MOST = 0xffffffff;
const FTYP = made('ftyp', 'isom\0\0\0\0isom');
const HDLR = made('hdlr', '\0\0\0\0\0\0\0\0vide\0\0\0\0');

/** A track that can be read, with these boxes in its sample table. */
function track(...tables: Buffer[]): Buffer {
	const tkhd = made('tkhd', Buffer.concat([numbers(1, 0, 0, 1), Buffer.alloc(68)]));
	const mdhd = made('mdhd', numbers(0, 0, 0, 1000, 5000, 0));
	const avc1 = Buffer.alloc(86);
	avc1.write('avc1', 4, 'latin1');
	avc1.writeUInt16BE(1280, 32);
	avc1.writeUInt16BE(720, 34);
	const stsd = made('stsd', Buffer.concat([numbers(0, 1), avc1]));
	const minf = made('minf', made('stbl', Buffer.concat([stsd, ...tables])));
	return made('trak', Buffer.concat([tkhd, made('mdia', Buffer.concat([mdhd, HDLR, minf]))]));
}

const MVHD = made('mvhd', Buffer.concat([numbers(0, 0, 0, 1000, 5000), Buffer.alloc(80)]));
const STTS = made('stts', numbers(0, 1, 150, 33));

function movie(...boxes: Buffer[]): Buffer {
	return Buffer.concat([FTYP, made('moov', Buffer.concat([MVHD, ...boxes]))]);
}

const TREX = made('mvex', made('trex', numbers(0, 1, 1, 40, 0, 0)));
const TRUN = made('trun', numbers(0, MOST));
const TRAF = made('traf', Buffer.concat([made('tfhd', numbers(0, 1)), TRUN]));

describe('a hostile file', () => {
	const fragments = (...boxes: Buffer[]) =>
		Buffer.concat([movie(track(made('stts', numbers(0, 0))), TREX), ...boxes]);
	const jpeg = Buffer.from([0xff, 0xd8]);
	const table = Buffer.alloc(400_000, 0xff);

	test.each<[string, Buffer]>([
		['of nothing but the smallest boxes', Buffer.concat([FTYP, many(100_000, made('free'))])],
		[
			'of sizes of 2^64',
			Buffer.concat([
				FTYP,
				many(10, Buffer.concat([numbers(1), Buffer.from('free'), numbers(MOST, MOST)])),
			]),
		],
		['of boxes without size', Buffer.concat([FTYP, many(1000, made('moov', '', 0))])],
		['of a box that is shorter than itself', Buffer.concat([FTYP, made('moov', '', 3)])],
		['of 100,000 tracks', movie(many(60_000, made('trak')))],
		[
			'of tracks that hold nothing but boxes',
			movie(many(25, made('trak', many(2_000, made('mdia'))))),
		],
		[
			'of tracks that claim to go on for ever',
			movie(many(190, made('trak', many(300, made('mdia')), MOST))),
		],
		[
			'nested 50,000 times',
			Buffer.concat([
				FTYP,
				...Array.from({ length: 50_000 }, (_, level) => made('moov', '', (50_000 - level) * 8)),
			]),
		],
		[
			'with 2^32 entries in every list',
			movie(track(made('stts', Buffer.concat([numbers(0, MOST), table])))),
		],
		[
			'with endless edits',
			movie(
				made(
					'trak',
					Buffer.concat([
						track(STTS).subarray(8),
						made('edts', made('elst', Buffer.concat([numbers(0, MOST), table]))),
					]),
				),
			),
		],
		['with 2^32 frames in every fragment', fragments(many(3_000, made('moof', TRAF)))],
		[
			'with thousands of runs',
			fragments(
				made(
					'moof',
					many(20, made('traf', Buffer.concat([made('tfhd', numbers(0, 1)), many(1_000, TRUN)]))),
				),
			),
		],
		['of fragments in no end', fragments(many(20_000, made('moof', many(2, made('traf')))))],
		[
			'with indexes in no end',
			fragments(many(10_000, made('sidx', numbers(0, 1, 1000, 0, 0, 0xffff)))),
		],
		[
			'that ends in many beginnings of fragments',
			fragments(Buffer.alloc(600_000), many(5_000, Buffer.from('\0\0\0\x08moofmfhd', 'latin1'))),
		],
		[
			'with a list of 2^32 fragments',
			fragments(
				Buffer.alloc(600_000),
				made(
					'mfra',
					Buffer.concat([made('tfra', numbers(0, 1, 0x3f, MOST)), made('mfro', numbers(0, 56))]),
				),
			),
		],
		['of nothing but JPEG fill bytes', Buffer.concat([jpeg, Buffer.alloc(600_000, 0xff)])],
		['of nothing but JPEG marks', Buffer.concat([jpeg, many(300_000, Buffer.from([0xff, 0x01]))])],
		[
			'of Exif data in no end',
			Buffer.concat([
				jpeg,
				many(
					20_000,
					segment(0xe1, Buffer.from('Exif\0\0II*\0\x08\0\0\0\xff\xff\x12\x01', 'latin1')),
				),
			]),
		],
		[
			'of the smallest JPEG segments',
			Buffer.concat([jpeg, many(100_000, segment(0xe0, Buffer.alloc(0)))]),
		],
	])('%s', async (_, bytes) => {
		const random = seeded(1);
		for (const kind of ['video', 'image'] as const) {
			for (const source of [
				{
					size: bytes.length,
					read: async (at: number, length: number) => bytes.subarray(at, at + length),
				},
				{ read: async (at: number, length: number) => endless(bytes, at, length) },
				{ size: 2 ** 53, read: async (at: number, length: number) => endless(bytes, at, length) },
				sourceOf(bytes, random),
			]) {
				expect((await check(kind, source)).faults).toEqual([]);
			}
		}
	});

	test('of 5 GB with its index at the end is read in two', async () => {
		const moov = movie(track(STTS)).subarray(FTYP.length);
		const size = 5 * 2 ** 30;
		const mdat = Buffer.concat([
			numbers(1),
			Buffer.from('mdat'),
			numbers(1, 2 ** 30 - FTYP.length - moov.length),
		]);
		const head = Buffer.concat([FTYP, mdat]);
		const source = counted({
			size,
			async read(offset, length) {
				const found = Buffer.alloc(Math.min(length, size - offset));
				if (offset < head.length) head.copy(found, 0, offset);
				const tail = size - moov.length - offset;
				if (tail < found.length) moov.copy(found, Math.max(0, tail), Math.max(0, -tail));
				return found;
			},
		});
		expect(await readVideo(source)).toMatchObject({
			width: 1280,
			height: 720,
			duration: 4.95,
			size,
		});
		expect(source.reads).toBe(2);
	});
});
