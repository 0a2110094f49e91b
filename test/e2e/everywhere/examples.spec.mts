import fs from 'node:fs';
import path from 'node:path';
import { examples, triggerUrl } from '../../../dev/server/examples.mjs';
import type { Example } from '../examples.mts';
import { BUCKET, importExample, runByButton } from '../examples.mts';
import { itemsOf } from '../../../dev/server/session.mjs';
import { expectSuccess } from '../expect.mts';
import { expect, test } from '../fixtures.mts';
import { S3Server } from '../s3Server.mjs';
import { billedTasks } from '../stage.mts';
import { checkVideos } from '../videos.mts';
import { GENERATE, STATUS, TRIGGER } from '../workflows.mts';

test.use({ taskSeconds: 5 });

const titleOf = (...names: Example[]) =>
	`examples/${names.map((name) => examples[name].file).join(' with ')}`;

/** Those that save one video, and the node that brings it. */
const SAVING: Array<[Example, string]> = [
	['referenceVideoToFile', GENERATE],
	['submitWaitStatusLoop', STATUS],
];

for (const [name, node] of SAVING) {
	test(`${titleOf(name)} saves the video as it was made, for one billed task`, async ({
		stage,
	}) => {
		const execution = await runByButton(stage, await importExample(stage, name), name);
		await checkVideos(stage, execution, {
			[node]: { binary: 1, files: 0 },
			'Save the Video': { binary: 1, files: 1 },
		});
		expect(await billedTasks(stage)).toBe(1);
	});
}

test(`${titleOf('submitForTrigger', 'triggerToStorage')} saves the video as it was made, for one billed task`, async ({
	stage,
	instance: { session, webhookUrl },
}) => {
	const receiver = await importExample(stage, 'triggerToStorage');
	await session.publish(receiver);
	const submitter = await importExample(stage, 'submitForTrigger', {
		webhookUrl: triggerUrl(webhookUrl),
	});
	await runByButton(stage, submitter, 'submitForTrigger');

	const execution = await session.executionEnd(await session.firstExecutionOf(receiver));
	expectSuccess(execution);
	await checkVideos(stage, execution, {
		[TRIGGER]: { binary: 1, files: 0 },
		'Save the Video': { binary: 1, files: 1 },
	});
	expect(await billedTasks(stage)).toBe(1);
});

test(`${titleOf('folderToS3')} uploads the video of a clip once, for one billed task`, async ({
	stage,
	instance: { session },
}) => {
	const { emulator, credentials, videos } = stage;
	const folder = path.join(videos, 'clips');
	fs.mkdirSync(folder, { recursive: true });
	const clip = Buffer.from(await (await fetch(emulator.referenceUrl)).arrayBuffer());
	fs.writeFileSync(path.join(folder, 'clip.mp4'), clip);

	await S3Server.for(BUCKET, async (server) => {
		const s3 = await session.saveCredential(server.credential);
		const id = await importExample(stage, 'folderToS3', {
			credentials: { ...credentials, s3 },
			clips: path.join(folder, '*.mp4'),
		});
		await runByButton(stage, id, 'folderToS3');
		const [{ taskId }] = await emulator.tasks();
		expect(await server.names()).toEqual([`${taskId}.mp4`]);
		expect(await server.object(`${taskId}.mp4`)).toEqual({
			contentType: 'video/mp4',
			...(await emulator.video(taskId)),
		});
		// What was seen before is not paid for again.
		await runByButton(stage, id, 'folderToS3');
	});
	expect(await billedTasks(stage)).toBe(1);
});

test(`${titleOf('variantsOfAClip')} makes a video of each prompt, and saves each under a name of its own`, async ({
	stage,
}) => {
	const id = await importExample(stage, 'variantsOfAClip');
	const execution = await runByButton(stage, id, 'variantsOfAClip');
	await checkVideos(stage, execution, {
		[GENERATE]: { binary: 3, files: 0 },
		'Save the Video': { binary: 3, files: 3 },
	});
	const prompts = itemsOf(execution, GENERATE).map(({ json }) => json.prompt);
	const tasks = await stage.emulator.tasks();
	expect(tasks.map(({ body }) => body.prompt).sort()).toEqual(prompts.sort());
	expect(await billedTasks(stage)).toBe(3);
});

test(`${titleOf('partOfALongClip')} hands over the part alone, and saves the video that comes of it`, async ({
	stage,
}) => {
	const id = await importExample(stage, 'partOfALongClip', { start: 0, length: 3 });
	const execution = await runByButton(stage, id, 'partOfALongClip');
	await checkVideos(stage, execution, { 'Save the Video': { binary: 1, files: 1 } });
	const [{ body }] = await stage.emulator.tasks();
	expect(body.video_url).not.toBe(stage.emulator.referenceUrl);
	expect(await billedTasks(stage)).toBe(1);
});

test(`${titleOf('nightlyRescue')} saves each finished task that Magnific lists, once, and pays for nothing`, async ({
	stage,
}) => {
	for (const status of ['completed', 'completed', 'failed']) {
		await stage.emulator.control('POST', '/tasks', { provider: 'magnific', status });
	}
	const billed = await billedTasks(stage);
	const id = await importExample(stage, 'nightlyRescue');
	const first = await runByButton(stage, id, 'nightlyRescue');
	await checkVideos(stage, first, { 'Save the Video': { binary: 2, files: 2 } });
	const second = await runByButton(stage, id, 'nightlyRescue');
	expect(itemsOf(second, 'Not Seen Before')).toEqual([]);
	expect(await billedTasks(stage)).toBe(billed);
});
