// @ts-check
import assert from 'node:assert/strict';
import { examples } from '../../../dev/server/examples.mjs';
import { Stage } from '../stage.mjs';
import { checkVideos } from '../videos.mjs';
import { completeBatch, pauseBatch } from './callbacks.mjs';
import { importExample } from './examples.mjs';
import { expectAsleep, expectSuccess } from './expect.mjs';

/**
 * What n8n has put to sleep outlives n8n: a run that waits for the clock, and one that waits for a callback.
 *
 * @param {import('../world.mjs').World} world
 * @returns {import('../report.mjs').Case}
 */
export const restartCase = (world) => ({
	name: 'n8n restarted between submit and status, and before a callback',
	run: async (note) =>
		await Stage.for(world, { taskSeconds: 5 }, async (byClock) =>
			Stage.for(world, { taskSeconds: 600 }, async (byCallback) => {
				const { session } = world;
				const { trigger } = examples.submitWaitStatusLoop;
				const started = await session.start(
					await importExample(byClock, 'submitWaitStatusLoop'),
					trigger,
				);
				await expectAsleep(session, started);
				const paused = await pauseBatch(byCallback);

				note('restarting');
				await world.restart();
				note('restarted');

				await completeBatch(byCallback, paused);
				const execution = await session.executionEnd(started, { timeoutMs: 180_000 });
				expectSuccess(execution);
				await checkVideos(byClock, execution, { 'Save the Video': { binary: 1, files: 1 } });
				assert.equal((await byClock.state()).billed, 1, 'the task that was there is waited for');
				return 'both went on by themselves, 1 and 3 tasks billed';
			}),
		),
});
