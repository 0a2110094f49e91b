import { describe, expect, test } from '@jest/globals';
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

/** Nothing that a file says may make a check dear, slow, or end in anything but facts or a fault. */

const FILES = Number(process.env.FUZZ_FILES ?? 50_000);
const SEED = Number(process.env.FUZZ_SEED ?? 20261120);

const worst = { reads: 0, bytes: 0, milliseconds: 0 };

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
async function faultsOf(kind: 'video' | 'image', source: ByteSource): Promise<string[]> {
	const count = counted(source);
	const startedAt = performance.now();
	let found: Found;
	let sentences: string[];
	try {
		if (kind === 'video') {
			const facts = await readVideo(count);
			sentences = [...videoProblems('Video', facts), ...mediaHints('Video', facts)];
			found = facts;
		} else {
			const facts = await readImage(count);
			sentences = [...imageProblems('Image', facts, { ratio: true }), ...mediaHints('Image', facts)];
			found = facts;
		}
	} catch (error) {
		return [`threw ${(error as Error).stack}`];
	}
	const milliseconds = performance.now() - startedAt;
	worst.reads = Math.max(worst.reads, count.reads);
	worst.bytes = Math.max(worst.bytes, count.bytes);
	worst.milliseconds = Math.max(worst.milliseconds, milliseconds);
	if (milliseconds>60) process.stdout.write(`${kind} ${milliseconds} ${count.reads} ${count.bytes} ${source.size} ${JSON.stringify(found)}\n`);
	return [
		...(count.reads > 3 ? [`${count.reads} reads`] : []),
		...(count.bytes > 512 * 1024 ? [`${count.bytes} bytes`] : []),
		...(milliseconds > 1000 ? [`${milliseconds} ms`] : []),
		...sentences.filter((text) => /NaN|undefined|Infinity|null|[^ -~]/.test(text)),
		...wrongFields(found),
	];
}

function wrongFields(found: Found): string[] {
	if (isFault(found)) {
		const isGood = ['wrong', 'unchecked'].includes(found.fault) && found.reason.length > 0;
		return isGood ? [] : [`fault ${JSON.stringify(found)}`];
	}
	const required = [found.width, found.height];
	const optional = 'duration' in found ? [found.duration, found.frameRate] : [];
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
			withSegments(jpeg, exif(1, false), segment(0xe2, Buffer.alloc(60_000)), segment(0xfe, Buffer.alloc(9))),
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

test(
	`${FILES} damaged files, seed ${SEED}`,
	async () => {
		const random = seeded(SEED);
		const all = await seeds();
		const outcomes: Record<string, number> = {};
		const broken: string[] = [];
		const startedAt = Date.now();
		for (let n = 0; n < FILES && broken.length < 10; n++) {
			const { kind, seed } = all[n % all.length];
			const bytes = mutate(seed, random);
			const faults = await faultsOf(kind, sourceOf(bytes, random));
			if (faults.length > 0) broken.push(`file ${n} (${seed.name}): ${faults.join('; ')}`);
			outcomes[seed.name] = (outcomes[seed.name] ?? 0) + 1;
		}
		process.stdout.write(
			`\n${FILES} damaged files, seed ${SEED}, ${((Date.now() - startedAt) / 1000).toFixed(1)} s; worst: ${worst.reads} reads, ${worst.bytes} bytes, ${worst.milliseconds.toFixed(0)} ms\n`,
		);
		expect(broken).toEqual([]);
		expect(Object.keys(outcomes)).toHaveLength(all.length);
	},
	Math.max(120_000, FILES * 3),
);
