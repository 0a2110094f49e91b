import { expectAsleep, expectSuccess } from '../expect.mts';
import { expect, test } from '../fixtures.mts';
import {
	callUntilAsleep,
	completeAll,
	PROMPTS,
	publishPausing,
	reasonOf,
	until,
} from '../pausing.mts';
import type { Stage } from '../stage.mts';
import { billedTasks, NEVER } from '../stage.mts';
import { checkVideos } from '../videos.mts';
import { call, GENERATE, publishBatch } from '../workflows.mts';

const ALL = { [GENERATE]: { binary: PROMPTS.length, files: 0 } };

for (const { loadWorkflow, version } of [
	{ loadWorkflow: false, version: 'the original workflow' },
	{ loadWorkflow: true, version: 'the present workflow' },
]) {
	/** @returns the new execution's id; n8n answers once it has ended or waits */
	const retry = async ({ instance }: Stage, id: string): Promise<string> =>
		(await instance.session.request('POST', `/executions/${id}/retry`, { loadWorkflow })).id;

	test(`"Retry execution" with ${version} waits for the tasks of a wait that failed, and pays nothing more`, async ({
		stage,
		instance: { session },
	}) => {
		const { emulator } = stage;
		await emulator.fault({
			match: { action: 'status' },
			times: -1,
			fault: { kind: 'status', status: 401, body: { message: 'Not today' } },
		});
		const failed = await session.executionEnd(
			await call(stage, await publishBatch(stage), PROMPTS),
		);
		expect(failed.status).toBe('error');
		expect(reasonOf(failed)).toContain('401');
		expect(await billedTasks(stage), 'tasks billed before').toBe(3);
		await emulator.clearFaults();

		const ended = await session.executionEnd(await retry(stage, failed.id));
		expectSuccess(ended);
		await checkVideos(stage, ended, ALL);
		expect(await billedTasks(stage), 'billed tasks').toBe(3);
	});

	test.describe(() => {
		test.use({ taskSeconds: NEVER });

		test(`"Retry execution" with ${version} of a callback batch with a refused item makes only the missing task`, async ({
			stage,
			instance: { session },
		}) => {
			const { emulator } = stage;
			await emulator.fault({
				match: { action: 'create', nth: 3 },
				fault: { kind: 'status', status: 400, body: { message: 'Not this time' } },
			});
			const failed = await session.executionEnd(
				await call(stage, await publishPausing(stage), PROMPTS),
			);
			expect(failed.status).toBe('error');
			expect(reasonOf(failed)).toContain('Not this time');
			expect(await billedTasks(stage), 'tasks billed before').toBe(2);

			// The callbacks of the first two go where they were made, to an execution that is over: the node asks for these
			// itself, and n8n answers once it has done with them.
			const retried = retry(stage, failed.id);
			await until('the third is made', async () => (await emulator.tasks()).length === 3);
			const [third, ...others] = (await emulator.tasks()).reverse();
			await completeAll(stage, others);
			const execution = await retried;
			await expectAsleep(session, execution);
			await completeAll(stage, [third]);
			const ended = await session.executionEnd(execution);
			expectSuccess(ended);
			await checkVideos(stage, ended, ALL);
			expect(await billedTasks(stage), 'billed tasks').toBe(3);
		});

		test(`"Retry execution" with ${version} of a callback batch with a failed task makes only that one anew`, async ({
			stage,
			instance: { session },
		}) => {
			const { emulator } = stage;
			const first = await callUntilAsleep(stage, await publishPausing(stage));
			const [failing, ...good] = await emulator.tasks();
			await emulator.fail(failing.taskId);
			await completeAll(stage, good);
			const failed = await session.executionEnd(first);
			expect(failed.status).toBe('error');

			const execution = await retry(stage, failed.id);
			await expectAsleep(session, execution);
			await completeAll(stage);
			const ended = await session.executionEnd(execution);
			expectSuccess(ended);
			await checkVideos(stage, ended, ALL);
			expect(await billedTasks(stage), 'billed tasks').toBe(PROMPTS.length + 1);
			expect(await emulator.tasks()).toHaveLength(PROMPTS.length + 1);
		});
	});
}
