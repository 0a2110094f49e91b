// @ts-check
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { root } from '../../setup.mjs';
import { examples, prepare } from '../../server/examples.mjs';
import { Stage } from '../stage.mjs';
import { checkVideos } from '../videos.mjs';
import { expectSuccess } from './expect.mjs';

/**
 * @typedef {import('../world.mjs').World} World
 * @typedef {import('../report.mjs').Case} Case
 */

/** What comes out of them. @type {Record<string, Parameters<typeof checkVideos>[2]>} */
const VIDEOS = {
	referenceVideoToFile: {
		'Kling V2V Generate': { binary: 1, files: 0 },
		'Save the Video': { binary: 1, files: 1 },
	},
	submitWaitStatusLoop: {
		'Kling Task Status': { binary: 1, files: 0 },
		'Save the Video': { binary: 1, files: 1 },
	},
};

/**
 * An example as it is imported, run by its button.
 *
 * @param {World} world
 * @param {keyof typeof examples} name
 * @returns {Case}
 */
export const exampleCase = (world, name) => ({
	name: `examples/${examples[name].file}`,
	run: async () =>
		await Stage.for(world, { taskSeconds: 5 }, async (stage) => {
			const { credentials, videoUrl } = stage;
			const example = examples[name];
			const { id } = await world.session.saveWorkflow(
				prepare(example, { credentials, videoUrl, folder: world.videos }),
			);
			const execution = await world.session.run(id, example.trigger, { timeoutMs: 300_000 });
			expectSuccess(execution);
			const bytes = await checkVideos(stage, execution, VIDEOS[name] ?? {});
			assert.equal((await stage.state()).billed, 1, 'one task was billed');
			return `${bytes.toLocaleString('en')} bytes, sha256 as the emulator's`;
		}),
});

/** An example that nobody runs would be the first to break. @returns {Case} */
export const completenessCase = () => ({
	name: 'every file in examples/ is run',
	run: async () => {
		const files = fs
			.readdirSync(path.join(root, 'examples'))
			.filter((name) => name.endsWith('.json'));
		const run = Object.entries(examples)
			.filter(([name]) => VIDEOS[name])
			.map(([, { file }]) => file);
		assert.deepEqual(run.sort(), files.sort());
		return `${files.length} workflows`;
	},
});
