// @ts-check
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { itemsOf } from '../../dev/server/session.mjs';
import { sha256 } from '../../dev/server/video.mjs';

/**
 * Holds every video that an execution has put out, in a binary field or on disk, against what the emulator made: byte for
 * byte, by digest and size.
 *
 * @param {import('./stage.mjs').Stage} stage
 * @param {import('../../dev/server/session.mjs').Execution} execution
 * @param {Record<string, { binary: number, files: number }>} expected how many, by the node that put them out
 * @returns {Promise<number>} the bytes of one
 */
export async function checkVideos(stage, execution, expected) {
	let size = 0;
	for (const [node, counts] of Object.entries(expected)) {
		const found = { binary: 0, files: 0 };
		for (const { json, binary } of itemsOf(execution, node)) {
			const made = await stage.video(json.taskId);
			size = made.bytes;
			for (const file of Object.values(binary ?? {})) {
				const content = await stage.world.session.content(file);
				assert.deepEqual(content, made, `the file from "${node}"`);
				found.binary++;
			}
			if (json.fileName) {
				const saved = {
					sha256: await sha256(json.fileName),
					bytes: fs.statSync(json.fileName).size,
				};
				assert.deepEqual(saved, made, `the file that "${node}" saved`);
				found.files++;
			}
		}
		assert.deepEqual(found, counts, `the videos from "${node}"`);
	}
	return size;
}
