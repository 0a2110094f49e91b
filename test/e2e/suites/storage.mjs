// @ts-check
import { s3Case } from '../cases/storage/s3.mjs';
import { sftpCase } from '../cases/storage/sftp.mjs';
import { openSqliteWorld } from '../worlds/sqlite.mjs';

/**
 * @param {import('../report.mjs').Report} report
 * @param {import('../../../dev/server/install.mjs').N8n} n8n
 */
export async function storage(report, n8n) {
	const group = `n8n ${n8n.version}, SQLite: storage`;
	const world = await report.prepare(group, 'server', () =>
		openSqliteWorld({ n8n, name: 'storage' }),
	);
	if (!world) return;
	try {
		await report.run(group, [s3Case(world), sftpCase(world)]);
	} finally {
		await world.stop();
	}
}
