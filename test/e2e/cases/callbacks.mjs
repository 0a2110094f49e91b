// @ts-check
import assert from 'node:assert/strict';
import { itemsOf } from '../../../dev/server/session.mjs';
import { Stage } from '../stage.mjs';
import { checkVideos } from '../videos.mjs';
import { GENERATE, call, publishBatch } from '../workflows.mjs';
import { expectAsleep, expectSuccess } from './expect.mjs';

const PROMPTS = ['@Video1 at dawn', '@Video1 at noon', '@Video1 at night'];

/**
 * Starts a batch that pauses until it is called back.
 *
 * @param {Stage} stage whose tasks end only when they are told to
 * @returns {Promise<string>} the execution's id
 */
export async function pauseBatch(stage) {
	const workflow = await publishBatch(stage, { parameters: { completion: 'callback' } });
	const execution = await call(stage, workflow, PROMPTS);
	await expectAsleep(stage.world.session, execution);
	return execution;
}

/**
 * Ends all tasks, and holds what comes out of the paused batch against them.
 *
 * @param {Stage} stage
 * @param {string} execution
 */
export async function completeBatch(stage, execution) {
	const { tasks } = await stage.state();
	assert.equal(tasks.length, PROMPTS.length);
	for (const { taskId } of tasks) {
		await stage.emulator.ask(`/tasks/${taskId}/complete`, { method: 'POST', body: {} });
	}
	const ended = await stage.world.session.executionEnd(execution, { timeoutMs: 60_000 });
	expectSuccess(ended);
	await checkVideos(stage, ended, { [GENERATE]: { binary: PROMPTS.length, files: 0 } });
	const made = itemsOf(ended, GENERATE).map(({ json }) => json.taskId);
	assert.deepEqual(made.sort(), tasks.map(({ taskId }) => taskId).sort());
	assert.equal((await stage.state()).billed, PROMPTS.length, 'billed tasks');
}

/**
 * @param {import('../world.mjs').World} world
 * @returns {import('../report.mjs').Case[]}
 */
export const callbackCases = (world) =>
	/** @type {const} */ ([
		['one after the other', 'normal'],
		['each twice', 'duplicate'],
		['all at the same instant', 'burst'],
	]).map(([how, mode]) => ({
		name: `Pause Until Callback, 3 callbacks: ${how}`,
		run: async () =>
			await Stage.for(world, { taskSeconds: 600 }, async (stage) => {
				await stage.set({ callbacks: { mode, events: ['COMPLETED'] } });
				const execution = await pauseBatch(stage);
				await completeBatch(stage, execution);
				const { requests } = await stage.state();
				const asked = requests.filter(({ action }) => action === 'status').length;
				return `${PROMPTS.length} videos from one waiting execution, ${asked} status requests`;
			}),
	}));
