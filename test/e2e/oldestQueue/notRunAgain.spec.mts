/** A worker is killed, and another one is there in its place; n8n may not give it the same job. */
import { expect, test } from '../fixtures.mts';
import type { After, Kill } from '../kills.mts';
import { CASES, killAll, logOfKilled, taskIds } from '../kills.mts';
import { reasonOf } from '../pausing.mts';
import { billedTasks } from '../stage.mts';

test.use({ environment: { QUEUE_WORKER_MAX_STALLED_COUNT: '0' } });

/** n8n stores the execution anew, with nothing in it. */
const isGivenUp: After = async (stage, execution, { moment, parameters }) => {
	const { session } = stage.instance;
	const billed = await billedTasks(stage);
	const ended = await session.executionEnd(execution, { timeoutMs: 600_000 });
	if (moment.goesOn) {
		await moment.check(stage, ended, parameters.provider);
		return;
	}
	expect(ended.status).toBe('error');
	expect(reasonOf(ended)).toContain('failed to be processed too many times');
	expect(ended.data.resultData.runData, 'what is left of the run').toEqual({});
	await expect(session.retry(execution, false)).rejects.toThrow('cannot be retried');
	expect(await billedTasks(stage), 'billed tasks').toBe(billed);

	const ids = await taskIds(stage);
	const inLog = ids.filter((id) => logOfKilled().includes(`Kling task created: ${id}`));
	expect(inLog, 'task IDs in the log').toEqual(moment.isUnanswered ? [] : ids);
};

test(`with QUEUE_WORKER_MAX_STALLED_COUNT=0, n8n gives up the executions whose worker was killed, and "Retry execution" does not begin`, async ({
	server,
	queue,
}, testInfo) => {
	test.setTimeout(20 * 60_000);
	const plays: Kill['plays'] = new Map();
	for (const [title, being] of CASES) plays.set(title, { ...being, after: isGivenUp });
	await killAll(server, testInfo, { plays, comeBack: async () => await queue.replaceWorker() });
});
