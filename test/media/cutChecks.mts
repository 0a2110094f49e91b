import { createHash } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Cut } from './built.mts';
import { counted, bufferSource, isFault, planCut } from './built.mts';
import { cutClips } from './cutClips.mts';
import { kept, run, tool } from './tools.mts';

/** Holds a cut against its source, with ffmpeg and ffprobe as the judges. */

/** A frame as ffmpeg decodes it. */
interface Frame {
	/** Seconds. */
	time: number;
	hash: string;
}

/** A packet of sound. */
interface Packet extends Frame {
	duration: number;
	isHidden: boolean;
}

interface Decoded {
	frames: Frame[];
	warnings: string[];
}

export async function collected(cut: Cut): Promise<Buffer> {
	const chunks: Buffer[] = [];
	for await (const chunk of cut.stream()) chunks.push(chunk);
	return Buffer.concat(chunks);
}

/** @returns all that is wrong with a cut, as sentences */
export async function faultsOfCut(
	name: string,
	part: { start: number; length: number },
): Promise<string[]> {
	const file = await cutClips.path(name);
	const bytes = await readFile(file);
	const source = counted(bufferSource(bytes));
	const cut = await planCut(source, part);
	if (isFault(cut)) return [`fault: ${cut.reason}`];
	const made = await collected(cut);
	const hash = createHash('sha256').update(made).digest('hex').slice(0, 16);
	const out = path.join(kept, `cut-${hash}-${name}`);
	await writeFile(out, made);
	const faults = [
		...(made.length === cut.size ? [] : [`${made.length} bytes, planned ${cut.size}`]),
		...lengthFaults(cut, part),
		...(await probeFaults(out, cut)),
		...(await pictureFaults(name, file, out, cut)),
		...(await storedFaults(file, out, cut)),
		...(PLAIN.test(name)
			? await plainSoundFaults(file, out, cut)
			: await soundFaults(file, out, cut)),
	];
	// A cut that is right is of no use any more.
	if (faults.length === 0) await rm(out);
	return faults.map((fault) => `${name} ${part.start}+${part.length}: ${fault} (${out})`);
}

/** Of the source's pictures, which end where its last frame does. */
function lengthFaults(cut: Cut, part: { start: number; length: number }): string[] {
	const off = Math.abs(cut.duration - part.length);
	return off <= 0.11 ? [] : [`${cut.duration} s, asked for ${part.length} s`];
}

async function probeFaults(out: string, cut: Cut): Promise<string[]> {
	const { streams, warnings } = await probe(out);
	const video = streams.find(({ codec_type: type }) => type === 'video');
	const duration = Number(video?.duration);
	const faults = warnings === '' ? [] : [`ffprobe: ${warnings.split('\n')[0]}`];
	if (!(Math.abs(duration - cut.duration) < 0.0015)) {
		faults.push(`ffprobe's length is ${duration}, planned ${cut.duration}`);
	}
	return faults;
}

/**
 * ffmpeg moves such sources by part of a frame, or by its delay: an edit that begins within a frame
 * is shown from the next one on, and the index of a fragment is taken for a start.
 */
const MOVED = /^cut|two-edits|repeated|dash|indexed/;

async function pictureFaults(name: string, file: string, out: string, cut: Cut): Promise<string[]> {
	const [source, made] = await Promise.all([decode(file), decode(out)]);
	const { start, frames } = cut;
	const first = source.frames.findIndex(({ hash }) => hash === made.frames[0]?.hash);
	const expected = source.frames.slice(first, first + frames);
	const faults = newWarnings(source, made);
	if (made.frames.length !== frames) faults.push(`${made.frames.length} frames, planned ${frames}`);
	const off = Math.abs(expected[0].time - start);
	if (off > (MOVED.test(name) ? 0.1 : 0.001)) {
		faults.push(`begins with the frame at ${expected[0].time} s, planned ${start} s`);
	}
	return [...faults, ...differences(expected, made.frames, expected[0].time)];
}

