import { itemsOf } from '../../../dev/server/session.mjs';
import { node } from '../../../dev/workflow.mjs';
import { expectSuccess } from '../expect.mts';
import { expect, measured, test } from '../fixtures.mts';
import { callUntilAsleep, completeAll, PROMPTS, publishPausing, receiptsOf } from '../pausing.mts';
import { billedTasks, NEVER } from '../stage.mts';
import { checkVideos } from '../videos.mts';
import { GENERATE, STATUS, STATUS_TYPE } from '../workflows.mts';

/** n8n looks for executions to wake once a minute, for those that are due within 70 s: from there on it is in time. */
const WAIT_LIMIT_MINUTES = 1.2;
const IN_TIME_MS = 10_000;

test.use({ taskSeconds: NEVER });

test('Pause Until Callback puts out the task IDs at its deadline when all callbacks are lost', async ({
	stage,
	instance: { session },
}) => {
	const { emulator, credentials } = stage;
	await emulator.set({ callbacks: { mode: 'drop' } });
	const workflow = await publishPausing(stage, {
		parameters: { options: { waitLimit: WAIT_LIMIT_MINUTES } },
		then: [
			node(
				STATUS,
				STATUS_TYPE,
				{ operation: 'wait', provider: 'magnific', options: { pollInterval: 1 } },
				{ credentials },
			),
		],
	});
	const execution = await callUntilAsleep(stage, workflow);
	const due = Date.parse(String((await session.execution(execution)).waitTill));
	await completeAll(stage);

	const ended = await session.executionEnd(execution);
	expectSuccess(ended);
	const late = itemsOf(ended, GENERATE).map(({ json }) => json);
	expect(late.map(({ taskId }) => taskId)).toEqual(
		(await emulator.tasks()).map(({ taskId }) => taskId),
	);
	for (const { timedOut, status, error } of late) {
		expect({ timedOut, status, error }).toEqual({
			timedOut: true,
			status: 'pending',
			error: undefined,
		});
	}
	await checkVideos(stage, ended, { [STATUS]: { binary: PROMPTS.length, files: 0 } });
	expect((await receiptsOf(stage)).every(({ dropped }) => dropped)).toBe(true);
	expect(await billedTasks(stage), 'billed tasks').toBe(PROMPTS.length);

	const woken = ended.data.resultData.runData[STATUS][0].startTime;
	measured(`out ${((woken - due) / 1000).toFixed(1)} s after the deadline`);
	expect(Math.abs(woken - due), 'milliseconds after the deadline').toBeLessThan(IN_TIME_MS);
});
