// @ts-check
import { callbackCases } from '../cases/callbacks.mjs';
import { credentialCases } from '../cases/credentials.mjs';
import { errorOutputCase } from '../cases/errorOutput.mjs';
import { exampleCase } from '../cases/examples.mjs';
import { restartCase } from '../cases/restart.mjs';
import { retryOnFailCases } from '../cases/retryOnFail.mjs';
import { stopCase } from '../cases/stop.mjs';
import { triggerCases } from '../cases/trigger.mjs';
import { openQueueWorld } from '../worlds/queue.mjs';

/**
 * Main process, webhook process and worker: what one begins, another goes on with.
 *
 * @param {import('../report.mjs').Report} report
 * @param {import('../../../dev/server/install.mjs').N8n} n8n
 */
export async function queue(report, n8n) {
	const group = `n8n ${n8n.version}, queue mode on PostgreSQL and Redis`;
	const world = await report.prepare(group, 'servers', () =>
		openQueueWorld({ n8n, name: 'queue' }),
	);
	if (!world) return;
	try {
		await report.run(group, [
			exampleCase(world, 'referenceVideoToFile'),
			exampleCase(world, 'callbackToStorage'),
			exampleCase(world, 'submitThenTrigger'),
			exampleCase(world, 'folderToS3'),
			...credentialCases(world),
			stopCase(world),
			...retryOnFailCases(world),
			errorOutputCase(world),
			...callbackCases(world),
			...triggerCases(world),
			{ ...exampleCase(world, 'submitWaitStatusLoop'), isSlow: true },
			restartCase(world),
		]);
	} finally {
		await world.stop();
	}
}
