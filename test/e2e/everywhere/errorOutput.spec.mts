import { itemsOf } from '../../../dev/server/session.mjs';
import { expectSuccess } from '../expect.mts';
import { expect, test } from '../fixtures.mts';
import { AWAKE, call, GENERATE, publishBatch } from '../workflows.mts';

test('an item that fails leaves by the error output with its task ID, and the others go on', async ({
	stage,
	instance,
}) => {
	const { emulator } = stage;
	await emulator.set({ failTasks: { nth: 2 } });
	const workflow = await publishBatch(stage, {
		parameters: AWAKE,
		settings: { onError: 'continueErrorOutput' },
	});
	const execution = await instance.session.executionEnd(
		await call(stage, workflow, ['@Video1 at dawn', '@Video1 at night']),
	);
	expectSuccess(execution);

	const [good, bad] = [itemsOf(execution, GENERATE, 0), itemsOf(execution, GENERATE, 1)];
	expect([good.length, bad.length], 'items on the two outputs').toEqual([1, 1]);
	const failed = (await emulator.tasks()).find(({ taskId }) => taskId !== good[0].json.taskId);
	expect(bad[0].json.details?.taskId).toBe(failed?.taskId);
	expect(bad[0].json.error).toMatch(/could not make the video/);
});
