import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { ALL_FORMATS, BufferSource, Input } from 'mediabunny';
import type { VideoFacts } from './media/built.mts';
import { allowance, bufferSource, counted, isFault, readImage, readVideo } from './media/built.mts';
import { clips, recipes } from './media/clips.mts';
import { images } from './media/images.mts';
import type { Probe } from './media/tools.mts';
import { inPairs } from './media/tools.mts';

/**
 * Every file that ffmpeg makes for us is read as ffprobe and mediabunny read it, but from a few
 * kilobytes of it.
 */

const names = recipes.map(({ name }) => name);
const facts = new Map<string, VideoFacts>();
const cost = new Map<string, { reads: number; bytes: number; size: number }>();

beforeAll(async () => {
	// It warns of every codec that browsers do not play.
	jest.spyOn(console, 'warn').mockImplementation(() => {});
	await inPairs(names, async (name) => {
		const bytes = await clips.bytes(name);
		const source = counted(bufferSource(bytes));
		const found = await readVideo(source);
		await clips.probe(name);
		if (!isFault(found)) facts.set(name, found);
		cost.set(name, { reads: source.reads, bytes: source.bytes, size: bytes.length });
	});
}, 180_000);

afterAll(() => {
	jest.restoreAllMocks();
});

function videoStream({ streams }: Probe) {
	const videos = streams.filter(
		({ codec_type: type, disposition }) => type === 'video' && !disposition.attached_pic,
	);
	return videos.find(({ disposition }) => disposition.default) ?? videos[0];
}

function ratio(text: string): number {
	const [above, below] = text.split('/').map(Number);
	return above / below;
}

test('there are enough files, of every kind', () => {
	expect(names.length).toBeGreaterThanOrEqual(60);
	expect(new Set(names).size).toBe(names.length);
});

test.each(names)('%s: as ffprobe reads it', async (name) => {
	const probe = await clips.probe(name);
	const stream = videoStream(probe);
	const turned =
		stream.side_data_list?.find(({ rotation }) => rotation !== undefined)?.rotation ?? 0;
	const found = facts.get(name) as VideoFacts;
	expect(found).toMatchObject({
		container: name.endsWith('.mov') ? 'mov' : name.endsWith('.3gp') ? 'other' : 'mp4',
		codedWidth: stream.width,
		codedHeight: stream.height,
		// It counts anticlockwise.
		rotation: (360 - turned) % 360,
		hasAudio: probe.streams.some(({ codec_type: type }) => type === 'audio'),
		size: cost.get(name)?.size,
	});
	const isOnSide = turned % 180 !== 0;
	expect(found.width).toBe(isOnSide ? stream.height : stream.width);
	expect(found.height).toBe(isOnSide ? stream.width : stream.height);
	expect(stream.codec_tag_string.trim()).toBe(found.codec);
	// Where a file has an index of segments (sidx), ffprobe's duration is the time at the end.
	const start = /dash|indexed/.test(name) ? Number(stream.start_time) : 0;
	expect(Math.abs((found.duration as number) - (Number(stream.duration) - start))).toBeLessThan(
		0.05,
	);
	expect(Math.abs((found.frameRate as number) - ratio(stream.avg_frame_rate))).toBeLessThan(0.1);
});

/** What the library cannot read, or reads otherwise than ffprobe does. */
const beyondLibrary = new Set([
	// It takes the index for complete and leaves the fragments aside.
	'fragments-hybrid.mp4',
	'fragments-hybrid-sound.mp4',
	// It leaves out the last edit, and counts the frames that are cut away.
	'cut-short.mp4',
	// It needs `ftyp`, and sizes of boxes.
	'old-quicktime.mov',
	'moov-to-end.mp4',
]);

test.each(names.filter((name) => !beyondLibrary.has(name)))(
	'%s: as mediabunny reads it',
	async (name) => {
		const input = new Input({
			source: new BufferSource(await clips.bytes(name)),
			formats: ALL_FORMATS,
		});
		const track = await input.getPrimaryVideoTrack();
		if (!track) throw new Error('no video track');
		const found = facts.get(name) as VideoFacts;
		const { averagePacketRate } = await track.computePacketStats();
		expect(found).toMatchObject({
			codedWidth: await track.getCodedWidth(),
			codedHeight: await track.getCodedHeight(),
			width: await track.getDisplayWidth(),
			height: await track.getDisplayHeight(),
			rotation: await track.getRotation(),
			codec: String(await track.getInternalCodecId()).trim(),
			hasAudio: (await input.getPrimaryAudioTrack()) !== null,
		});
		// What comes before zero is cut away by an edit list.
		const start = Math.max(0, await track.getFirstTimestamp());
		const duration = (await track.computeDuration()) - start;
		expect(Math.abs((found.duration as number) - duration)).toBeLessThan(0.05);
		expect(Math.abs((found.frameRate as number) - averagePacketRate)).toBeLessThan(0.1);
		input.dispose();
	},
);

test('no file takes more than three reads and 512 KB', () => {
	for (const [name, { reads, bytes }] of cost) {
		expect([name, reads <= 3, bytes <= 512 * 1024]).toEqual([name, true, true]);
	}
	expect(allowance).toEqual({ reads: 3, bytes: 512 * 1024 });
});

describe('the cost of a check', () => {
	test('is shown', async () => {
		const rows = [
			['MP4, index first', 'export.mp4'],
			['MOV, index last', 'phone.mov'],
			['MOV (ProRes), index last', 'prores-hq.mov'],
			['MP4, 10 minutes, index first', 'long-fast.mp4'],
			['MP4, 10 minutes, index last', 'long.mp4'],
			['MP4, fragments, small', 'fragments-keyframes-sound.mp4'],
			['MP4, fragments, list at the end', 'fragments-heavy-keyframes.mp4'],
			['MP4, fragments (DASH)', 'fragments-heavy-dash.mp4'],
			['MP4, fragments, no list at all', 'fragments-heavy-bare.mp4'],
		].map(([what, name]) => ({
			what,
			...(cost.get(name) as { reads: number; bytes: number; size: number }),
		}));
		for (const [what, name] of [
			['JPEG', '1920x1080.jpg'],
			['PNG', '1920x1080.png'],
		]) {
			const bytes = await images.bytes(name);
			const source = counted(bufferSource(bytes));
			await readImage(source);
			rows.push({ what, reads: source.reads, bytes: source.bytes, size: bytes.length });
		}
		const lines = rows.map(
			({ what, size, reads, bytes }) =>
				`${what.padEnd(34)}${String(size).padStart(10)}${String(reads).padStart(10)}${String(bytes).padStart(10)}`,
		);
		process.stdout.write(
			`\n${'file'.padEnd(34)}${'bytes'.padStart(10)}${'requests'.padStart(10)}${'read'.padStart(10)}\n${lines.join('\n')}\n\n`,
		);
		expect(rows.every(({ reads }) => reads <= 3)).toBe(true);
	});
});
