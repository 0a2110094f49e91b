// @ts-check
import assert from 'node:assert/strict';
import { Stage } from '../../stage.mjs';
import { checkVideos } from '../../videos.mjs';
import { GENERATE, call, publishBatch } from '../../workflows.mjs';
import { expectSuccess } from '../expect.mjs';
import {
	PROMPTS,
	callAndWait,
	completeAll,
	publishWaiting,
	reasonOf,
	tasksOf,
	until,
	untilWaiting,
	withPatientTasks,
} from './waiting.mjs';

/**
 * @typedef {import('../../world.mjs').World} World
 * @typedef {import('../../report.mjs').Case} Case
 * @typedef {import('./waiting.mjs').Task} Task
 */

/**
 * "Retry execution", with the workflow as it was or as it is now.
 *
 * @param {World} world
 * @param {string} id of a failed execution
 * @param {boolean} loadWorkflow
 * @returns {Promise<string>} the new execution's id; n8n answers once it has ended or waits
 */
async function retry({ session }, id, loadWorkflow) {
	return (await session.request('POST', `/executions/${id}/retry`, { loadWorkflow })).id;
}

const VERSIONS = [
	{ loadWorkflow: false, version: 'the original workflow' },
	{ loadWorkflow: true, version: 'the present workflow' },
];

/**
 * The tasks of a failed execution are paid; whoever retries it is not to pay for them again.
 *
 * @param {World} world
 * @returns {Case[]}
 */
export const retryCases = (world) =>
	VERSIONS.flatMap(({ loadWorkflow, version }) => [
		{
			name: `retry with ${version}: the tasks of a wait that failed`,
			run: async () =>
				await Stage.for(world, {}, async (stage) => {
					await stage.addFaults({
						match: { action: 'status' },
						times: -1,
						fault: { kind: 'status', status: 401, body: { message: 'Not today' } },
					});
					const failed = await world.session.executionEnd(
						await call(stage, await publishBatch(stage, {}), PROMPTS),
						{ timeoutMs: 60_000 },
					);
					assert.equal(failed.status, 'error');
					assert.match(reasonOf(failed) ?? '', /401/);
					const before = (await stage.state()).billed;
					await stage.emulator.ask('/faults', { method: 'DELETE' });

					const ended = await world.session.executionEnd(
						await retry(world, failed.id, loadWorkflow),
						{ timeoutMs: 60_000 },
					);
					expectSuccess(ended);
					await checkVideos(stage, ended, { [GENERATE]: { binary: PROMPTS.length, files: 0 } });
					assert.deepEqual([before, (await stage.state()).billed], [3, 3], 'billed tasks');
					return 'three videos, no further task billed';
				}),
		},
		{
			name: `retry with ${version}: a callback batch with a refused item`,
			run: async () =>
				await withPatientTasks(world, async (stage) => {
					await stage.addFaults({
						match: { action: 'create', nth: 3 },
						fault: { kind: 'status', status: 400, body: { message: 'Not this time' } },
					});
					const failed = await world.session.executionEnd(
						await call(stage, await publishWaiting(stage), PROMPTS),
						{ timeoutMs: 60_000 },
					);
					assert.equal(failed.status, 'error');
					assert.match(reasonOf(failed) ?? '', /Not this time/);
					const before = (await stage.state()).billed;

					// The callbacks of the first two go where they were made, to an execution that is over: the node asks for these
					// itself, and n8n answers once it has done with them.
					const retried = retry(world, failed.id, loadWorkflow);
					await until('the third is made', async () => (await tasksOf(stage)).length === 3);
					const [third, ...others] = (await tasksOf(stage)).reverse();
					await completeAll(stage, others);
					const execution = await retried;
					await untilWaiting(world, execution);
					await completeAll(stage, [/** @type {Task} */ (third)]);
					const ended = await world.session.executionEnd(execution, { timeoutMs: 60_000 });
					expectSuccess(ended);
					await checkVideos(stage, ended, { [GENERATE]: { binary: PROMPTS.length, files: 0 } });
					assert.deepEqual([before, (await stage.state()).billed], [2, 3], 'billed tasks');
					return 'two tasks taken up, one made';
				}),
		},
		{
			name: `retry with ${version}: a callback batch with a failed task`,
			run: async () =>
				await withPatientTasks(world, async (stage) => {
					const first = await callAndWait(stage, await publishWaiting(stage));
					const [failing, ...good] = await tasksOf(stage);
					await stage.emulator.ask(`/tasks/${failing?.taskId}/fail`, { method: 'POST', body: {} });
					await completeAll(stage, good);
					const failed = await world.session.executionEnd(first, { timeoutMs: 60_000 });
					assert.equal(failed.status, 'error');

					const execution = await retry(world, failed.id, loadWorkflow);
					await untilWaiting(world, execution);
					await completeAll(stage);
					const ended = await world.session.executionEnd(execution, { timeoutMs: 60_000 });
					expectSuccess(ended);
					await checkVideos(stage, ended, { [GENERATE]: { binary: PROMPTS.length, files: 0 } });
					const { billed, tasks } = await stage.state();
					assert.equal(billed, PROMPTS.length + 1, 'one more task billed, for the one that failed');
					assert.equal(tasks.length, billed);
					return 'two tasks taken up, one made anew';
				}),
		},
	]);
