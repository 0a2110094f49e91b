// @ts-check
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { root } from '../../../dev/setup.mjs';
import { examples, prepare, triggerUrl } from '../../../dev/server/examples.mjs';
import { S3Server } from '../s3Server.mjs';
import { Stage } from '../stage.mjs';
import { checkVideos } from '../videos.mjs';
import { expectSuccess } from './expect.mjs';

/**
 * @typedef {import('../world.mjs').World} World
 * @typedef {import('../report.mjs').Case} Case
 * @typedef {keyof typeof examples} Example
 */

const TASK_SECONDS = 5;
const ENDS_WITHIN_MS = 300_000;

/** As examples/folder-to-s3.json names it. */
export const BUCKET = 'kling-videos';

/**
 * Imports an example, with what everyone replaces in it.
 *
 * @param {Stage} stage
 * @param {Example} name
 * @param {import('../../../dev/server/examples.mjs').Values & { credentials?: Stage['credentials'] }} [values]
 * @returns {Promise<string>} its id
 */
export async function importExample({ world, credentials, videoUrl }, name, values) {
	const given = { credentials, videoUrl, folder: world.videos, ...values };
	return (await world.session.saveWorkflow(prepare(examples[name], given))).id;
}

/**
 * @param {Stage} stage
 * @param {string} id
 * @param {Example} name
 */
async function runByButton({ world }, id, name) {
	const { trigger } = examples[name];
	const execution = await world.session.run(id, trigger, { timeoutMs: ENDS_WITHIN_MS });
	expectSuccess(execution);
	return execution;
}

/**
 * How each example is run, and what comes out of it.
 *
 * @type {Record<string, { names: Example[], run: (stage: Stage) => Promise<string> }>}
 */
const runs = {
	referenceVideoToFile: savesTheVideo('referenceVideoToFile', 'Kling V2V Generate'),
	submitWaitStatusLoop: savesTheVideo('submitWaitStatusLoop', 'Kling Task Status'),
	callbackToStorage: savesTheVideo('callbackToStorage', 'Kling V2V Generate'),

	submitThenTrigger: {
		names: ['submitForTrigger', 'triggerToStorage'],
		run: async (stage) => {
			const { session, webhookUrl } = stage.world;
			const receiver = await importExample(stage, 'triggerToStorage');
			await session.publish(receiver);
			const submitter = await importExample(stage, 'submitForTrigger', {
				webhookUrl: triggerUrl(webhookUrl),
			});
			await runByButton(stage, submitter, 'submitForTrigger');

			const started = await session.firstExecutionOf(receiver, { timeoutMs: 60_000 });
			const execution = await session.executionEnd(started, { timeoutMs: ENDS_WITHIN_MS });
			expectSuccess(execution);
			const bytes = await checkVideos(stage, execution, {
				'Kling V2V Trigger': { binary: 1, files: 0 },
				'Save the Video': { binary: 1, files: 1 },
			});
			return same(bytes);
		},
	},

	folderToS3: {
		names: ['folderToS3'],
		run: async (stage) => {
			const { session, videos } = stage.world;
			const folder = path.join(videos, 'clips');
			fs.mkdirSync(folder, { recursive: true });
			const clip = Buffer.from(await (await fetch(stage.videoUrl)).arrayBuffer());
			fs.writeFileSync(path.join(folder, 'clip.mp4'), clip);

			return await S3Server.for(BUCKET, async (server) => {
				const s3 = await session.saveCredential(server.credential);
				const id = await importExample(stage, 'folderToS3', {
					credentials: { ...stage.credentials, s3 },
					clips: path.join(folder, '*.mp4'),
				});
				await runByButton(stage, id, 'folderToS3');
				const { tasks } = await stage.state();
				const taskId = tasks[0]?.taskId ?? '';
				const made = await stage.video(taskId);
				assert.deepEqual(await server.names(), [`${taskId}.mp4`]);
				assert.deepEqual(await server.object(`${taskId}.mp4`), {
					contentType: 'video/mp4',
					...made,
				});
				// What was seen before is not paid for again.
				await runByButton(stage, id, 'folderToS3');
				return same(made.bytes);
			});
		},
	},
};

/**
 * @param {Example} name
 * @param {string} node which brings the video
 */
function savesTheVideo(name, node) {
	return {
		names: [name],
		run: async (/** @type {Stage} */ stage) => {
			const execution = await runByButton(stage, await importExample(stage, name), name);
			const bytes = await checkVideos(stage, execution, {
				[node]: { binary: 1, files: 0 },
				'Save the Video': { binary: 1, files: 1 },
			});
			return same(bytes);
		},
	};
}

const same = (/** @type {number} */ bytes) =>
	`${bytes.toLocaleString('en')} bytes, sha256 as the emulator's`;

/**
 * An example as it is imported, run as its notes say.
 *
 * @param {World} world
 * @param {keyof typeof runs} key
 * @returns {Case}
 */
export function exampleCase(world, key) {
	const { names, run } = /** @type {typeof runs[string]} */ (runs[key]);
	return {
		name: `examples/${names.map((name) => examples[name].file).join(', ')}`,
		run: async () =>
			await Stage.for(world, { taskSeconds: TASK_SECONDS }, async (stage) => {
				const said = await run(stage);
				assert.equal((await stage.state()).billed, 1, 'billed tasks');
				return said;
			}),
	};
}

/** An example that nobody runs would be the first to break. @returns {Case} */
export const completenessCase = () => ({
	name: 'every file in examples/ is run',
	run: async () => {
		const files = fs
			.readdirSync(path.join(root, 'examples'))
			.filter((name) => name.endsWith('.json'));
		const run = Object.values(runs).flatMap(({ names }) =>
			names.map((name) => examples[name].file),
		);
		assert.deepEqual(run.sort(), files.sort());
		return `${files.length} workflows`;
	},
});
