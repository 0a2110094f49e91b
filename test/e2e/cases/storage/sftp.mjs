// @ts-check
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { itemsOf } from '../../../../dev/server/session.mjs';
import { sha256 } from '../../../../dev/server/video.mjs';
import { Stage } from '../../stage.mjs';
import { GENERATE, call, node, publishBatch } from '../../workflows.mjs';
import { expectSuccess } from '../expect.mjs';
import { SftpServer } from './sftpServer.mjs';

const PROMPTS = ['@Video1 at dawn', '@Video1 at night'];

/** Many of SFTP's packets; n8n's client takes some 80 ms for each. */
const RESULT_BYTES = 1_000_000;

/**
 * n8n's FTP node takes the video as it is.
 *
 * @param {import('../../world.mjs').World} world
 * @returns {import('../../report.mjs').Case}
 */
export const sftpCase = (world) => ({
	name: "storage: n8n's FTP node, to an SFTP server",
	run: async () =>
		await Stage.for(world, {}, async (stage) => {
			await stage.set({ resultBytes: RESULT_BYTES });
			return await SftpServer.for(async (server) => {
				const sftp = await world.session.saveCredential(server.credential);
				const workflow = await publishBatch(stage, {
					then: [
						node(
							'Upload',
							'n8n-nodes-base.ftp',
							1,
							{
								protocol: 'sftp',
								operation: 'upload',
								path: '=/videos/{{ $json.endpoint }}/{{ $json.taskId }}.mp4',
								binaryData: true,
								binaryPropertyName: 'data',
								options: {},
							},
							{ credentials: { sftp } },
						),
					],
				});
				const execution = await world.session.executionEnd(await call(stage, workflow, PROMPTS), {
					timeoutMs: 120_000,
				});
				expectSuccess(execution);

				const made = itemsOf(execution, GENERATE).map(({ json }) => json.taskId);
				assert.equal(made.length, PROMPTS.length);
				const place = path.join(server.root, 'videos/referenceToVideo');
				const expected = made.map((taskId) => path.join(place, `${taskId}.mp4`));
				assert.deepEqual(server.files().sort(), [...expected].sort());
				for (const [index, file] of expected.entries()) {
					const saved = { sha256: await sha256(file), bytes: fs.statSync(file).size };
					assert.deepEqual(saved, await stage.video(made[index]), file);
				}
				assert.equal((await stage.state()).billed, PROMPTS.length, 'billed tasks');
				return `${made.length} files of ${RESULT_BYTES.toLocaleString('en')} bytes, sha256 as the emulator's`;
			});
		}),
});
