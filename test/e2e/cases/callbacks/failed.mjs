// @ts-check
import assert from 'node:assert/strict';
import { itemsOf } from '../../../../dev/server/session.mjs';
import { checkVideos } from '../../videos.mjs';
import { GENERATE } from '../../workflows.mjs';
import { expectSuccess } from '../expect.mjs';
import {
	PROMPTS,
	callAndWait,
	completeAll,
	publishWaiting,
	tasksOf,
	withPatientTasks,
} from './waiting.mjs';

/** @typedef {import('./waiting.mjs').Task} Task */

const FAILED = /^Magnific could not make the video: .*Task /;

/** @param {import('../../stage.mjs').Stage} stage */
async function failTheSecond(stage) {
	const [first, second, third] = /** @type {[Task, Task, Task]} */ (await tasksOf(stage));
	await stage.emulator.ask(`/tasks/${second.taskId}/fail`, { method: 'POST', body: {} });
	await completeAll(stage, [first, third]);
	return { first, second, third };
}

/**
 * @param {import('../../world.mjs').World} world
 * @returns {import('../../report.mjs').Case[]}
 */
export const failedCases = (world) => [
	{
		name: 'callback: a failed task ends the execution',
		run: async () =>
			await withPatientTasks(world, async (stage) => {
				const execution = await callAndWait(stage, await publishWaiting(stage));
				const { first, second, third } = await failTheSecond(stage);
				const ended = await world.session.executionEnd(execution, { timeoutMs: 60_000 });

				assert.equal(ended.status, 'error');
				const { error, lastNodeExecuted } = ended.data.resultData;
				assert.match(error.message, FAILED);
				assert.ok(error.message.includes(second.taskId), 'the message names the failed task');
				assert.ok(error.stack?.includes(error.message), 'with its stack');
				assert.equal(error.name, 'NodeOperationError');
				assert.equal(lastNodeExecuted, GENERATE);
				assert.equal(error.node?.name, GENERATE, 'the editor marks the node');
				assert.equal(error.context?.itemIndex, 1, 'the editor marks the item');
				for (const { taskId } of [first, third]) {
					assert.ok(error.description.includes(taskId), 'what else was paid for is named');
				}
				assert.equal((await stage.state()).billed, PROMPTS.length, 'billed tasks');
				return `"${error.message}"`;
			}),
	},
	{
		name: 'callback: a failed task leaves by the error output',
		run: async () =>
			await withPatientTasks(world, async (stage) => {
				const workflow = await publishWaiting(stage, {
					settings: { onError: 'continueErrorOutput' },
				});
				const execution = await callAndWait(stage, workflow);
				const { first, second, third } = await failTheSecond(stage);
				const ended = await world.session.executionEnd(execution, { timeoutMs: 60_000 });
				expectSuccess(ended);

				const idsOf = (/** @type {number} */ output) =>
					itemsOf(ended, GENERATE, output).map(({ json }) => json.taskId ?? json.details?.taskId);
				assert.deepEqual([idsOf(0), idsOf(1)], [[first.taskId, third.taskId], [second.taskId]]);
				const [bad] = itemsOf(ended, GENERATE, 1);
				assert.match(bad?.json.error, FAILED);
				await checkVideos(stage, ended, { [GENERATE]: { binary: 2, files: 0 } });
				return `"${bad?.json.error}"; two videos on the other output`;
			}),
	},
];
