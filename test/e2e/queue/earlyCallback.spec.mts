import { setTimeout as sleep } from 'node:timers/promises';
import { expect, measured, test } from '../fixtures.mts';
import { publishPausing, until } from '../pausing.mts';
import { billedTasks, openStage } from '../stage.mts';
import { answersOf, countByStatus, startMany } from './load.mts';

/** Seconds from creation to the end, of tasks that call back once. */
const DURATIONS = [20, 5, 2, 1, 0.5, 0.2];
const EACH = 40;
/** Nobody's task is done so soon: what is lost there is only told. */
const REAL_SECONDS = 20;

/**
 * A callback that comes while n8n is about to store the execution is answered 409, and lost; with a single task, nothing
 * else brings that execution on before its deadline. Measured for tasks that take from a blink to nearly as long as the
 * quickest real ones.
 */
test(`No callback of a task of ${REAL_SECONDS} seconds comes too early for n8n`, async ({
	server,
	queue,
}, testInfo) => {
	test.setTimeout(60 * 60_000);
	for (const taskSeconds of DURATIONS) {
		const log = testInfo.outputPath(`emulator-${taskSeconds}.log`);
		await openStage(server, { taskSeconds, log }, async (stage) => {
			const { emulator } = stage;
			await emulator.set({ callbacks: { mode: 'normal', events: ['COMPLETED'] } });
			const workflow = await publishPausing(stage);
			await startMany(stage, workflow, EACH);
			await until(
				'the tasks are done',
				async () => {
					const tasks = await emulator.tasks();
					return tasks.length === EACH && tasks.every(({ callbacks }) => callbacks.length > 0);
				},
				600_000,
			);
			await sleep(5000);
			const { success = 0 } = await countByStatus(queue, workflow.id);
			const lost = EACH - success;
			measured(
				`${taskSeconds} s: ${lost} of ${EACH} lost ${JSON.stringify(await answersOf(stage))}`,
			);
			if (taskSeconds >= REAL_SECONDS) expect(lost).toBe(0);
			expect(await billedTasks(stage)).toBe(EACH);
		});
	}
});
