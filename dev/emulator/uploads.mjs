// @ts-check
/**
 * Magnific's two-step uploads: an address to put the bytes to, then an asset to refer to.
 *
 * @typedef {object} Slot
 * @property {string} id
 * @property {string} type
 * @property {Record<string, string>} headers the PUT has to carry
 * @property {number} opensUntil
 * @property {number} assetUntil
 * @property {import('./content.mjs').Content | null} content
 */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileContent } from './content.mjs';

const LARGEST_UPLOAD = 200 * 1024 * 1024;

export class UploadDesk {
	/** @type {Map<string, Slot>} */ slots = new Map();
	#emulator;
	#directory;

	/**
	 * @param {import('./server.mjs').Emulator} emulator
	 * @param {string} directory
	 */
	constructor(emulator, directory) {
		this.#emulator = emulator;
		this.#directory = directory;
	}

	/** @param {string} type @returns the file's entry in the answer */
	open(type) {
		const { expiresIn, assetExpiresIn } = this.#emulator.settings.uploads;
		const id = randomUUID();
		const headers = { 'content-type': type, 'x-upload-token': randomBytes(16).toString('hex') };
		const now = Date.now();
		this.slots.set(id, {
			id,
			type,
			headers,
			opensUntil: now + expiresIn * 1000,
			assetUntil: now + assetExpiresIn * 1000,
			content: null,
		});
		return {
			file_id: id,
			upload_url: `${this.#emulator.mediaUrl}/uploads/${id}`,
			headers,
			expires_in: expiresIn,
			asset_url: `${this.#emulator.mediaUrl}/assets/${id}`,
			asset_url_expires_in: assetExpiresIn,
		};
	}

	/**
	 * @param {Slot} slot
	 * @param {AsyncIterable<Buffer>} bytes
	 * @returns {Promise<boolean>} false when there are too many
	 */
	async store(slot, bytes) {
		const path = join(this.#directory, randomUUID());
		const hash = createHash('sha256');
		let count = 0;
		await pipeline(
			bytes,
			async function* (chunks) {
				for await (const chunk of chunks) {
					count += chunk.length;
					hash.update(chunk);
					// What is too much is read, so that the client gets its answer, but not kept.
					if (count <= LARGEST_UPLOAD) yield chunk;
				}
			},
			createWriteStream(path),
		);
		if (count > LARGEST_UPLOAD) {
			await rm(path, { force: true });
			return false;
		}
		slot.content = fileContent(path, { bytes: count, type: slot.type, sha256: hash.digest('hex') });
		return true;
	}

	reset() {
		this.slots.clear();
	}
}
