// @ts-check
import path from 'node:path';
import { startN8n } from '../../../dev/server/n8n.mjs';
import { packInto } from '../../../dev/server/pack.mjs';
import { Session } from '../../../dev/server/session.mjs';
import { buildLog, newFolder, owner } from '../world.mjs';

/**
 * n8n as most people run it: one process, and a database in a file.
 *
 * @param {{ n8n: import('../../../dev/server/install.mjs').N8n, name: string, SessionType?: typeof Session, env?: NodeJS.ProcessEnv }} options
 * @returns {Promise<import('../world.mjs').World>}
 */
export async function openSqliteWorld({ n8n, name, SessionType = Session, env = {} }) {
	const folder = newFolder(name);
	const videos = path.join(folder, 'videos');
	await packInto(folder, { log: buildLog });

	const start = async (/** @type {number | undefined} */ port) =>
		await startN8n({
			n8n,
			userFolder: folder,
			port,
			env: { N8N_RESTRICT_FILE_ACCESS_TO: videos, ...env },
		});
	let server = await start(undefined);
	const session = await SessionType.open(server.url, owner);

	return {
		name,
		session,
		webhookUrl: `${server.url}/webhook`,
		folder,
		videos,
		get runner() {
			return server;
		},
		restart: async () => {
			await server.stop();
			server = await start(server.port);
		},
		stop: async () => await server.stop(),
	};
}
