// @ts-check
import fs from 'node:fs';
import path from 'node:path';
import { freePort } from '../../server/ports.mjs';
import { startN8n } from '../../server/n8n.mjs';
import { openStores } from '../../server/stores.mjs';

/** @typedef {import('../../server/n8n.mjs').RunningN8n} RunningN8n */

/**
 * n8n in queue mode: one main process and one worker, on stores of their own, which are dropped afterwards.
 *
 * @template T
 * @param {import('./lab.mjs').Lab} lab
 * @param {(queue: { main: RunningN8n, worker: RunningN8n, query: import('../../server/stores.mjs').Query }) => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withQueue({ n8n, folder, userFolder: ofLab }, work) {
	// A user folder of its own: the settings in it belong to one database.
	const userFolder = path.join(folder, 'queue-user');
	fs.cpSync(path.join(ofLab, '.n8n/nodes'), path.join(userFolder, '.n8n/nodes'), {
		recursive: true,
	});
	const stores = await openStores(n8n);
	/** @type {RunningN8n[]} */
	const processes = [];
	try {
		const port = await freePort();
		const env = {
			...stores.env,
			// n8n's own is 2, of which hundreds of executions at once make a queue.
			DB_POSTGRESDB_POOL_SIZE: '10',
			WEBHOOK_URL: `http://127.0.0.1:${port}/`,
		};
		const main = await startN8n({ n8n, userFolder, env, port });
		processes.push(main);
		const worker = await startN8n({ n8n, userFolder, env, mode: 'worker' });
		processes.push(worker);
		return await work({ main, worker, query: stores.query });
	} finally {
		// Not asked to stop: what still waits in the queue is of no use to anybody.
		await Promise.all(processes.map(async (each) => await each.kill()));
		await stores.close();
	}
}
