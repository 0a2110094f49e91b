import fs from 'node:fs';
import { expect } from '@playwright/test';
import type { Execution } from '../../dev/server/session.mjs';
import { itemsOf } from '../../dev/server/session.mjs';
import { sha256 } from '../../dev/server/video.mjs';
import type { Stage } from './stage.mts';

/**
 * Holds every video that an execution has put out, in a binary field or on disk, against what the emulator made: byte for
 * byte, by digest and size.
 * @param expected how many, by the node that put them out
 * @returns the bytes of one
 */
export async function checkVideos(
	{ emulator, instance }: Stage,
	execution: Execution,
	expected: Record<string, { binary: number; files: number }>,
): Promise<number> {
	let size = 0;
	for (const [node, counts] of Object.entries(expected)) {
		const found = { binary: 0, files: 0 };
		for (const { json, binary } of itemsOf(execution, node)) {
			const made = await emulator.video(json.taskId);
			size = made.bytes;
			for (const file of Object.values(binary ?? {})) {
				expect(await instance.session.content(file), `the file from "${node}"`).toEqual(made);
				found.binary++;
			}
			if (json.fileName) {
				const saved = {
					sha256: await sha256(json.fileName),
					bytes: fs.statSync(json.fileName).size,
				};
				expect(saved, `the file that "${node}" saved`).toEqual(made);
				found.files++;
			}
		}
		expect(found, `the videos from "${node}"`).toEqual(counts);
	}
	return size;
}
