// @ts-check
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Stage } from '../stage.mjs';
import { checkVideos } from '../videos.mjs';
import { publishTrigger, TRIGGER } from '../workflows.mjs';
import { expectSuccess } from './expect.mjs';

/** n8n says that a workflow is published some moments before it can be called. */
const NOT_YET = /is not registered/;

/** About a task that nobody has made, as MuleRouter would put it. */
const invented = () => ({
	id: `evt_${randomUUID()}`,
	type: 'task.succeeded',
	created_at: new Date().toISOString(),
	data: {
		vendor: 'klingai',
		model_name: 'kling-v3-omni',
		payload: {
			task_info: { id: randomUUID(), status: 'completed' },
			videos: ['https://example.com/video.mp4'],
		},
	},
});

/**
 * @param {Stage} stage
 * @param {string} taskId
 * @param {object} [forged] what is wrong with the callback
 * @returns {Promise<number>} the status that the caller gets
 */
async function callBack(stage, taskId, forged = {}) {
	const question = `/tasks/${taskId}/callback`;
	for (let tries = 0; ; tries++) {
		const receipt = await stage.emulator.ask(question, { method: 'POST', body: forged });
		assert.equal(receipt.error, null);
		if (!NOT_YET.test(receipt.answer) || tries >= 50) return receipt.status;
		await sleep(200);
	}
}

/**
 * @param {Stage} stage
 * @param {{ provider: string, url: string }} options
 * @returns {Promise<string>} a task that is finished, and of which the address is told
 */
async function finishedTask(stage, { provider, url }) {
	if (provider === 'muleRouter') {
		await stage.set({ muleRouterWebhook: { url, secret: 'emulator-webhook-secret' } });
	}
	// Its own callbacks would come in between: each is sent by hand.
	await stage.set({ callbacks: { mode: 'drop' } });
	const { taskId } = await stage.emulator.ask('/tasks', {
		method: 'POST',
		body: { provider, status: 'completed', body: { webhook_url: url } },
	});
	return taskId;
}

/**
 * A callback starts the workflow once; one that is not the provider's starts nothing.
 *
 * @param {import('../world.mjs').World} world
 * @param {{ label: string, typeVersion: number, provider: string, authentication: string, refused: number }} kind
 * @returns {import('../report.mjs').Case}
 */
const triggerCase = (world, { label, typeVersion, provider, authentication, refused }) => ({
	name: `Trigger, ${label}`,
	run: async () =>
		await Stage.for(world, {}, async (stage) => {
			const { session } = world;
			const { id, url } = await publishTrigger(stage, typeVersion, {
				provider,
				authentication,
			});
			const taskId = await finishedTask(stage, { provider, url });

			const isSigned = authentication === 'signature';
			const forgery = isSigned ? { secret: 'not the secret' } : { body: invented() };
			const forgedStatus = await callBack(stage, taskId, forgery);
			assert.equal(forgedStatus, refused, 'the status for a forged callback');
			assert.deepEqual(await session.executionsOf(id), [], 'a forged callback starts nothing');

			// Since version 1.1 of a node, n8n leaves such a body unread.
			const unnamed = { headers: { 'content-type': 'application/octet-stream' } };
			const statuses = [await callBack(stage, taskId, unnamed), await callBack(stage, taskId)];
			assert.deepEqual(statuses, [200, 200], 'the statuses for a callback and its repetition');
			const started = await session.firstExecutionOf(id, { timeoutMs: 10_000 });
			const execution = await session.executionEnd(started, { timeoutMs: 60_000 });
			expectSuccess(execution);
			await checkVideos(stage, execution, { [TRIGGER]: { binary: 1, files: 0 } });
			assert.equal((await session.executionsOf(id)).length, 1, 'it starts the workflow once');
			return `forged: ${forgedStatus} and nothing started; sent twice: started once`;
		}),
});

/** @param {import('../world.mjs').World} world */
export const triggerCases = (world) => [
	triggerCase(world, {
		label: 'Magnific, by signature',
		typeVersion: 1.1,
		provider: 'magnific',
		authentication: 'signature',
		refused: 401,
	}),
	triggerCase(world, {
		label: 'MuleRouter, by asking the API',
		typeVersion: 1,
		provider: 'muleRouter',
		authentication: 'recheck',
		refused: 404,
	}),
];
