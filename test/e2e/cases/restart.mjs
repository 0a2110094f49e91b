// @ts-check
import assert from 'node:assert/strict';
import { examples, prepare } from '../../server/examples.mjs';
import { Stage } from '../stage.mjs';
import { checkVideos } from '../videos.mjs';
import { expectSuccess } from './expect.mjs';

/**
 * What n8n has put to sleep outlives n8n.
 *
 * @param {import('../world.mjs').World} world
 * @returns {import('../report.mjs').Case}
 */
export const restartCase = (world) => ({
	name: 'n8n restarted between submit and status',
	run: async (note) =>
		await Stage.for(world, { taskSeconds: 5 }, async (stage) => {
			const { credentials, videoUrl } = stage;
			const example = examples.submitWaitStatusLoop;
			const workflow = prepare(example, { credentials, videoUrl, folder: world.videos });
			const { id } = await world.session.saveWorkflow(workflow);
			const started = await world.session.start(id, example.trigger);
			const asleep = await world.session.executionEnd(started, {
				timeoutMs: 60_000,
				until: ({ status }) => status !== 'new' && status !== 'running',
			});
			assert.equal(asleep.status, 'waiting', 'it sleeps in the database');

			note('restarting');
			await world.restart();
			note('restarted');

			const execution = await world.session.executionEnd(started, { timeoutMs: 180_000 });
			expectSuccess(execution);
			await checkVideos(stage, execution, { 'Save the Video': { binary: 1, files: 1 } });
			const { billed } = await stage.state();
			assert.equal(billed, 1, 'billed tasks');
			return 'went on by itself, one task billed, its video saved';
		}),
});
