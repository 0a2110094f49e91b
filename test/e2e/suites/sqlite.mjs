// @ts-check
import { callbackCases } from '../cases/callbacks.mjs';
import { credentialCases } from '../cases/credentials.mjs';
import { errorOutputCase } from '../cases/errorOutput.mjs';
import { completenessCase, exampleCase } from '../cases/examples.mjs';
import { memoryCase } from '../cases/memory.mjs';
import { restartCase } from '../cases/restart.mjs';
import { retryOnFailCases } from '../cases/retryOnFail.mjs';
import { stopCase } from '../cases/stop.mjs';
import { triggerCases } from '../cases/trigger.mjs';
import { openSqliteWorld } from '../worlds/sqlite.mjs';

/**
 * One process and a file: n8n's default.
 *
 * @param {import('../report.mjs').Report} report
 * @param {import('../../../dev/server/install.mjs').N8n} n8n
 */
export async function sqlite(report, n8n) {
	const group = `n8n ${n8n.version}, SQLite`;
	const world = await report.prepare(group, 'server', () =>
		openSqliteWorld({ n8n, name: 'sqlite' }),
	);
	if (!world) return;
	try {
		await report.run(group, [
			completenessCase(),
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
			// In a process that has not yet done much else.
			memoryCase(world),
		]);
	} finally {
		await world.stop();
	}
}
