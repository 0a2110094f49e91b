import { examples } from '../../../dev/server/examples.mjs';
import { importExample } from '../examples.mts';
import { expectAsleep, expectSuccess } from '../expect.mts';
import { expect, test } from '../fixtures.mts';
import { callUntilAsleep, completeAll, PROMPTS, publishPausing } from '../pausing.mts';
import { billedTasks, NEVER, openStage } from '../stage.mts';
import { checkVideos } from '../videos.mts';
import { GENERATE } from '../workflows.mts';

/** Nothing is to be due before all processes run again: n8n takes what wakes without a worker, or while it starts, for crashed. */
const WAIT_SECONDS = 300;
const CALLED_BEFORE = { options: { pollInterval: 900 } };

test.use({ taskSeconds: 5 });

test('Executions that sleep when n8n restarts, one by the clock and one for callbacks, go on by themselves', async ({
	stage: byClock,
	server,
}, testInfo) => {
	test.setTimeout(20 * 60_000);
	const { instance } = server;
	const { session } = instance;
	const log = testInfo.outputPath('callbacks.log');
	await openStage(server, { taskSeconds: NEVER, log }, async (byCallback) => {
		const started = await session.start(
			await importExample(byClock, 'submitWaitStatusLoop', { waitSeconds: WAIT_SECONDS }),
			examples.submitWaitStatusLoop.trigger,
		);
		await expectAsleep(session, started);
		const paused = await callUntilAsleep(
			byCallback,
			await publishPausing(byCallback, { parameters: CALLED_BEFORE }),
		);

		await test.step('n8n restarts', instance.restart);

		await completeAll(byCallback);
		const resumed = await session.executionEnd(paused);
		expectSuccess(resumed);
		await checkVideos(byCallback, resumed, { [GENERATE]: { binary: PROMPTS.length, files: 0 } });
		expect(await billedTasks(byCallback), 'billed tasks').toBe(PROMPTS.length);

		const execution = await session.executionEnd(started, { timeoutMs: 600_000 });
		expectSuccess(execution);
		await checkVideos(byClock, execution, { 'Save the Video': { binary: 1, files: 1 } });
		expect(await billedTasks(byClock), 'billed tasks: the one that was there').toBe(1);
	});
});