/** A player that does not know edit lists shows all that is stored: no frame of it may be broken. */
async function storedFaults(file: string, out: string, cut: Cut): Promise<string[]> {
	const plain = ['-ignore_editlist', '1'];
	const [source, made] = await Promise.all([decode(file, plain), decode(out, plain)]);
	const first = source.frames.findIndex(({ hash }) => hash === made.frames[0]?.hash);
	const expected = source.frames.slice(first, first + made.frames.length);
	const faults = newWarnings(source, made).map((text) => `without edit list: ${text}`);
	const span = (made.frames.at(-1)?.time ?? 0) - (made.frames[0]?.time ?? 0);
	if (made.frames.length < cut.frames) faults.push('fewer frames are stored than shown');
	if (span > cut.stored.duration) faults.push(`stored ${span} s, planned ${cut.stored.duration}`);
	const shift = (expected[0]?.time ?? 0) - (made.frames[0]?.time ?? 0);
	return [
		...faults,
		...differences(expected, made.frames, shift).map((text) => `without edit list: ${text}`),
	];
}

function newWarnings(source: Decoded, made: Decoded): string[] {
	const known = new Set([...source.warnings, ...OPEN_START].map(withoutNumbers));
	const fresh = made.warnings.filter((text) => !known.has(withoutNumbers(text)));
	return fresh.slice(0, 2).map((text) => `ffmpeg: ${text}`);
}

/**
 * Where a part begins with an open group of H.264, later frames tell the decoder to forget frames
 * that it never had. What it shows is right; copies that ffmpeg makes itself say the same.
 */
const OPEN_START = ['[h264] mmco: unref short failure'];

function withoutNumbers(text: string): string {
	return text.replace(/\d{2,}/g, '0');
}

function differences(expected: Frame[], made: Frame[], shift: number): string[] {
	if (expected.length !== made.length) {
		return [`${made.length} frames, the source has ${expected.length} there`];
	}
	const other = expected.findIndex(({ hash }, at) => hash !== made[at].hash);
	const moved = expected.findIndex(
		({ time }, at) => Math.abs(time - shift - made[at].time) > 0.002,
	);
	return [
		...(other < 0 ? [] : [`frame ${other} of ${made.length} is another`]),
		...(moved < 0
			? []
			: [`frame ${moved} is at ${made[moved].time}, not ${expected[moved].time - shift}`]),
	];
}

const decodedFiles = new Map<string, Promise<Decoded>>();

async function decode(file: string, options: string[] = []): Promise<Decoded> {
	const key = `${file} ${options.join(' ')}`;
	const known = decodedFiles.get(key);
	if (known) return await known;
	const decoding = decodeNow(file, options);
	if (!/cut-[0-9a-f]{16}-/.test(file)) decodedFiles.set(key, decoding);
	return await decoding;
}

async function decodeNow(file: string, options: string[]): Promise<Decoded> {
	const { stdout, stderr } = await run(
		tool('ffmpeg'),
		[
			...['-v', 'warning', '-nostdin', '-noautorotate', '-threads', '1', ...options, '-copyts'],
			...['-i', file, '-map', '0:v:0', '-map', '0:a?', '-vsync', 'passthrough'],
			...['-enc_time_base', '-1', '-f', 'framemd5', '-'],
		],
		{ maxBuffer: 64 * 1024 * 1024 },
	);
	const lines = stdout.split('\n');
	const base = lines.find((line) => line.startsWith('#tb 0:'))?.slice(6) ?? '1/1';
	const [above, below] = base.split('/').map(Number);
	const frames = lines
		.filter((line) => line.startsWith('0,'))
		.map((line) => line.split(',').map((text) => text.trim()))
		.map(([, , pts, , , hash]) => ({ time: (Number(pts) * above) / below, hash }));
	const warnings = stderr
		.split('\n')
		.map((line) => line.replace(/ @ 0x[0-9a-f]+/g, '').trim())
		.filter((line) => line !== '');
	return { frames, warnings };
}

