// @ts-check
import assert from 'node:assert/strict';
import { checkVideos } from '../../videos.mjs';
import { GENERATE } from '../../workflows.mjs';
import { expectSuccess } from '../expect.mjs';
import {
	PROMPTS,
	callAndWait,
	completeAll,
	publishWaiting,
	tasksOf,
	until,
	withPatientTasks,
} from './waiting.mjs';

/**
 * The caller has its answer before the videos are fetched, and nothing else knows of its call: n8n dies, and the execution
 * has to be waiting still.
 *
 * @param {import('../../world.mjs').World} world
 * @returns {import('../../report.mjs').Case}
 */
export const killedDownloadCase = (world) => ({
	name: 'callback: n8n killed during the download',
	run: async (note) =>
		await withPatientTasks(world, async (stage) => {
			const execution = await callAndWait(stage, await publishWaiting(stage));
			await stage.addFaults({
				match: { action: 'download' },
				times: -1,
				fault: { kind: 'trickle', bytesPerSecond: 1000 },
			});
			await completeAll(stage);
			const downloads = async () =>
				(await stage.state()).requests.filter(({ action }) => action === 'download').length;
			await until('the downloads have begun', async () => (await downloads()) >= PROMPTS.length);

			note('killing');
			await world.runner.kill();
			await stage.emulator.ask('/faults', { method: 'DELETE' });
			await world.restart();
			const { status } = await world.session.execution(execution);
			assert.equal(status, 'waiting', 'nobody took it for crashed');

			note('restarted');
			const [task] = await tasksOf(stage);
			const receipt = await stage.emulator.ask(`/tasks/${task?.taskId}/callback`, {
				method: 'POST',
				body: {},
			});
			assert.equal(receipt.status, 200, receipt.answer ?? receipt.error);
			const ended = await world.session.executionEnd(execution, { timeoutMs: 60_000 });
			expectSuccess(ended);
			await checkVideos(stage, ended, { [GENERATE]: { binary: PROMPTS.length, files: 0 } });
			assert.equal((await stage.state()).billed, PROMPTS.length, 'billed tasks');
			return 'waiting after the restart; one more callback brought the three videos, three tasks billed';
		}),
});
