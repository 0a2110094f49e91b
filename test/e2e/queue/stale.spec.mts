import { setTimeout as sleep } from 'node:timers/promises';
import type { EmulatedTask } from '../../../dev/emulator/client.mjs';
import { itemsOf } from '../../../dev/server/session.mjs';
import { node } from '../../../dev/workflow.mjs';
import { expectSuccess } from '../expect.mts';
import { expect, test } from '../fixtures.mts';
import { callbackUrl, callUntilAsleep, completeAll, publishPausing, until } from '../pausing.mts';
import { billedTasks, NEVER } from '../stage.mts';
import { GENERATE, GENERATE_TYPE } from '../workflows.mts';

const SECOND = 'Kling again';
const SLOW_MS = 8000;

test.use({ taskSeconds: NEVER });

/**
 * Two processes work on callbacks of one execution. One is quick, and the execution goes on until it waits again; the other
 * is slow, and what it then knows is out of date: it must not send the execution back, which would pay again.
 */
test('A webhook process that is late does not send back an execution that waits again already', async ({
	stage,
	queue,
}) => {
	const { emulator, credentials } = stage;
	await emulator.set({ callbacks: { mode: 'drop' } });
	await emulator.fault({
		match: { action: 'download', nth: 2 },
		fault: { kind: 'slow', ms: SLOW_MS },
	});
	const second = node(
		SECOND,
		GENERATE_TYPE,
		{
			prompt: '@Video1, once more',
			videoUrl: emulator.referenceUrl,
			completion: 'callback',
		},
		{ credentials },
	);
	const workflow = await publishPausing(stage, { then: [second] });
	const execution = await callUntilAsleep(stage, workflow, ['@Video1 at dawn']);
	const callBack = async (task: EmulatedTask) =>
		await Promise.all(
			queue.webhooks.map(
				async ({ port }) => await emulator.callBack(task.taskId, { url: callbackUrl(task, port) }),
			),
		);

	await completeAll(stage);
	await callBack((await emulator.tasks())[0]);
	await until('the second node waits', async () => (await emulator.tasks()).length === 2);
	await sleep(SLOW_MS + 4000);
	expect(await billedTasks(stage), 'tasks billed, none by the process that was late').toBe(2);

	await completeAll(stage);
	await callBack((await emulator.tasks())[1]);
	const ended = await queue.session.executionEnd(execution);
	expectSuccess(ended);
	expect(itemsOf(ended, GENERATE)).toHaveLength(1);
	expect(itemsOf(ended, SECOND)).toHaveLength(1);
});
