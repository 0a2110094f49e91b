// @ts-check
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';

const require = createRequire(import.meta.url);

/**
 * @param {string} file
 * @returns {Promise<{ seconds: number, codec: string, width: number, height: number }>}
 */
export async function probe(file) {
	// Loaded here and not above: the development tree may just have been installed.
	const { path: ffprobe } = require('@ffprobe-installer/ffprobe');
	const entries = 'format=duration:stream=codec_name,width,height';
	const { stdout } = await promisify(execFile)(ffprobe, [
		...['-v', 'error', '-select_streams', 'v:0', '-show_entries', entries, '-of', 'json', file],
	]);
	const { format, streams } = JSON.parse(stdout);
	const { codec_name: codec, width, height } = streams[0];
	return { seconds: Number(format.duration), codec, width, height };
}

/** @param {string} file */
export async function sha256(file) {
	const hash = createHash('sha256');
	await pipeline(fs.createReadStream(file), hash);
	return hash.digest('hex');
}