async function packetsOf(file: string): Promise<Packet[][]> {
	const { stdout } = await run(
		tool('ffprobe'),
		[
			...['-v', 'error', '-of', 'json', '-select_streams', 'a', '-show_packets'],
			...['-show_data_hash', 'md5', file],
		],
		{ maxBuffer: 64 * 1024 * 1024 },
	);
	const { packets } = JSON.parse(stdout) as { packets: Array<Record<string, string>> };
	const streams = [...new Set(packets.map(({ stream_index: index }) => index))];
	return streams.map((index) =>
		packets
			.filter((packet) => packet.stream_index === index)
			.map((packet) => ({
				time: Number(packet.pts_time),
				duration: Number(packet.duration_time),
				hash: packet.data_hash,
				isHidden: packet.flags.includes('D'),
			})),
	);
}

async function soundFaults(file: string, out: string, cut: Cut): Promise<string[]> {
	const [source, made] = await Promise.all([packetsOf(file), packetsOf(out)]);
	const end = cut.start + cut.duration;
	return source.flatMap((packets, index) => {
		const wanted = packets.filter(
			({ time, duration, isHidden }) =>
				!isHidden && time + duration > cut.start + 0.001 && time < end - 0.001,
		);
		const found = new Map((made[index] ?? []).map((packet) => [packet.hash, packet]));
		// One packet at either end may be missing.
		const missing = wanted.slice(1, -1).filter(({ hash }) => !found.has(hash));
		const moved = wanted.find(({ hash, time, duration }) => {
			const there = found.get(hash);
			return there && Math.abs(there.time + cut.start - time) > duration;
		});
		return [
			...(missing.length > 0 ? [`${missing.length} of ${wanted.length} packets are missing`] : []),
			...(moved ? [`the packet at ${moved.time} is at ${found.get(moved.hash)?.time}`] : []),
		];
	});
}

/** ffmpeg makes packets of plain sound as it likes: its samples are compared. */
const PLAIN = /pcm|float|ulaw|ima4|old-|heavy/;

/** Plain sound is exact: the same samples, from the same one on. */
async function plainSoundFaults(file: string, out: string, cut: Cut): Promise<string[]> {
	const [source, made] = await Promise.all([samplesOf(file), samplesOf(out)]);
	const at = Math.round(cut.start * source.rate);
	const wanted = Math.min(Math.round(cut.duration * source.rate), source.samples.length - at);
	// A packet of ima4 has 64 samples; its decoder keeps more digits than a packet has.
	const isPacked = file.includes('ima4');
	const [slack, noise] = isPacked ? [64, 300] : [1, 0];
	const offsets = Array.from({ length: 2 * slack + 1 }, (_, offset) => at + offset - slack);
	const nearest = Math.min(
		...offsets.map((offset) =>
			distance(source.samples.subarray(Math.max(0, offset)), made.samples),
		),
	);
	const off = Math.abs(made.samples.length - wanted);
	return [
		...(nearest <= noise ? [] : [`sound is another at ${cut.start} s, by ${nearest}`]),
		...(off <= 2 * slack ? [] : [`${made.samples.length} samples of sound, not ${wanted}`]),
	];
}

/** @returns how far samples are apart on average, over the first second of them */
function distance(one: Int16Array, other: Int16Array): number {
	const count = Math.min(other.length, one.length, 40_000);
	let sum = 0;
	for (let at = 0; at < count; at++) sum += Math.abs(one[at] - other[at]);
	return sum / count;
}

async function samplesOf(file: string): Promise<{ samples: Int16Array; rate: number }> {
	const { stdout } = await run(
		tool('ffmpeg'),
		[...['-v', 'error', '-nostdin', '-i', file, '-map', '0:a:0', '-ac', '1', '-f', 's16le', '-']],
		{ maxBuffer: 64 * 1024 * 1024, encoding: 'buffer' },
	);
	const { streams } = await probe(file);
	const rate = Number(streams.find(({ codec_type: type }) => type === 'audio')?.sample_rate);
	const even = Buffer.from(stdout);
	return { samples: new Int16Array(even.buffer, even.byteOffset, even.length >> 1), rate };
}

interface Probed {
	streams: Array<Record<string, string>>;
	warnings: string;
}

async function probe(file: string): Promise<Probed> {
	const { stdout, stderr } = await run(tool('ffprobe'), [
		...['-v', 'warning', '-of', 'json', '-show_streams', file],
	]);
	const { streams } = JSON.parse(stdout) as Probed;
	return { streams, warnings: stderr.trim() };
}
