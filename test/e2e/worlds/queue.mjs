// @ts-check
import path from 'node:path';
import { startN8n } from '../../../dev/server/n8n.mjs';
import { packInto } from '../../../dev/server/pack.mjs';
import { freePort } from '../../../dev/server/ports.mjs';
import { Session } from '../../../dev/server/session.mjs';
import { openStores } from '../../../dev/server/stores.mjs';
import { buildLog, newFolder, owner } from '../world.mjs';

/**
 * @typedef {import('../../../dev/server/n8n.mjs').RunningN8n} RunningN8n
 *
 * @typedef {object} Members
 * @property {RunningN8n[]} webhooks
 * @property {RunningN8n} worker
 * @property {import('../../../dev/server/stores.mjs').Query} query of the database
 *
 * @typedef {import('../world.mjs').World & Members} QueueWorld
 */

/**
 * n8n as it is run for many users: the editor's process, some for webhooks and one for the work, with a queue between them.
 * Each has a disk of its own, as on machines of their own.
 *
 * @param {object} options
 * @param {import('../../../dev/server/install.mjs').N8n} options.n8n
 * @param {string} options.name
 * @param {number} [options.webhooks] how many processes; workflows are called at the first one
 * @param {number} [options.concurrency] executions at a time, of the worker; n8n's default otherwise
 * @param {NodeJS.ProcessEnv} [options.env] of every process
 * @returns {Promise<QueueWorld>}
 */
export async function openQueueWorld({ n8n, name, webhooks = 1, concurrency, env }) {
	const folder = newFolder(name);
	const videos = path.join(folder, 'videos');
	const member = async (/** @type {string} */ part) => ({
		userFolder: path.join(folder, part),
		port: await freePort(),
	});
	const main = await member('main');
	const first = await member('webhook-1');
	const receivers = [first];
	while (receivers.length < webhooks) {
		receivers.push(await member(`webhook-${receivers.length + 1}`));
	}
	const worker = await member('worker');
	await packInto(
		[main, ...receivers, worker].map(({ userFolder }) => userFolder),
		{ log: buildLog },
	);

	const webhookAddress = `http://127.0.0.1:${first.port}`;
	const stores = await openStores(n8n);
	const common = {
		...stores.env,
		N8N_RESTRICT_FILE_ACCESS_TO: videos,
		N8N_DISABLE_PRODUCTION_MAIN_PROCESS: 'true',
		// Otherwise the main process does itself what is started by a button.
		OFFLOAD_MANUAL_EXECUTIONS_TO_WORKERS: 'true',
		WEBHOOK_URL: `${webhookAddress}/`,
		...env,
	};
	const ofWorker =
		concurrency === undefined ? {} : { N8N_CONCURRENCY_PRODUCTION_LIMIT: String(concurrency) };

	/** In the order of their start. @type {RunningN8n[]} */
	let running = [];
	const start = async () => {
		running = [];
		// The first makes the tables for all.
		running.push(await startN8n({ n8n, ...main, env: common }));
		for (const receiver of receivers) {
			running.push(await startN8n({ n8n, mode: 'webhook', ...receiver, env: common }));
		}
		const env = { ...common, ...ofWorker };
		running.push(await startN8n({ n8n, mode: 'worker', ...worker, env }));
	};
	const stop = async () => {
		for (const server of [...running].reverse()) await server.stop();
	};
	const close = async () => {
		await stop();
		await stores.close();
	};

	try {
		await start();
		const last = () => /** @type {RunningN8n} */ (running.at(-1));
		return {
			name,
			session: await Session.open(`http://127.0.0.1:${main.port}`, owner),
			webhookUrl: `${webhookAddress}/webhook`,
			folder,
			videos,
			get webhooks() {
				return running.slice(1, -1);
			},
			get worker() {
				return last();
			},
			get runner() {
				return last();
			},
			query: stores.query,
			restart: async () => {
				await stop();
				await start();
			},
			stop: close,
		};
	} catch (error) {
		await close();
		throw error;
	}
}
