// @ts-check
import assert from 'node:assert/strict';
import { itemsOf } from '../../server/session.mjs';
import { Stage } from '../stage.mjs';
import { checkVideos } from '../videos.mjs';
import { GENERATE, call, publishBatch } from '../workflows.mjs';
import { expectSuccess } from './expect.mjs';

const PROMPTS = ['@Video1 at dawn', '@Video1 at noon', '@Video1 at night'];

/**
 * n8n's Retry On Fail runs the node again for all items, also for those that are paid.
 *
 * @param {import('../world.mjs').World} world
 * @returns {import('../report.mjs').Case}
 */
export const retryOnFailCase = (world) => ({
	name: 'Retry On Fail pays once per item',
	run: async () =>
		await Stage.for(world, {}, async (stage) => {
			await stage.addFaults([
				// The second item is refused, which ends the first try while another item's task is paid.
				{
					match: { action: 'create', nth: 2 },
					fault: { kind: 'status', status: 400, body: { message: 'Not this time' } },
				},
				// The answer to a later one is lost, though the task was made and is billed.
				{ match: { action: 'create', nth: 4 }, fault: { kind: 'reset', makeTask: true } },
			]);
			const workflow = await publishBatch(stage, {
				settings: { retryOnFail: true, maxTries: 3, waitBetweenTries: 500 },
			});
			const execution = await world.session.executionEnd(await call(stage, workflow, PROMPTS), {
				timeoutMs: 120_000,
			});
			expectSuccess(execution);
			await checkVideos(stage, execution, { [GENERATE]: { binary: PROMPTS.length, files: 0 } });

			const tasks = new Set(itemsOf(execution, GENERATE).map(({ json }) => json.taskId));
			assert.equal(tasks.size, PROMPTS.length, 'every item has a task of its own');
			const { billed, requests } = await stage.state();
			const asked = requests.filter(({ action }) => action === 'create').length;
			assert.ok(asked > PROMPTS.length, 'there was a further try');
			assert.equal(billed, PROMPTS.length, 'billed tasks');
			return `${PROMPTS.length} items, ${asked} requests, ${billed} tasks billed`;
		}),
});
