import fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { examples } from '../../../dev/server/examples.mjs';
import { importExample } from '../examples.mts';
import { expect, test } from '../fixtures.mts';
import { until } from '../pausing.mts';
import { NEVER } from '../stage.mts';

const WATCHED_MS = 10_000;

test.use({ taskSeconds: NEVER });

test('Stop during a wait ends the requests for the task, and the task ID is in the log of n8n', async ({
	stage,
	instance,
}) => {
	const { emulator } = stage;
	const looks = async () =>
		(await emulator.state()).requests.filter(({ action }) => action === 'status').length;
	// By its button: in queue mode, n8n 2.41 cannot stop what a webhook process has begun.
	const workflow = await importExample(stage, 'referenceVideoToFile');
	const execution = await instance.session.start(workflow, examples.referenceVideoToFile.trigger);
	await until('the wait has begun', async () => (await looks()) >= 2);

	await instance.session.stop(execution);
	const looksBefore = await looks();
	await sleep(WATCHED_MS);
	expect((await instance.session.execution(execution)).status).toBe('canceled');
	// One may have been under way.
	expect(await looks()).toBeLessThanOrEqual(looksBefore + 1);

	const { billed, tasks } = await emulator.state();
	expect(billed.total).toBe(1);
	expect(fs.readFileSync(instance.runner.log, 'utf8')).toContain(tasks[0].taskId);
});
