import fs from 'node:fs';
import path from 'node:path';
import { itemsOf } from '../../../dev/server/session.mjs';
import { sha256 } from '../../../dev/server/video.mjs';
import { node } from '../../../dev/workflow.mjs';
import { expectSuccess } from '../expect.mts';
import { expect, test } from '../fixtures.mts';
import { billedTasks } from '../stage.mts';
import { AWAKE, call, GENERATE, publishBatch } from '../workflows.mts';
import { SftpServer } from './sftpServer.mjs';

const PROMPTS = ['@Video1 at dawn', '@Video1 at night'];

/** Many of SFTP's packets; n8n's client takes some 80 ms for each. */
const RESULT_BYTES = 1_000_000;

test("n8n's FTP node uploads each video to an SFTP server as it was made", async ({
	stage,
	instance: { session },
}) => {
	const { emulator } = stage;
	await emulator.set({ resultBytes: RESULT_BYTES });
	await SftpServer.for(async (server) => {
		const sftp = await session.saveCredential(server.credential);
		const upload = node(
			'Upload',
			'ftp',
			{
				protocol: 'sftp',
				operation: 'upload',
				path: '=/videos/{{ $json.endpoint }}/{{ $json.taskId }}.mp4',
				binaryData: true,
				binaryPropertyName: 'data',
				options: {},
			},
			{ credentials: { sftp } },
		);
		const workflow = await publishBatch(stage, { parameters: AWAKE, then: [upload] });
		const execution = await session.executionEnd(await call(stage, workflow, PROMPTS));
		expectSuccess(execution);

		const made = itemsOf(execution, GENERATE).map(({ json }) => json.taskId as string);
		expect(made).toHaveLength(PROMPTS.length);
		const files = made.map((id) => path.join(server.root, 'videos/referenceToVideo', `${id}.mp4`));
		expect(server.files().sort()).toEqual([...files].sort());
		for (const [index, file] of files.entries()) {
			const saved = { sha256: await sha256(file), bytes: fs.statSync(file).size };
			expect(saved, file).toEqual(await emulator.video(made[index]));
		}
		expect(await billedTasks(stage), 'billed tasks').toBe(PROMPTS.length);
	});
});
