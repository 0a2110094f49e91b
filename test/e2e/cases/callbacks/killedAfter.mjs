// @ts-check
import assert from 'node:assert/strict';
import { itemsOf } from '../../../../dev/server/session.mjs';
import { GENERATE, node } from '../../workflows.mjs';
import { expectSuccess } from '../expect.mjs';
import {
	callAndWait,
	completeAll,
	publishWaiting,
	tasksOf,
	until,
	withPatientTasks,
} from './waiting.mjs';

/**
 * n8n has stored the videos as what goes into the node that paused: retried with the workflow as it is now, they come in as
 * if they were to be made into others.
 *
 * @param {import('../../world.mjs').World} world
 * @returns {import('../../report.mjs').Case}
 */
export const killedAfterCase = (world) => ({
	name: 'callback: n8n killed after the callback, and the execution retried with the present workflow',
	run: async (note) =>
		await withPatientTasks(world, async (stage) => {
			const workflow = await publishWaiting(stage, {
				then: [
					node(
						'Wait',
						'n8n-nodes-base.wait',
						1.1,
						{ amount: 15, unit: 'seconds' },
						{ webhookId: 'w' },
					),
				],
			});
			const execution = await callAndWait(stage, workflow, ['@Video1 at dawn']);
			await completeAll(stage);
			const statusOf = async () => (await world.session.execution(execution)).status;
			await until('the execution goes on', async () => (await statusOf()) === 'running');

			note('killing');
			await world.runner.kill();
			await world.restart();
			await until('n8n sees that it crashed', async () => (await statusOf()) === 'crashed');

			note('retrying');
			const { id } = await world.session.request('POST', `/executions/${execution}/retry`, {
				loadWorkflow: true,
			});
			const ended = await world.session.executionEnd(id, { timeoutMs: 60_000 });
			expectSuccess(ended);
			const [task, ...others] = await tasksOf(stage);
			assert.deepEqual(others, [], 'no video was made of a video');
			assert.deepEqual(
				itemsOf(ended, GENERATE).map(({ json }) => json.taskId),
				[task?.taskId],
			);
			assert.equal((await stage.state()).billed, 1, 'billed tasks');
			return 'the video was passed on, one task billed';
		}),
});
