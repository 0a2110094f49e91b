// @ts-check
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { examples } from '../../../dev/server/examples.mjs';
import { Stage } from '../stage.mjs';
import { importExample } from './examples.mjs';

const SETTLES_WITHIN_MS = 1000;
const WATCHED_MS = 5000;

/**
 * A stopped execution leaves its paid task alone, and the task can be found again.
 *
 * @param {import('../world.mjs').World} world
 * @returns {import('../report.mjs').Case}
 */
export const stopCase = (world) => ({
	name: 'Stop during a wait',
	run: async () =>
		await Stage.for(world, { taskSeconds: 120 }, async (stage) => {
			const asked = async () =>
				(await stage.state()).requests.filter(({ action }) => action === 'status');
			// By its button: in queue mode, n8n 2.41 cannot stop what a webhook process has begun.
			const workflow = await importExample(stage, 'referenceVideoToFile');
			const execution = await world.session.start(workflow, examples.referenceVideoToFile.trigger);
			for (const deadline = Date.now() + 30_000; (await asked()).length < 2; await sleep(200)) {
				assert.ok(Date.now() < deadline, 'the wait began');
			}

			await world.session.stop(execution);
			const stoppedAt = Date.now();
			await sleep(WATCHED_MS);

			const { status } = await world.session.execution(execution);
			assert.equal(status, 'canceled');
			const lastAsked = Math.max(...(await asked()).map(({ at }) => at));
			assert.ok(
				lastAsked <= stoppedAt + SETTLES_WITHIN_MS,
				`the provider was still asked ${lastAsked - stoppedAt} ms after Stop`,
			);

			const { billed, tasks } = await stage.state();
			assert.equal(billed, 1);
			const { taskId } = /** @type {import('../stage.mjs').Task} */ (tasks[0]);
			const log = fs.readFileSync(world.runner.log, 'utf8');
			assert.ok(log.includes(taskId), `n8n's log names the billed task ${taskId}`);
			return `canceled, nothing asked in the ${WATCHED_MS / 1000} s after it, task ID in n8n's log`;
		}),
});
