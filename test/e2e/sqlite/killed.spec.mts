import { itemsOf } from '../../../dev/server/session.mjs';
import { node } from '../../../dev/workflow.mjs';
import { expectSuccess } from '../expect.mts';
import { expect, test } from '../fixtures.mts';
import { callUntilAsleep, completeAll, PROMPTS, publishPausing, until } from '../pausing.mts';
import { billedTasks, NEVER } from '../stage.mts';
import { checkVideos } from '../videos.mts';
import { GENERATE } from '../workflows.mts';

test.use({ taskSeconds: NEVER });

test('An execution that waits for callbacks when n8n is killed puts out its three videos afterwards', async ({
	stage,
	instance,
}) => {
	const execution = await callUntilAsleep(stage, await publishPausing(stage));

	await test.step('n8n is killed and started again', async () => {
		await instance.runner.kill();
		await instance.restart();
	});

	await completeAll(stage);
	const ended = await instance.session.executionEnd(execution);
	expectSuccess(ended);
	await checkVideos(stage, ended, { [GENERATE]: { binary: PROMPTS.length, files: 0 } });
	expect(await billedTasks(stage), 'billed tasks').toBe(PROMPTS.length);
});

/** The caller has its answer before the videos are fetched, and nothing else knows of its call. */
test('An execution whose n8n is killed during the download still waits, and one more callback brings the videos', async ({
	stage,
	instance,
}) => {
	const { emulator } = stage;
	const execution = await callUntilAsleep(stage, await publishPausing(stage));
	await emulator.fault({
		match: { action: 'download' },
		times: -1,
		fault: { kind: 'trickle', bytesPerSecond: 1000 },
	});
	await completeAll(stage);
	await until('the downloads have begun', async () => {
		const { requests } = await emulator.state();
		return requests.filter(({ action }) => action === 'download').length >= PROMPTS.length;
	});

	await test.step('n8n is killed and started again', async () => {
		await instance.runner.kill();
		await emulator.clearFaults();
		await instance.restart();
	});
	expect((await instance.session.execution(execution)).status).toBe('waiting');

	const [{ taskId }] = await emulator.tasks();
	const receipt = await emulator.callBack(taskId);
	expect(receipt.status, receipt.answer ?? receipt.error).toBe(200);
	const ended = await instance.session.executionEnd(execution);
	expectSuccess(ended);
	await checkVideos(stage, ended, { [GENERATE]: { binary: PROMPTS.length, files: 0 } });
	expect(await billedTasks(stage), 'billed tasks').toBe(PROMPTS.length);
});

/** n8n has stored the videos as input of the node that paused: retried with the workflow as it is now, they come in again. */
test('An execution whose n8n is killed after the callback makes no video of a video when it is retried', async ({
	stage,
	instance,
}) => {
	const { session } = instance;
	const workflow = await publishPausing(stage, {
		then: [
			node('Wait', 'wait', { amount: 30, unit: 'seconds' }, { typeVersion: 1.1, webhookId: 'w' }),
		],
	});
	const execution = await callUntilAsleep(stage, workflow, ['@Video1 at dawn']);
	await completeAll(stage);
	const statusOf = async () => (await session.execution(execution)).status;
	await until('the execution goes on', async () => (await statusOf()) === 'running');

	await test.step('n8n is killed and started again', async () => {
		await instance.runner.kill();
		await instance.restart();
	});
	await until('n8n sees that it crashed', async () => (await statusOf()) === 'crashed');

	const { id } = await session.request('POST', `/executions/${execution}/retry`, {
		loadWorkflow: true,
	});
	const ended = await session.executionEnd(id);
	expectSuccess(ended);
	const tasks = await stage.emulator.tasks();
	expect(tasks, 'no video was made of a video').toHaveLength(1);
	expect(itemsOf(ended, GENERATE).map(({ json }) => json.taskId)).toEqual([tasks[0].taskId]);
	expect(await billedTasks(stage), 'billed tasks').toBe(1);
});
