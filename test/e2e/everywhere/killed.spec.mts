/** All of n8n is killed or stopped, and starts again. */
import { expect, test } from '../fixtures.mts';
import type { After, Kill } from '../kills.mts';
import { CASES, killAll } from '../kills.mts';

/** @param loadWorkflow how "Retry execution" is pressed, where n8n takes the execution for crashed */
const retriedWith =
	(loadWorkflow: boolean): After =>
	async (stage, execution, { moment, parameters }) => {
		const { session } = stage.instance;
		const ended = await session.executionEnd(execution, { timeoutMs: 600_000 });
		const isCrashed = ended.status === 'crashed';
		// In queue mode, n8n takes for crashed what wakes while there is no worker.
		const mayCrash = !moment.goesOn || stage.kind.toLowerCase().includes('queue');
		expect(isCrashed && !mayCrash, 'it has crashed, and should have gone on').toBe(false);
		const last = isCrashed
			? await session.executionEnd(await session.retry(execution, loadWorkflow))
			: ended;
		await moment.check(stage, last, parameters.provider);
	};

const plays: Kill['plays'] = new Map();
for (const [title, being] of CASES) {
	const nothingTwice = `${title} pays nothing twice`;
	if (being.moment.goesOn) {
		plays.set(`${nothingTwice}, and goes on by itself`, { ...being, after: retriedWith(false) });
		continue;
	}
	for (const [which, loadWorkflow] of [
		['the original workflow', false],
		['the workflow as it is now', true],
	] as const) {
		const after = retriedWith(loadWorkflow);
		plays.set(`${nothingTwice} when it is retried with ${which}`, { ...being, after });
	}
}

test(`n8n is killed under ${plays.size} executions, and none of them pays for anything twice`, async ({
	server,
}, testInfo) => {
	test.setTimeout(20 * 60_000);
	await killAll(server, testInfo, { plays });
});
