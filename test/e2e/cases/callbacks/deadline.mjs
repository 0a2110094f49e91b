// @ts-check
import assert from 'node:assert/strict';
import { itemsOf } from '../../../../dev/server/session.mjs';
import { checkVideos } from '../../videos.mjs';
import { GENERATE, node } from '../../workflows.mjs';
import { expectSuccess } from '../expect.mjs';
import {
	PROMPTS,
	callAndWait,
	completeAll,
	publishWaiting,
	receiptsOf,
	tasksOf,
	withPatientTasks,
} from './waiting.mjs';

const STATUS = 'Kling Task Status';

/** n8n looks for executions to wake once a minute, for those that are due within 70 s: from there on it is in time. */
const WAIT_LIMIT_MINUTES = 1.2;
const IN_TIME_MS = 10_000;

/**
 * All callbacks are lost: at the deadline the items come out all the same, with what the next node needs.
 *
 * @param {import('../../world.mjs').World} world
 * @returns {import('../../report.mjs').Case}
 */
export const deadlineCase = (world) => ({
	name: 'callback: the deadline, with all callbacks lost',
	run: async (note) =>
		await withPatientTasks(world, async (stage) => {
			await stage.set({ callbacks: { mode: 'drop' } });
			const workflow = await publishWaiting(stage, {
				parameters: { options: { waitLimit: WAIT_LIMIT_MINUTES } },
				then: [
					node(
						STATUS,
						'n8n-nodes-kling-v2v.klingTaskStatus',
						1,
						{ operation: 'wait', provider: 'magnific', options: { pollInterval: 1 } },
						{ credentials: stage.credentials },
					),
				],
			});
			const execution = await callAndWait(stage, workflow);
			const { waitTill } = await world.session.execution(execution);
			const due = Date.parse(/** @type {string} */ (waitTill));
			await completeAll(stage);

			note('waiting for the deadline');
			const ended = await world.session.executionEnd(execution, { timeoutMs: 180_000 });
			expectSuccess(ended);
			const late = itemsOf(ended, GENERATE).map(({ json }) => json);
			assert.deepEqual(
				late.map(({ taskId }) => taskId),
				(await tasksOf(stage)).map(({ taskId }) => taskId),
			);
			for (const { timedOut, status, error } of late) {
				assert.deepEqual(
					{ timedOut, status, error },
					{ timedOut: true, status: 'pending', error: undefined },
				);
			}
			await checkVideos(stage, ended, { [STATUS]: { binary: PROMPTS.length, files: 0 } });
			assert.ok((await receiptsOf(stage)).every(({ dropped }) => dropped));
			assert.equal((await stage.state()).billed, PROMPTS.length, 'billed tasks');

			const woken = ended.data.resultData.runData[STATUS]?.[0]?.startTime ?? NaN;
			assert.ok(
				Math.abs(woken - due) < IN_TIME_MS,
				`it came out ${woken - due} ms after the deadline`,
			);
			return `out ${((woken - due) / 1000).toFixed(1)} s after the deadline, timedOut, with task IDs; ${STATUS} brought the three videos`;
		}),
});
