// @ts-check
import fs from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';

const BLOCK = 512;
/** A plain file; old writers leave the type empty. */
const FILE = new Set(['0', '']);
const PAX_HEADER = 'x';

/**
 * Unpacks a tarball as `npm pack` writes it: plain files, all under `package/`, long names in pax headers.
 *
 * @param {string} tarball
 * @param {string} folder takes the place of `package/`
 */
export function untar(tarball, folder) {
	const archive = gunzipSync(fs.readFileSync(tarball));
	/** @type {string | undefined} */
	let longName;

	for (let at = 0; at + BLOCK <= archive.length && archive[at] !== 0; ) {
		const header = archive.subarray(at, at + BLOCK);
		const text = (/** @type {number} */ from, /** @type {number} */ length) =>
			header.toString('utf8', from, from + length).replace(/\0.*$/s, '');
		const length = parseInt(text(124, 12), 8);
		const type = text(156, 1);
		const content = archive.subarray(at + BLOCK, at + BLOCK + length);
		at += BLOCK + Math.ceil(length / BLOCK) * BLOCK;

		if (type === PAX_HEADER) longName = /^\d+ path=(.*)$/m.exec(content.toString('utf8'))?.[1];
		if (!FILE.has(type)) continue;

		const name = longName ?? [text(345, 155), text(0, 100)].filter(Boolean).join('/');
		longName = undefined;
		const target = path.join(folder, name.replace(/^[^/]+\//, ''));
		if (!target.startsWith(folder + path.sep)) {
			throw new Error(`${tarball} holds a file outside of its package: ${name}`);
		}
		fs.mkdirSync(path.dirname(target), { recursive: true });
		fs.writeFileSync(target, content);
	}
}
