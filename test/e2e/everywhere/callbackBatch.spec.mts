import { itemsOf } from '../../../dev/server/session.mjs';
import { expectSuccess } from '../expect.mts';
import { expect } from '../fixtures.mts';
import { callUntilAsleep, completeAll, PROMPTS, publishPausing } from '../pausing.mts';
import type { Scene } from '../together.mts';
import { together } from '../together.mts';
import { billedTasks, NEVER } from '../stage.mts';
import { checkVideos } from '../videos.mts';
import { GENERATE } from '../workflows.mts';

const withCallbacks =
	(mode: string): Scene =>
	async (stage) => {
		const { emulator, instance } = stage;
		await emulator.set({ callbacks: { mode, events: ['COMPLETED'] } });
		const execution = await callUntilAsleep(stage, await publishPausing(stage));
		const tasks = await emulator.tasks();
		expect(tasks).toHaveLength(PROMPTS.length);
		await completeAll(stage);

		const ended = await instance.session.executionEnd(execution);
		expectSuccess(ended);
		await checkVideos(stage, ended, { [GENERATE]: { binary: PROMPTS.length, files: 0 } });
		const made = itemsOf(ended, GENERATE).map(({ json }) => json.taskId);
		expect(made.sort()).toEqual(tasks.map(({ taskId }) => taskId).sort());
		expect(await billedTasks(stage), 'billed tasks').toBe(PROMPTS.length);
	};

together(
	'Pause Until Callback puts out three videos once',
	{
		'when their callbacks come one after the other': withCallbacks('normal'),
		'when their callbacks come twice each': withCallbacks('duplicate'),
		'when their callbacks come at the same instant': withCallbacks('burst'),
	},
	{ taskSeconds: NEVER },
);
