// @ts-check
/**
 * Fetches what a task refers to, as the real services do, and holds it against the documented limits. Loopback only: a test that
 * names any other host finds it unreachable.
 */
import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { get } from 'node:http';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { base64Image, isWebUrl } from './formats.mjs';
import { isLoopback } from './http.mjs';
import { probe } from './media.mjs';

const MEGABYTE = 1024 * 1024;
const PATIENCE_MS = 15_000;
const MOST_REDIRECTS = 5;
/** Encoders round: an AAC track makes a 10 s clip 10.02 s long. */
const TOLERANCE_SECONDS = 0.1;

/** A task that cannot be done: what the provider tells about it, where it tells anything. */
export class Refusal extends Error {
	/**
	 * @param {string} reason
	 * @param {number} [code]
	 */
	constructor(reason, code = 4003) {
		super(reason);
		this.code = code;
	}
}

/**
 * @typedef {import('./media.mjs').Probe & { bytes: number }} Found
 * @typedef {{ video: Found | null, startImage: Found | null }} References
 */

export class ReferenceDesk {
	/** @type {Map<string, { etag: string, found: Found }>} */ #known = new Map();
	/** @type {Map<string, Promise<Found>>} */ #underWay = new Map();
	#life = new AbortController();
	#directory;

	/** @param {string} directory for what is being probed */
	constructor(directory) {
		this.#directory = directory;
	}

	/**
	 * @param {import('./tasks.mjs').Plan} plan
	 * @returns {Promise<References>}
	 * @throws {Refusal}
	 */
	async inspect(plan) {
		const video = await this.#look(plan.video, 200 * MEGABYTE, 'reference video');
		checkVideo(video);
		let startImage = null;
		for (const { source, ratioLimit } of plan.images) {
			const image = await this.#look(source, 10 * MEGABYTE, 'image');
			checkImage(image, ratioLimit);
			if (source === plan.startImage) startImage = image;
		}
		return { video, startImage };
	}

	/**
	 * Hundreds of tasks share one reference: each source is fetched and probed once at a time.
	 *
	 * @param {string} source
	 * @param {number} limit in bytes
	 * @param {string} noun
	 */
	#look(source, limit, noun) {
		const key = isWebUrl(source) ? source : createHash('sha256').update(source).digest('hex');
		const underWay = this.#underWay.get(key);
		if (underWay) return underWay;
		const looking = (
			isWebUrl(source) ? this.#fetch(source, limit, noun) : this.#decode(source, key, limit)
		).finally(() => {
			if (this.#underWay.get(key) === looking) this.#underWay.delete(key);
		});
		this.#underWay.set(key, looking);
		return looking;
	}

	/**
	 * @param {string} source
	 * @param {string} key
	 * @param {number} limit
	 * @returns {Promise<Found>}
	 */
	async #decode(source, key, limit) {
		const known = this.#known.get(key);
		if (known) return known.found;
		const data = base64Image(source) ?? Buffer.alloc(0);
		if (data.length > limit) throw new Refusal(`the image is larger than ${limit / MEGABYTE} MB`);
		const path = join(this.#directory, randomUUID());
		await writeFile(path, data);
		const found = await this.#probeAndDrop(path, data.length, 'image');
		this.#known.set(key, { etag: '', found });
		return found;
	}

