// @ts-check
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
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

const SECOND = 'Kling again';
const SLOW_MS = 8000;

/**
 * Two processes work on callbacks of one execution. One is quick, and the execution goes on until it waits again; the other
 * is slow, and what it then knows is out of date: it must not send the execution back, which would pay again.
 *
 * @param {import('../../worlds/queue.mjs').QueueWorld} world of two webhook processes
 * @returns {import('../../report.mjs').Case}
 */
export const staleCase = (world) => ({
	name: 'callback: one of two webhook processes is slow, and the execution waits again',
	run: async (note) =>
		await withPatientTasks(world, async (stage) => {
			await stage.set({ callbacks: { mode: 'drop' } });
			await stage.addFaults({
				match: { action: 'download', nth: 2 },
				fault: { kind: 'slow', ms: SLOW_MS },
			});
			const workflow = await publishWaiting(stage, {
				then: [
					node(
						SECOND,
						'n8n-nodes-kling-v2v.klingV2vGenerate',
						1,
						{
							prompt: '@Video1, once more',
							videoUrl: stage.videoUrl,
							completion: 'callback',
						},
						{ credentials: stage.credentials },
					),
				],
			});
			const execution = await callAndWait(stage, workflow, ['@Video1 at dawn']);
			const callBack = async (/** @type {import('./waiting.mjs').Task} */ task) =>
				await Promise.all(
					world.webhooks.map(async ({ port }) => {
						const to = new URL(/** @type {string} */ (task.body.webhook_url));
						to.port = String(port);
						return await stage.emulator.ask(`/tasks/${task.taskId}/callback`, {
							method: 'POST',
							body: { url: to.href },
						});
					}),
				);

			await completeAll(stage);
			await callBack(/** @type {any} */ ((await tasksOf(stage))[0]));
			note('the quick one continues');
			await until('the second node waits', async () => (await tasksOf(stage)).length === 2);
			await sleep(SLOW_MS + 4000);
			const { billed } = await stage.state();
			assert.equal(billed, 2, `billed tasks, ${billed - 2} of them by a process that was late`);

			await completeAll(stage);
			await callBack(/** @type {any} */ ((await tasksOf(stage))[1]));
			const ended = await world.session.executionEnd(execution, { timeoutMs: 60_000 });
			expectSuccess(ended);
			assert.equal(itemsOf(ended, GENERATE).length, 1);
			assert.equal(itemsOf(ended, SECOND).length, 1);
			return 'the late one changed nothing, two tasks billed';
		}),
});
