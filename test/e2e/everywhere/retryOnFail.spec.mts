import { itemsOf } from '../../../dev/server/session.mjs';
import { expectSuccess } from '../expect.mts';
import { expect, test } from '../fixtures.mts';
import type { Stage } from '../stage.mts';
import { checkVideos } from '../videos.mts';
import { AWAKE, call, GENERATE, publishBatch } from '../workflows.mts';

const PROMPTS = ['@Video1 at dawn', '@Video1 at noon', '@Video1 at night'];

const settings = { retryOnFail: true, maxTries: 3, waitBetweenTries: 500 };

/** The second item is refused, which ends the first try while the first item's task is paid. */
const REFUSED = {
	match: { action: 'create', nth: 2 },
	fault: { kind: 'status', status: 400, body: { message: 'Not this time' } },
};

/** Of the second try: the answer about the last item is lost, though its task is made and billed. */
const LOST = { match: { action: 'create', nth: 4 }, fault: { kind: 'reset', makeTask: true } };

/** n8n's Retry On Fail runs the node again for all items, also for those that are paid. */
async function runBatch(stage: Stage) {
	const execution = await call(
		stage,
		await publishBatch(stage, { parameters: AWAKE, settings }),
		PROMPTS,
	);
	return await stage.instance.session.executionEnd(execution);
}

async function expectOneTaskPerItem({ emulator }: Stage): Promise<void> {
	const { billed, requests } = await emulator.state();
	const asked = requests.filter(({ action }) => action === 'create').length;
	expect(asked, 'requests to create, with those of a further try').toBeGreaterThan(PROMPTS.length);
	expect(billed.total, 'billed tasks').toBe(PROMPTS.length);
}

test('Retry On Fail makes one task for each item when an item is refused at first', async ({
	stage,
}) => {
	await stage.emulator.fault(REFUSED);
	const execution = await runBatch(stage);
	expectSuccess(execution);
	await checkVideos(stage, execution, { [GENERATE]: { binary: PROMPTS.length, files: 0 } });
	const tasks = new Set(itemsOf(execution, GENERATE).map(({ json }) => json.taskId));
	expect(tasks.size, 'different tasks').toBe(PROMPTS.length);
	await expectOneTaskPerItem(stage);
});

test('Retry On Fail makes no task twice when the answer to a creation is lost, and the error names every task', async ({
	stage,
}) => {
	await stage.emulator.fault(REFUSED, LOST);
	const { status, data } = await runBatch(stage);
	// Whether it is paid cannot be known, so a person has to decide: the error names what to look for.
	expect(status).toBe('error');
	const { message, description } = data.resultData.error;
	for (const { taskId } of await stage.emulator.tasks()) {
		expect(`${message} ${description}`).toContain(taskId);
	}
	await expectOneTaskPerItem(stage);
});
