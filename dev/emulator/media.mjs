// @ts-check
/**
 * Real, small, obviously synthetic media: encoded once with ffmpeg and kept on disk for every emulator with the same recipes.
 */
import { execFile as execFileWithCallback } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { accessSync, chmodSync, constants, readFileSync } from 'node:fs';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const execFile = promisify(execFileWithCallback);
const require = createRequire(import.meta.url);

/** Named after this very file, so that a changed recipe never meets a clip made by the old one. */
const recipes = createHash('sha256')
	.update(readFileSync(new URL(import.meta.url)))
	.digest('hex')
	.slice(0, 12);
export const cacheDirectory = join(tmpdir(), `kling-v2v-emulator-${recipes}`);

export const FRAMES_PER_SECOND = 24;
const MADE_BY = 'Made by the Kling V2V emulator: a test pattern, not a generated video';

/** @param {'ffmpeg' | 'ffprobe'} name */
function tool(name) {
	const { path } = require(`@${name}-installer/${name}`);
	try {
		accessSync(path, constants.X_OK);
	} catch {
		// Installed with --ignore-scripts, ffprobe comes without its executable bit.
		chmodSync(path, 0o755);
	}
	return path;
}

/** Encoders and probes run one at a time: tests share the machine with what they test. */
function queue() {
	/** @type {Promise<unknown>} */
	let last = Promise.resolve();
	return (/** @type {() => Promise<any>} */ work) => (last = last.then(work, work));
}
const encoding = queue();
const probing = queue();

/** @type {Map<string, Promise<Buffer>>} */
const made = new Map();

/**
 * @param {string} name of the file in the cache
 * @param {string[]} recipe ffmpeg's arguments without the output
 * @returns {Promise<Buffer>}
 */
function produce(name, recipe) {
	const known = made.get(name);
	if (known) return known;
	const making = fromDiskOrEncoder(name, recipe);
	made.set(name, making);
	making.catch(() => made.delete(name));
	return making;
}

/**
 * @param {string} name
 * @param {string[]} recipe
 */
async function fromDiskOrEncoder(name, recipe) {
	const path = join(cacheDirectory, name);
	const kept = await readFile(path).catch(() => null);
	if (kept) return kept;
	await mkdir(cacheDirectory, { recursive: true });
	// Other emulators may be encoding the same clip: only the rename shows it, and it shows a whole file.
	const draft = join(cacheDirectory, `draft-${randomUUID()}-${name}`);
	try {
		await encoding(() => execFile(tool('ffmpeg'), ['-v', 'error', '-nostdin', ...recipe, draft]));
	} catch (error) {
		await rm(draft, { force: true });
		throw error;
	}
	await rename(draft, path);
	return readFile(path);
}

/**
 * @param {{ source: string, size: string, rate: number, seconds: number, tone?: number }} what
 * @returns {string[]}
 */
const video = ({ source, size, rate, seconds, tone }) => [
	'-f',
	'lavfi',
	'-i',
	`${source}=size=${size}:rate=${rate}`,
	...(tone
		? [
				'-f',
				'lavfi',
				'-i',
				`sine=frequency=${tone}:sample_rate=44100`,
				'-c:a',
				'aac',
				'-b:a',
				'48k',
			]
		: []),
	'-t',
	String(seconds),
	'-c:v',
	'libx264',
	'-preset',
	'ultrafast',
	'-pix_fmt',
	'yuv420p',
	'-b:v',
	'400k',
	'-threads',
	'2',
	'-metadata',
	`title=${MADE_BY}`,
	'-metadata',
	`comment=${MADE_BY}`,
	'-movflags',
	'+faststart',
];

/**
 * @typedef {{ width: number, height: number, frames: number, sound: boolean }} ClipSpec
 * @param {ClipSpec} spec
 */
export const clip = ({ width, height, frames, sound }) =>
	produce(
		`clip-${width}x${height}-${frames}${sound ? '-sound' : ''}.mp4`,
		video({
			source: 'testsrc2',
			size: `${width}x${height}`,
			rate: FRAMES_PER_SECOND,
			seconds: frames / FRAMES_PER_SECOND,
			tone: sound ? 440 : undefined,
		}),
	);

const reference = { source: 'testsrc', size: '1280x720', rate: 30, seconds: 5, tone: 330 };
const still = (/** @type {string} */ size) => [
	'-f',
	'lavfi',
	'-i',
	`testsrc=size=${size}`,
	'-frames:v',
	'1',
];

/** @type {Record<string, { type: string, recipe: string[] }>} */
const fixtures = {
	'/reference.mp4': { type: 'video/mp4', recipe: video(reference) },
	'/reference.mov': { type: 'video/quicktime', recipe: video(reference) },
	'/reference-portrait.mp4': {
		type: 'video/mp4',
		recipe: video({ ...reference, size: '720x1280' }),
	},
	'/reference-short.mp4': { type: 'video/mp4', recipe: video({ ...reference, seconds: 2 }) },
	'/reference-long.mp4': { type: 'video/mp4', recipe: video({ ...reference, seconds: 12 }) },
	'/reference-small.mp4': { type: 'video/mp4', recipe: video({ ...reference, size: '640x360' }) },
	'/reference-slow.mp4': { type: 'video/mp4', recipe: video({ ...reference, rate: 15 }) },
	'/reference.mkv': { type: 'video/x-matroska', recipe: video(reference) },
	'/start.png': { type: 'image/png', recipe: still('640x360') },
	'/start.jpg': { type: 'image/jpeg', recipe: still('640x360') },
	'/start-small.png': { type: 'image/png', recipe: still('200x200') },
	'/start-narrow.png': { type: 'image/png', recipe: still('300x900') },
};

const PAGE = Buffer.from(
	'<!doctype html><title>Emulator</title><p>This page is not a video.</p>\n',
);

/**
 * @param {string} path as the media host serves it
 * @returns {Promise<{ type: string, buffer: Buffer } | null>}
 */
export async function fixture(path) {
	if (path === '/not-a-video.html') return { type: 'text/html', buffer: PAGE };
	if (!Object.hasOwn(fixtures, path)) return null;
	const { type, recipe } = fixtures[path];
	return { type, buffer: await produce(`fixture-${path.slice(1)}`, recipe) };
}

/**
 * @typedef {{ format: string, codec: string, width: number, height: number, seconds: number, framesPerSecond: number, sound: boolean }} Probe
 * @param {string} path of a file
 * @returns {Promise<Probe | null>} null when there are no pictures in it
 */
export async function probe(path) {
	try {
		const { stdout } = await probing(() =>
			execFile(tool('ffprobe'), [
				'-v',
				'error',
				'-of',
				'json',
				'-show_format',
				'-show_streams',
				path,
			]),
		);
		const { format, streams } = JSON.parse(stdout);
		const pictures = streams.find((/** @type {any} */ stream) => stream.codec_type === 'video');
		if (!pictures) return null;
		const [frames, seconds] = pictures.avg_frame_rate.split('/').map(Number);
		return {
			format: format.format_name,
			codec: pictures.codec_name,
			width: pictures.width,
			height: pictures.height,
			seconds: Number(format.duration ?? 0),
			framesPerSecond: seconds ? frames / seconds : 0,
			sound: streams.some((/** @type {any} */ stream) => stream.codec_type === 'audio'),
		};
	} catch {
		return null;
	}
}
