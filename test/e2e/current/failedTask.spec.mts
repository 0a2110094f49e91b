import type { EmulatedTask } from '../../../dev/emulator/client.mjs';
import { itemsOf } from '../../../dev/server/session.mjs';
import { expectSuccess } from '../expect.mts';
import { expect } from '../fixtures.mts';
import { callUntilAsleep, completeAll, PROMPTS, publishPausing } from '../pausing.mts';
import type { Stage } from '../stage.mts';
import { billedTasks, NEVER } from '../stage.mts';
import type { Scene } from '../together.mts';
import { together } from '../together.mts';
import { checkVideos } from '../videos.mts';
import { GENERATE } from '../workflows.mts';

const FAILED = /^Magnific could not make the video: .*Task /;

async function failTheSecond(stage: Stage) {
	const [first, second, third] = (await stage.emulator.tasks()) as [
		EmulatedTask,
		EmulatedTask,
		EmulatedTask,
	];
	await stage.emulator.fail(second.taskId);
	await completeAll(stage, [first, third]);
	return { first, second, third };
}

const endsTheExecution: Scene = async (stage) => {
	const { instance } = stage;
	const execution = await callUntilAsleep(stage, await publishPausing(stage));
	const { first, second, third } = await failTheSecond(stage);
	const ended = await instance.session.executionEnd(execution);

	expect(ended.status).toBe('error');
	const { error, lastNodeExecuted } = ended.data.resultData;
	expect(error.message).toMatch(FAILED);
	expect(error.message).toContain(second.taskId);
	expect(error.stack).toContain(error.message);
	expect(error.name).toBe('NodeOperationError');
	expect(lastNodeExecuted).toBe(GENERATE);
	expect(error.node?.name, 'the node that the editor marks').toBe(GENERATE);
	expect(error.context?.itemIndex, 'the item that the editor marks').toBe(1);
	for (const { taskId } of [first, third]) expect(error.description).toContain(taskId);
	expect(await billedTasks(stage), 'billed tasks').toBe(PROMPTS.length);
};

const leavesByTheErrorOutput: Scene = async (stage) => {
	const { instance } = stage;
	const workflow = await publishPausing(stage, { settings: { onError: 'continueErrorOutput' } });
	const execution = await callUntilAsleep(stage, workflow);
	const { first, second, third } = await failTheSecond(stage);
	const ended = await instance.session.executionEnd(execution);
	expectSuccess(ended);

	const idsOf = (output: number) =>
		itemsOf(ended, GENERATE, output).map(({ json }) => json.taskId ?? json.details?.taskId);
	expect([idsOf(0), idsOf(1)]).toEqual([[first.taskId, third.taskId], [second.taskId]]);
	expect(itemsOf(ended, GENERATE, 1)[0].json.error).toMatch(FAILED);
	await checkVideos(stage, ended, { [GENERATE]: { binary: 2, files: 0 } });
};

together(
	'A task that fails during Pause Until Callback',
	{
		'ends the execution with an error that names all paid tasks': endsTheExecution,
		'leaves by the error output, and the others by the first': leavesByTheErrorOutput,
	},
	{ taskSeconds: NEVER },
);
