import fs from 'node:fs';
import path from 'node:path';
import { examples } from '../../../dev/server/examples.mjs';
import { BUCKET, importExample, runByButton } from '../examples.mts';
import { expect, test } from '../fixtures.mts';
import { S3Server } from '../s3Server.mjs';
import { billedTasks } from '../stage.mts';

const CLIPS = ['harbour.mp4', 'old town.mp4'];

test(`examples/${examples.folderToS3.file} makes an object of each clip in a folder, byte for byte, and each once`, async ({
	stage,
	instance: { session },
}) => {
	const { emulator, credentials, videos } = stage;
	const folder = path.join(videos, 'clips for S3');
	fs.mkdirSync(folder, { recursive: true });
	const clip = Buffer.from(await (await fetch(emulator.referenceUrl)).arrayBuffer());
	for (const name of CLIPS) fs.writeFileSync(path.join(folder, name), clip);

	await S3Server.for(BUCKET, async (server) => {
		const s3 = await session.saveCredential(server.credential);
		const id = await importExample(stage, 'folderToS3', {
			credentials: { ...credentials, s3 },
			clips: path.join(folder, '*.mp4'),
		});
		await runByButton(stage, id, 'folderToS3');
		const tasks = await emulator.tasks();
		expect(tasks).toHaveLength(CLIPS.length);
		expect((await server.names()).sort()).toEqual(
			tasks.map(({ taskId }) => `${taskId}.mp4`).sort(),
		);
		for (const { taskId } of tasks) {
			expect(await server.object(`${taskId}.mp4`)).toEqual({
				contentType: 'video/mp4',
				...(await emulator.video(taskId)),
			});
		}

		await runByButton(stage, id, 'folderToS3');
		expect(await billedTasks(stage), 'clips seen before are not paid again').toBe(CLIPS.length);
	});
});
