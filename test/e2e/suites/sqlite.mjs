// @ts-check
import { credentialCases } from '../cases/credentials.mjs';
import { errorOutputCase } from '../cases/errorOutput.mjs';
import { completenessCase, exampleCase } from '../cases/examples.mjs';
import { memoryCase } from '../cases/memory.mjs';
import { restartCase } from '../cases/restart.mjs';
import { retryOnFailCase } from '../cases/retryOnFail.mjs';
import { stopCase } from '../cases/stop.mjs';
import { openSqliteWorld } from '../worlds/sqlite.mjs';
import { aside } from './aside.mjs';

/**
 * One process and a file: n8n's default.
 *
 * @param {import('../report.mjs').Report} report
 * @param {import('../../server/install.mjs').N8n} n8n
 */
export async function sqlite(report, n8n) {
	const group = `n8n ${n8n.version}, SQLite`;
	const world = await report.prepare(group, 'server', () =>
		openSqliteWorld({ n8n, name: 'sqlite' }),
	);
	if (!world) return;
	try {
		const sleeper = aside(exampleCase(world, 'submitWaitStatusLoop'));
		await report.run(group, [
			completenessCase(),
			exampleCase(world, 'referenceVideoToFile'),
			...credentialCases(world),
			stopCase(world),
			retryOnFailCase(world),
			errorOutputCase(world),
			sleeper,
			memoryCase(world),
			restartCase(world),
		]);
	} finally {
		await world.stop();
	}
}
