import { itemsOf } from '../../../dev/server/session.mjs';
import { expectSuccess } from '../expect.mts';
import { expect, test } from '../fixtures.mts';
import { until } from '../pausing.mts';
import { PROVIDERS } from '../providers.mts';
import type { Stage } from '../stage.mts';
import { NEVER } from '../stage.mts';
import { checkVideos } from '../videos.mts';
import { call, GENERATE, publishBatch } from '../workflows.mts';

const ITEMS = 5;
const AT_A_TIME = 2;

/** Where an execution is when n8n is killed, and what holds it there. */
const KILLS = [
	{ status: 'waiting' },
	{ status: 'running', action: 'status', fault: { kind: 'hang' } },
	{ status: 'waiting' },
	{ status: 'running', action: 'status', fault: { kind: 'hang' } },
	{ status: 'waiting' },
];

// They end when the test says so: how many turns there are does not depend on how long n8n takes to start.
test.use({ taskSeconds: NEVER });

test(`${ITEMS} items, ${AT_A_TIME} at a time, come to ${ITEMS} tasks and ${ITEMS} videos though n8n is killed ${KILLS.length} times`, async ({
	stage,
	instance,
}) => {
	test.setTimeout(30 * 60_000);
	const { session } = instance;
	const { emulator } = stage;
	const prompts = Array.from({ length: ITEMS }, (_, n) => `@Video1, take ${n}`);
	const executions = await Promise.all(
		PROVIDERS.map(async ({ parameters }) => {
			const options = { maxConcurrentTasks: AT_A_TIME };
			const workflow = await publishBatch(stage, { parameters: { ...parameters, options } });
			return { provider: parameters.provider, id: await call(stage, workflow, prompts) };
		}),
	);
	const completeOpen = async () => {
		const open = (await emulator.tasks()).filter(({ completedAt }) => completedAt === null);
		await emulator.complete(...open.map(({ taskId }) => taskId));
	};
	const each = async (work: (execution: { provider: string; id: string }) => Promise<void>) =>
		void (await Promise.all(executions.map(work)));

	for (const { status, action, fault } of KILLS) {
		const hangs = await hangsOf(stage);
		await each(async ({ provider }) => {
			if (fault) await emulator.fault({ match: { action, provider }, times: -1, fault });
		});
		await each(async ({ provider, id }) => {
			await until(
				`an execution is "${status}"`,
				async () => {
					const isThere = (await session.execution(id)).status === status;
					const isHeld = !fault || (await hangsOf(stage))[provider] > hangs[provider];
					return isThere && isHeld;
				},
				300_000,
			);
		});
		await instance.runner.kill();
		await emulator.clearFaults();
		await instance.restart();
		if (status === 'running') await completeOpen();
		await each(async (execution) => {
			const isCrashed = async () => (await session.execution(execution.id)).status === 'crashed';
			if (status === 'running') await until('n8n sees that it crashed', isCrashed);
			// One that slept may have woken the moment before.
			if (await isCrashed()) execution.id = await session.retry(execution.id, true);
		});
	}

	await completeOpen();
	await each(async ({ provider, id }) => {
		const ended = await session.executionEnd(id);
		expectSuccess(ended);
		await checkVideos(stage, ended, { [GENERATE]: { binary: ITEMS, files: 0 } });
		const made = itemsOf(ended, GENERATE).map(({ json }) => json.taskId);
		const tasks = (await emulator.tasks()).filter((task) => task.provider === provider);
		expect(tasks.map(({ taskId }) => taskId)).toEqual(made);
	});
	expect((await emulator.state()).billed.total, 'billed tasks').toBe(ITEMS * PROVIDERS.length);
});

/** How many looks at tasks are without an answer, by provider. */
async function hangsOf({ emulator }: Stage): Promise<Record<string, number>> {
	const { requests } = await emulator.state();
	const hanging = requests.filter(
		({ action, ended }) => action === 'status' && ended !== 'answered',
	);
	return Object.fromEntries(
		PROVIDERS.map(({ parameters: { provider } }) => [
			provider,
			hanging.filter((request) => request.provider === provider).length,
		]),
	);
}
