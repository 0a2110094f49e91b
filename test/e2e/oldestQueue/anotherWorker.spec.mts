/** A worker is killed, and another one is there in its place, while the other processes go on. */
import { test } from '../fixtures.mts';
import type { After, Kill } from '../kills.mts';
import { CASES, killAll } from '../kills.mts';

const runsAgain: After = async (stage, execution, { moment, parameters }) => {
	const { session } = stage.instance;
	const ended = await session.executionEnd(execution, { timeoutMs: 600_000 });
	await moment.check(stage, ended, parameters.provider);
};

test(`n8n gives ${CASES.size} executions whose worker was killed to another one, and none of them pays for anything twice`, async ({
	server,
	queue,
}, testInfo) => {
	test.setTimeout(20 * 60_000);
	const plays: Kill['plays'] = new Map();
	for (const [title, being] of CASES) {
		plays.set(`${title} pays nothing twice`, { ...being, after: runsAgain });
	}
	await killAll(server, testInfo, { plays, comeBack: async () => await queue.replaceWorker() });
});
