// @ts-check
import assert from 'node:assert/strict';
import { GENERATE } from '../../workflows.mjs';
import { checkVideos } from '../../videos.mjs';
import { expectSuccess } from '../expect.mjs';
import {
	PROMPTS,
	callAndWait,
	completeAll,
	publishWaiting,
	receiptsOf,
	withPatientTasks,
} from './waiting.mjs';

/**
 * What waits for callbacks is in the database: n8n may be killed meanwhile.
 *
 * @param {import('../../world.mjs').World} world
 * @returns {import('../../report.mjs').Case}
 */
export const killedWhileWaitingCase = (world) => ({
	name: 'callback: n8n killed while three tasks wait',
	run: async (note) =>
		await withPatientTasks(world, async (stage) => {
			const execution = await callAndWait(stage, await publishWaiting(stage));

			note('killing');
			await world.runner.kill();
			await world.restart();
			note('restarted');

			await completeAll(stage);
			const ended = await world.session.executionEnd(execution, { timeoutMs: 60_000 });
			expectSuccess(ended);
			await checkVideos(stage, ended, { [GENERATE]: { binary: PROMPTS.length, files: 0 } });
			assert.equal((await stage.state()).billed, PROMPTS.length, 'billed tasks');
			const answers = (await receiptsOf(stage)).map(({ status }) => status);
			return `three videos, three tasks billed; the callbacks were answered ${answers.join(', ')}`;
		}),
});
