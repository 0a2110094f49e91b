// @ts-check
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { examples } from '../../../../dev/server/examples.mjs';
import { S3Server } from '../../s3Server.mjs';
import { Stage } from '../../stage.mjs';
import { BUCKET, importExample } from '../examples.mjs';
import { expectSuccess } from '../expect.mjs';

const CLIPS = ['harbour.mp4', 'old town.mp4'];

/**
 * Clips in a folder become videos in a bucket, each byte of them, and each once.
 *
 * @param {import('../../world.mjs').World} world
 * @returns {import('../../report.mjs').Case}
 */
export const s3Case = (world) => ({
	name: `storage: examples/${examples.folderToS3.file}, on an S3 server`,
	run: async () =>
		await Stage.for(world, {}, async (stage) => {
			const folder = path.join(world.videos, 'clips for S3');
			fs.mkdirSync(folder, { recursive: true });
			const clip = Buffer.from(await (await fetch(stage.videoUrl)).arrayBuffer());
			for (const name of CLIPS) fs.writeFileSync(path.join(folder, name), clip);

			return await S3Server.for(BUCKET, async (server) => {
				const s3 = await world.session.saveCredential(server.credential);
				const id = await importExample(stage, 'folderToS3', {
					credentials: { ...stage.credentials, s3 },
					clips: path.join(folder, '*.mp4'),
				});
				const run = async () =>
					expectSuccess(
						await world.session.run(id, examples.folderToS3.trigger, { timeoutMs: 120_000 }),
					);
				await run();
				const { tasks } = await stage.state();
				assert.equal(tasks.length, CLIPS.length);
				const expected = tasks.map(({ taskId }) => `${taskId}.mp4`);
				assert.deepEqual((await server.names()).sort(), expected.sort());
				let bytes = 0;
				for (const { taskId } of tasks) {
					const made = await stage.video(taskId);
					assert.deepEqual(await server.object(`${taskId}.mp4`), {
						contentType: 'video/mp4',
						...made,
					});
					bytes += made.bytes;
				}

				await run();
				assert.equal(
					(await stage.state()).billed,
					CLIPS.length,
					'clips seen before are not paid again',
				);
				return `${CLIPS.length} objects, ${bytes.toLocaleString('en')} bytes, sha256 as the emulator's; the second run made nothing`;
			});
		}),
});
