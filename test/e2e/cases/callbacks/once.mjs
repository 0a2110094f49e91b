// @ts-check
import assert from 'node:assert/strict';
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkVideos } from '../../videos.mjs';
import { GENERATE, node } from '../../workflows.mjs';
import { expectSuccess } from '../expect.mjs';
import { callAndWait, completeAll, publishWaiting, tasksOf, withPatientTasks } from './waiting.mjs';

const CALLBACKS = 20;
const ROUNDS = 5;

/** Long enough for a second continuation to show. */
const SETTLES_MS = 3000;

/** Counts who comes by. @template T @param {(url: string, count: () => number) => Promise<T>} work */
async function withCounter(work) {
	let count = 0;
	const server = http.createServer((_, response) => {
		count++;
		response.end('{}');
	});
	await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
	const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
	try {
		return await work(`http://127.0.0.1:${port}/`, () => count);
	} finally {
		server.closeAllConnections();
		server.close();
	}
}

/** @param {string} url */
const countAt = (url) =>
	node('Count', 'n8n-nodes-base.httpRequest', 4.2, { method: 'POST', url }, { executeOnce: true });

/**
 * Twenty tasks of one execution call back in the same instant, half of them at each of two webhook processes: whatever comes
 * after the node is done once.
 *
 * @param {import('../../worlds/queue.mjs').QueueWorld} world of two webhook processes
 * @returns {import('../../report.mjs').Case}
 */
export const onceCase = (world) => ({
	name: `callback: ${CALLBACKS} in the same instant, two webhook processes`,
	run: async (note) =>
		await withCounter(
			async (url, count) =>
				await withPatientTasks(world, async (stage) => {
					await stage.set({ callbacks: { mode: 'drop' } });
					/** @type {Record<string, number>} */
					const answers = {};
					for (let round = 1; round <= ROUNDS; round++) {
						note(`round ${round}`);
						const workflow = await publishWaiting(stage, { then: [countAt(url)] });
						const known = new Set((await tasksOf(stage)).map(({ taskId }) => taskId));
						const prompts = Array.from({ length: CALLBACKS }, (_, n) => `@Video1, take ${n}`);
						const execution = await callAndWait(stage, workflow, prompts);
						const tasks = (await tasksOf(stage)).filter(({ taskId }) => !known.has(taskId));
						await completeAll(stage, tasks);

						const receipts = await Promise.all(
							tasks.map(async ({ taskId, body }, n) => {
								const to = new URL(/** @type {string} */ (body.webhook_url));
								to.port = String(world.webhooks[n % world.webhooks.length]?.port);
								const forged = { url: to.href };
								return await stage.emulator.ask(`/tasks/${taskId}/callback`, {
									method: 'POST',
									body: forged,
								});
							}),
						);
						for (const { status, error } of receipts) {
							answers[status ?? error] = (answers[status ?? error] ?? 0) + 1;
						}
						const ended = await world.session.executionEnd(execution, { timeoutMs: 60_000 });
						await sleep(SETTLES_MS);
						expectSuccess(ended);
						assert.equal(count(), round, 'what comes after the node is done once');
						assert.equal((await world.session.executionsOf(workflow.id)).length, 1, 'executions');
						await checkVideos(stage, ended, { [GENERATE]: { binary: CALLBACKS, files: 0 } });
					}
					const { billed, requests } = await stage.state();
					assert.equal(billed, CALLBACKS * ROUNDS, 'billed tasks');
					const made = (/** @type {string} */ action) =>
						Math.round(requests.filter((request) => request.action === action).length / ROUNDS);
					return `${ROUNDS} rounds, once each; answers ${JSON.stringify(answers)}; a round took ${made('status')} status requests and ${made('download')} downloads`;
				}),
		),
});