	/**
	 * @param {string} url
	 * @param {number} limit
	 * @param {string} noun
	 * @param {number} [redirects]
	 * @returns {Promise<Found>}
	 */
	async #fetch(url, limit, noun, redirects = 0) {
		const { protocol, hostname } = new URL(url);
		if (protocol !== 'http:' || !isLoopback(hostname))
			throw new Refusal(`the ${noun} could not be downloaded: host unreachable`);
		const known = this.#known.get(url);
		const response = await request(url, this.#life.signal, known?.etag).catch(() => {
			throw new Refusal(`the ${noun} could not be downloaded: no answer`);
		});
		const { statusCode = 0, headers } = response;
		if (known && statusCode === 304) {
			response.resume();
			return known.found;
		}
		if (statusCode >= 300 && statusCode < 400 && headers.location && redirects < MOST_REDIRECTS) {
			response.resume();
			return this.#fetch(new URL(headers.location, url).href, limit, noun, redirects + 1);
		}
		if (statusCode !== 200) {
			response.resume();
			throw new Refusal(`the ${noun} could not be downloaded: HTTP ${statusCode}`);
		}
		const path = join(this.#directory, randomUUID());
		const bytes = await save(response, path, limit, noun);
		const found = await this.#probeAndDrop(path, bytes, noun);
		if (headers.etag) this.#known.set(url, { etag: headers.etag, found });
		return found;
	}

	/**
	 * @param {string} path
	 * @param {number} bytes
	 * @param {string} noun
	 * @returns {Promise<Found>}
	 */
	async #probeAndDrop(path, bytes, noun) {
		const found = await probe(path);
		await rm(path, { force: true });
		if (!found)
			throw new Refusal(`the ${noun} is not a readable ${noun === 'image' ? 'image' : 'video'}`);
		return { ...found, bytes };
	}

	/** Drops what is under way; what is known stays true. */
	reset() {
		this.#life.abort();
		this.#life = new AbortController();
		this.#underWay.clear();
	}
}

/**
 * @param {string} url
 * @param {AbortSignal} signal
 * @param {string} [etag]
 * @returns {Promise<import('node:http').IncomingMessage>}
 */
const request = (url, signal, etag) =>
	new Promise((resolve, reject) => {
		const headers = { 'user-agent': 'kling-v2v-emulator', ...(etag && { 'if-none-match': etag }) };
		get(
			url,
			{
				headers,
				agent: false,
				signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]),
			},
			resolve,
		).on('error', reject);
	});

/**
 * @param {import('node:http').IncomingMessage} response
 * @param {string} path
 * @param {number} limit
 * @param {string} noun
 */
async function save(response, path, limit, noun) {
	let bytes = 0;
	const tooLarge = new Refusal(`the ${noun} is larger than ${limit / MEGABYTE} MB`);
	if (Number(response.headers['content-length'] ?? 0) > limit) {
		response.destroy();
		throw tooLarge;
	}
	await pipeline(
		response,
		async function* (chunks) {
			for await (const chunk of chunks) {
				bytes += chunk.length;
				if (bytes > limit) throw tooLarge;
				yield chunk;
			}
		},
		createWriteStream(path),
	).catch(async (error) => {
		await rm(path, { force: true });
		throw error instanceof Refusal
			? error
			: new Refusal(`the ${noun} could not be downloaded: the connection broke`);
	});
	return bytes;
}

/** @param {Found} video */
function checkVideo({ format, seconds, width, height, framesPerSecond }) {
	const refuse = (/** @type {string} */ why) => {
		throw new Refusal(`the reference video ${why}`);
	};
	if (!/\b(mp4|mov)\b/.test(format)) refuse('is neither MP4 nor MOV');
	if (seconds < 3 - TOLERANCE_SECONDS || seconds > 10 + TOLERANCE_SECONDS)
		refuse(`is ${seconds.toFixed(1)} s long, not 3 to 10 s`);
	if (Math.min(width, height) < 720 || Math.max(width, height) > 2160)
		refuse(`is ${width}x${height}, not within 720 to 2160 px`);
	if (framesPerSecond < 23.9 || framesPerSecond > 60.1)
		refuse(`has ${framesPerSecond.toFixed(0)} frames per second, not 24 to 60`);
}

/**
 * @param {Found} image
 * @param {number} [ratioLimit] longest side over shortest
 */
function checkImage({ codec, width, height }, ratioLimit = Infinity) {
	const ratio = Math.max(width, height) / Math.min(width, height);
	if (!['png', 'mjpeg'].includes(codec)) throw new Refusal('the image is neither JPEG nor PNG');
	if (Math.min(width, height) < 300)
		throw new Refusal(`the image is ${width}x${height}, smaller than 300 px`);
	if (ratio > ratioLimit)
		throw new Refusal(`the image is ${width}x${height}, its ratio beyond 1:${ratioLimit}`);
}
