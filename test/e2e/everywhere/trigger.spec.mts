import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expectSuccess } from '../expect.mts';
import { expect, test } from '../fixtures.mts';
import type { Stage } from '../stage.mts';
import { checkVideos } from '../videos.mts';
import { publishTrigger, TRIGGER } from '../workflows.mts';

/** n8n says that a workflow is published some moments before it can be called. */
const NOT_YET = /is not registered/;
const MOST_CALLS = 150;

/** A callback about a task that nobody has made, as MuleRouter would put it. */
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
 * @param forged what is wrong with the callback
 * @returns the status that the caller gets
 */
async function callBack({ emulator }: Stage, taskId: string, forged = {}): Promise<number | null> {
	for (let calls = 1; ; calls++) {
		const receipt = await emulator.callBack(taskId, forged);
		expect(receipt.error).toBe(null);
		if (!NOT_YET.test(receipt.answer) || calls >= MOST_CALLS) return receipt.status;
		await sleep(200);
	}
}

/** @returns a task that is finished, and of which the address is told */
async function finishedTask(
	{ emulator }: Stage,
	{ provider, url }: { provider: string; url: string },
): Promise<string> {
	if (provider === 'muleRouter') {
		await emulator.set({ muleRouterWebhook: { url, secret: 'emulator-webhook-secret' } });
	}
	// Its own callbacks would come in between: each is sent by hand.
	await emulator.set({ callbacks: { mode: 'drop' } });
	const { taskId } = await emulator.seed({
		provider,
		status: 'completed',
		body: { webhook_url: url },
	});
	return taskId;
}

const KINDS = [
	{
		title: 'The trigger for Magnific, which checks signatures,',
		provider: 'magnific',
		authentication: 'signature',
		forgery: () => ({ secret: 'not the secret' }),
		refused: 401,
	},
	{
		title: 'The trigger for MuleRouter, which asks the API,',
		provider: 'muleRouter',
		authentication: 'recheck',
		forgery: () => ({ body: invented() }),
		refused: 404,
	},
];

for (const { title, provider, authentication, forgery, refused } of KINDS) {
	test(`${title} starts the workflow once for a callback that comes twice, and not for a forged one`, async ({
		stage,
		instance: { session },
	}) => {
		const { id, url } = await publishTrigger(stage, { provider, authentication });
		const taskId = await finishedTask(stage, { provider, url });

		expect(await callBack(stage, taskId, forgery())).toBe(refused);
		expect(await session.executionsOf(id), 'executions that a forged callback starts').toEqual([]);

		// A content type that n8n parses for no node.
		const unnamed = { headers: { 'content-type': 'application/octet-stream' } };
		expect([await callBack(stage, taskId, unnamed), await callBack(stage, taskId)]).toEqual([
			200, 200,
		]);
		const execution = await session.executionEnd(await session.firstExecutionOf(id));
		expectSuccess(execution);
		await checkVideos(stage, execution, { [TRIGGER]: { binary: 1, files: 0 } });
		expect(await session.executionsOf(id)).toHaveLength(1);
	});
}
