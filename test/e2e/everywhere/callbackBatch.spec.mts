import { itemsOf } from '../../../dev/server/session.mjs';
import { expectSuccess } from '../expect.mts';
import { expect, measured, test } from '../fixtures.mts';
import { callUntilAsleep, completeAll, PROMPTS, publishPausing } from '../pausing.mts';
import { billedTasks, NEVER } from '../stage.mts';
import { checkVideos } from '../videos.mts';
import { GENERATE } from '../workflows.mts';

test.use({ taskSeconds: NEVER });

for (const [how, mode] of [
	['come one after the other', 'normal'],
	['come twice each', 'duplicate'],
	['come at the same instant', 'burst'],
]) {
	test(`Pause Until Callback puts out three videos once when their callbacks ${how}`, async ({
		stage,
		instance,
	}) => {
		const { emulator } = stage;
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
		const { requests } = await emulator.state();
		measured(`${requests.filter(({ action }) => action === 'status').length} status requests`);
	});
}
