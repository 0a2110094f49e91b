// @ts-check
import { callbackCases } from '../cases/callbacks.mjs';
import { credentialCases } from '../cases/credentials.mjs';
import { errorOutputCase } from '../cases/errorOutput.mjs';
import { exampleCase } from '../cases/examples.mjs';
import { retryOnFailCases } from '../cases/retryOnFail.mjs';
import { stopCase } from '../cases/stop.mjs';
import { triggerCases } from '../cases/trigger.mjs';
import { OLDEST, OldSession } from '../oldest/oldest.mjs';
import { installN8n } from '../../../dev/server/install.mjs';
import { openSqliteWorld } from '../worlds/sqlite.mjs';

/**
 * The oldest n8n that the package is said to run on.
 *
 * @param {import('../report.mjs').Report} report
 */
export async function oldest(report) {
	const group = 'Oldest n8n';
	const n8n = await report.prepare(group, 'installed', () => installN8n(OLDEST));
	if (!n8n) return;
	const name = `n8n ${n8n.version}, Node.js ${OLDEST.nodeMajor}`;
	const world = await report.prepare(name, 'server', () =>
		openSqliteWorld({
			n8n,
			name: 'oldest',
			SessionType: OldSession,
			// Without a pool, n8n 1 lets its own transactions run into each other.
			env: { DB_SQLITE_POOL_SIZE: '2' },
		}),
	);
	if (!world) return;
	try {
		await report.run(name, [
			exampleCase(world, 'referenceVideoToFile'),
			exampleCase(world, 'callbackToStorage'),
			exampleCase(world, 'submitThenTrigger'),
			// MuleRouter's test needs to say which error is a good answer, and n8n 1 takes every answer for one.
			...credentialCases(world, ['magnificApi']),
			stopCase(world),
			...retryOnFailCases(world),
			errorOutputCase(world),
			...callbackCases(world),
			...triggerCases(world),
			{ ...exampleCase(world, 'submitWaitStatusLoop'), isSlow: true },
		]);
	} finally {
		await world.stop();
	}
}
