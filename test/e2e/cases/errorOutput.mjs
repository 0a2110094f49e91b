// @ts-check
import assert from 'node:assert/strict';
import { itemsOf } from '../../../dev/server/session.mjs';
import { Stage } from '../stage.mjs';
import { GENERATE, call, publishBatch } from '../workflows.mjs';
import { expectSuccess } from './expect.mjs';

/**
 * With an error output, a failed item leaves by it, and says which task has failed; the others go on.
 *
 * @param {import('../world.mjs').World} world
 * @returns {import('../report.mjs').Case}
 */
export const errorOutputCase = (world) => ({
	name: 'error output',
	run: async () =>
		await Stage.for(world, {}, async (stage) => {
			await stage.set({ failTasks: { nth: 2 } });
			const workflow = await publishBatch(stage, {
				settings: { onError: 'continueErrorOutput' },
			});
			const execution = await world.session.executionEnd(
				await call(stage, workflow, ['@Video1 at dawn', '@Video1 at night']),
				{ timeoutMs: 120_000 },
			);
			expectSuccess(execution);

			const [good, bad] = [itemsOf(execution, GENERATE, 0), itemsOf(execution, GENERATE, 1)];
			assert.deepEqual([good.length, bad.length], [1, 1], 'items on the two outputs');
			const { tasks } = await stage.state();
			const failed = tasks.find(({ taskId }) => taskId !== good[0]?.json.taskId);
			assert.equal(bad[0]?.json.details?.taskId, failed?.taskId, 'details.taskId');
			assert.match(bad[0]?.json.error, /could not make the video/);
			return `"${bad[0]?.json.error}"`;
		}),
});
