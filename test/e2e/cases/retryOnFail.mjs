// @ts-check
import assert from 'node:assert/strict';
import { itemsOf } from '../../../dev/server/session.mjs';
import { Stage } from '../stage.mjs';
import { checkVideos } from '../videos.mjs';
import { GENERATE, call, publishBatch } from '../workflows.mjs';
import { expectSuccess } from './expect.mjs';

const PROMPTS = ['@Video1 at dawn', '@Video1 at noon', '@Video1 at night'];

const settings = { retryOnFail: true, maxTries: 3, waitBetweenTries: 500 };

/** The second item is refused, which ends the first try while the first item's task is paid. */
const REFUSED = {
	match: { action: 'create', nth: 2 },
	fault: { kind: 'status', status: 400, body: { message: 'Not this time' } },
};

/** Of the second try: the answer about the last item is lost, though its task is made and billed. */
const LOST = { match: { action: 'create', nth: 4 }, fault: { kind: 'reset', makeTask: true } };

/** @param {import('../stage.mjs').Stage} stage */
async function runBatch(stage) {
	const execution = await call(stage, await publishBatch(stage, { settings }), PROMPTS);
	return await stage.world.session.executionEnd(execution, { timeoutMs: 120_000 });
}

/** @param {import('../stage.mjs').Stage} stage @returns {Promise<string>} what was paid for */
async function expectOneTaskPerItem(stage) {
	const { billed, requests } = await stage.state();
	const asked = requests.filter(({ action }) => action === 'create').length;
	assert.ok(asked > PROMPTS.length, 'there was a further try');
	assert.equal(billed, PROMPTS.length, 'billed tasks');
	return `${PROMPTS.length} items, ${asked} requests, ${billed} tasks billed`;
}

/**
 * n8n's Retry On Fail runs the node again for all items, also for those that are paid.
 *
 * @param {import('../world.mjs').World} world
 * @returns {import('../report.mjs').Case[]}
 */
export const retryOnFailCases = (world) => [
	{
		name: 'Retry On Fail, an item refused: a task per item',
		run: async () =>
			await Stage.for(world, {}, async (stage) => {
				await stage.addFaults(REFUSED);
				const execution = await runBatch(stage);
				expectSuccess(execution);
				await checkVideos(stage, execution, { [GENERATE]: { binary: PROMPTS.length, files: 0 } });
				const tasks = new Set(itemsOf(execution, GENERATE).map(({ json }) => json.taskId));
				assert.equal(tasks.size, PROMPTS.length, 'every item has a task of its own');
				return await expectOneTaskPerItem(stage);
			}),
	},
	{
		name: 'Retry On Fail, an answer lost: no task twice',
		run: async () =>
			await Stage.for(world, {}, async (stage) => {
				await stage.addFaults([REFUSED, LOST]);
				const { status, data } = await runBatch(stage);
				// Whether it is paid cannot be known, so a person has to decide: the error names what to look for.
				assert.equal(status, 'error');
				const { message, description } = data.resultData.error;
				for (const { taskId } of (await stage.state()).tasks) {
					assert.ok(`${message} ${description}`.includes(taskId), `the error names task ${taskId}`);
				}
				return `${await expectOneTaskPerItem(stage)}, all named in the error`;
			}),
	},
];
