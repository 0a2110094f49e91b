import { expectAsleep, expectSuccess } from '../expect.mts';
import { expect } from '../fixtures.mts';
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
import type { Scenes } from '../together.mts';
import { together } from '../together.mts';
import { checkVideos } from '../videos.mts';
import { AWAKE, call, GENERATE, publishBatch } from '../workflows.mts';

const ALL = { [GENERATE]: { binary: PROMPTS.length, files: 0 } };

/** With the original workflow, or with the present one. */
type RetryScene = (stage: Stage, loadWorkflow: boolean) => Promise<void>;

const waitThatFailed: RetryScene = async (stage, loadWorkflow) => {
	const { emulator, instance } = stage;
	const id = await call(stage, await publishBatch(stage, { parameters: AWAKE }), PROMPTS);
	await until('all tasks are made', async () => (await billedTasks(stage)) === 3);
	await emulator.fault({
		match: { action: 'status' },
		times: -1,
		fault: { kind: 'status', status: 401, body: { message: 'Not today' } },
	});
	const failed = await instance.session.executionEnd(id);
	expect(failed.status).toBe('error');
	expect(reasonOf(failed)).toContain('401');
	await emulator.clearFaults();
	await completeAll(stage);

	const ended = await instance.session.executionEnd(
		await instance.session.retry(failed.id, loadWorkflow),
	);
	expectSuccess(ended);
	await checkVideos(stage, ended, ALL);
	expect(await billedTasks(stage), 'billed tasks').toBe(3);
};

const refusedItem: RetryScene = async (stage, loadWorkflow) => {
	const { emulator, instance } = stage;
	await emulator.fault({
		match: { action: 'create', nth: 3 },
		fault: { kind: 'status', status: 400, body: { message: 'Not this time' } },
	});
	const failed = await instance.session.executionEnd(
		await call(stage, await publishPausing(stage), PROMPTS),
	);
	expect(failed.status).toBe('error');
	expect(reasonOf(failed)).toContain('Not this time');
	expect(await billedTasks(stage), 'tasks billed before').toBe(2);

	// The callbacks of the first two go where they were made, to an execution that is over.
	const retried = instance.session.retry(failed.id, loadWorkflow);
	await until('the third is made', async () => (await emulator.tasks()).length === 3);
	await completeAll(stage);
	const ended = await instance.session.executionEnd(await retried);
	expectSuccess(ended);
	await checkVideos(stage, ended, ALL);
	expect(await billedTasks(stage), 'billed tasks').toBe(3);
};

const failedTask: RetryScene = async (stage, loadWorkflow) => {
	const { emulator, instance } = stage;
	const first = await callUntilAsleep(stage, await publishPausing(stage));
	const [failing, ...good] = await emulator.tasks();
	await emulator.fail(failing.taskId);
	await completeAll(stage, good);
	const failed = await instance.session.executionEnd(first);
	expect(failed.status).toBe('error');

	const execution = await instance.session.retry(failed.id, loadWorkflow);
	await expectAsleep(instance.session, execution);
	await completeAll(stage);
	const ended = await instance.session.executionEnd(execution);
	expectSuccess(ended);
	await checkVideos(stage, ended, ALL);
	expect(await billedTasks(stage), 'billed tasks').toBe(PROMPTS.length + 1);
	expect(await emulator.tasks()).toHaveLength(PROMPTS.length + 1);
};

const scenes: Scenes = {};
for (const [version, loadWorkflow] of [
	['the original workflow', false],
	['the present workflow', true],
] as const) {
	for (const [what, scene] of Object.entries({
		'waits for the tasks of a wait that failed, and pays nothing more': waitThatFailed,
		'of a callback batch with a refused item makes only the missing task': refusedItem,
		'of a callback batch with a failed task makes only that one anew': failedTask,
	})) {
		scenes[`with ${version} ${what}`] = async (stage) => await scene(stage, loadWorkflow);
	}
}

together('"Retry execution"', scenes, { taskSeconds: NEVER });
