import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
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
	const extension = path.extname(name);
	const out = path.join(kept, `cut-${hash}${extension}`);
	await writeFile(out, made);
	return [
		...(made.length === cut.size ? [] : [`${made.length} bytes, planned ${cut.size}`]),
		...lengthFaults(cut, part),
		...(await probeFaults(out, cut)),
		...(await pictureFaults(file, out, cut)),
		...(await storedFaults(file, out, cut)),
		...(await soundFaults(file, out, cut)),
	].map((fault) => `${name} ${part.start}+${part.length}: ${fault} (${out})`);
}

/** Of the source's pictures, which end where its last frame does. */
function lengthFaults(cut: Cut, part: { start: number; length: number }): string[] {
	const off = Math.abs(cut.duration - part.length);
	return off <= 0.11 ? [] : [`${cut.duration} s, asked for ${part.length} s`];
}

async function probeFaults(out: string, cut: Cut): Promise<string[]> {
	const { stdout, stderr } = await run(tool('ffprobe'), [
		...['-v', 'warning', '-of', 'json', '-show_streams', out],
	]);
	const { streams } = JSON.parse(stdout) as { streams: Array<Record<string, string>> };
	const video = streams.find(({ codec_type: type }) => type === 'video');
	const duration = Number(video?.duration);
	const faults = stderr.trim() === '' ? [] : [`ffprobe: ${stderr.trim().split('\n')[0]}`];
	if (!(Math.abs(duration - cut.duration) < 0.0015)) {
		faults.push(`ffprobe's length is ${duration}, planned ${cut.duration}`);
	}
	return faults;
}

async function pictureFaults(file: string, out: string, cut: Cut): Promise<string[]> {
	const [source, made] = await Promise.all([decode(file), decode(out)]);
	const { start, duration, frames } = cut;
	const half = 0.5 / 240;
	const expected = source.frames.filter(
		({ time }) => time >= start - half && time < start + duration - half,
	);
	const faults = newWarnings(source, made);
	if (made.frames.length !== frames) faults.push(`${made.frames.length} frames, planned ${frames}`);
	return [...faults, ...differences(expected, made.frames, start)];
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
	const known = new Set(source.warnings);
	const fresh = made.warnings.filter((text) => !known.has(text));
	return fresh.slice(0, 2).map((text) => `ffmpeg: ${text}`);
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
	if (!/cut-[0-9a-f]{16}\./.test(file)) decodedFiles.set(key, decoding);
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

/** ffmpeg makes packets of plain sound as it likes: their bytes are compared elsewhere. */
const PLAIN = /pcm|float|ulaw|ima4|old-/;

async function soundFaults(file: string, out: string, cut: Cut): Promise<string[]> {
	if (PLAIN.test(path.basename(file))) return [];
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
