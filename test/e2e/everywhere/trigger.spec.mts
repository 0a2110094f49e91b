import { callBack, finishedTask, invented } from '../callbacks.mts';
import { expectSuccess } from '../expect.mts';
import { expect, test } from '../fixtures.mts';
import { checkVideos } from '../videos.mts';
import { publishTrigger, TRIGGER } from '../workflows.mts';

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
		forgery: () => ({ body: invented('muleRouter') }),
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

		expect((await callBack(stage, taskId, forgery())).status).toBe(refused);
		expect(await session.executionsOf(id), 'executions that a forged callback starts').toEqual([]);

		// A content type that n8n parses for no node.
		const unnamed = { headers: { 'content-type': 'application/octet-stream' } };
		for (const difference of [unnamed, {}]) {
			expect((await callBack(stage, taskId, difference)).status).toBe(200);
		}
		const execution = await session.executionEnd(await session.firstExecutionOf(id));
		expectSuccess(execution);
		await checkVideos(stage, execution, { [TRIGGER]: { binary: 1, files: 0 } });
		expect(await session.executionsOf(id)).toHaveLength(1);
	});
}
