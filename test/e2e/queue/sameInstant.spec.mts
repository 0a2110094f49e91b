import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { node } from '../../../dev/workflow.mjs';
import { expectSuccess } from '../expect.mts';
import { expect, measured, test } from '../fixtures.mts';
import { callbackUrl, callUntilAsleep, completeAll, publishPausing } from '../pausing.mts';
import { billedTasks, NEVER } from '../stage.mts';
import { checkVideos } from '../videos.mts';
import { GENERATE } from '../workflows.mts';

const CALLBACKS = 20;
const ROUNDS = 5;

/** Long enough for a second continuation to show. */
const SETTLES_MS = 3000;

test.use({ taskSeconds: NEVER });

/** Counts the requests to its address. */
async function withCounter(work: (url: string, count: () => number) => Promise<void>) {
	let count = 0;
	const server = http.createServer((_, response) => {
		count++;
		response.end('{}');
	});
	await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
	try {
		const { port } = server.address() as AddressInfo;
		await work(`http://127.0.0.1:${port}/`, () => count);
	} finally {
		server.closeAllConnections();
		server.close();
	}
}

test(`${CALLBACKS} callbacks in the same instant, at two webhook processes, continue the execution once`, async ({
	stage,
	queue,
}) => {
	const { emulator } = stage;
	const prompts = Array.from({ length: CALLBACKS }, (_, n) => `@Video1, take ${n}`);
	const answers: Record<string, number> = {};
	await emulator.set({ callbacks: { mode: 'drop' } });
	await withCounter(async (url, count) => {
		for (let round = 1; round <= ROUNDS; round++) {
			const countOnce = node(
				'Count',
				'httpRequest',
				{ method: 'POST', url },
				{ typeVersion: 4.2, executeOnce: true },
			);
			const workflow = await publishPausing(stage, { then: [countOnce] });
			const known = new Set((await emulator.tasks()).map(({ taskId }) => taskId));
			const execution = await callUntilAsleep(stage, workflow, prompts);
			const tasks = (await emulator.tasks()).filter(({ taskId }) => !known.has(taskId));
			await completeAll(stage, tasks);

			const receipts = await Promise.all(
				tasks.map(async (task, n) => {
					const { port } = queue.webhooks[n % queue.webhooks.length];
					return await emulator.callBack(task.taskId, { url: callbackUrl(task, port) });
				}),
			);
			for (const { status, error } of receipts) {
				const answer = String(status ?? error);
				answers[answer] = (answers[answer] ?? 0) + 1;
			}
			const ended = await queue.session.executionEnd(execution);
			await sleep(SETTLES_MS);
			expectSuccess(ended);
			expect(count(), 'runs of the node that follows').toBe(round);
			expect(await queue.session.executionsOf(workflow.id)).toHaveLength(1);
			await checkVideos(stage, ended, { [GENERATE]: { binary: CALLBACKS, files: 0 } });
		}
	});
	expect(await billedTasks(stage), 'billed tasks').toBe(CALLBACKS * ROUNDS);
	const { requests } = await emulator.state();
	const perRound = (action: string) =>
		Math.round(requests.filter((request) => request.action === action).length / ROUNDS);
	measured(
		`answers ${JSON.stringify(answers)}; a round took ${perRound('status')} status requests and ${perRound('download')} downloads`,
	);
});
