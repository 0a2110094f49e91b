// @ts-check
import fs from 'node:fs';
import path from 'node:path';
import { Problem } from './problem.mjs';
import { size } from './progress.mjs';

/**
 * Asks before hours of downloading whether the result will fit.
 *
 * @param {string} folder need not exist yet
 * @param {number} bytes
 * @param {string} what begins the sentence: "Installing n8n"
 * @param {string} [otherwise] what can be done beside freeing space
 */
export async function requireDisk(folder, bytes, what, otherwise) {
	let existing = folder;
	while (!fs.existsSync(existing)) existing = path.dirname(existing);

	const { bavail, bsize } = await fs.promises.statfs(existing);
	const free = bavail * bsize;
	if (free >= bytes) return;
	throw new Problem(
		`${what} takes ${size(bytes)} on the disk of ${existing}, which has ${size(free)} left: free some space${otherwise ? `, or ${otherwise}` : ''}.`,
	);
}
