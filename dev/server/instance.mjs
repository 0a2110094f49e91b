// @ts-check
/** An n8n instance in which somebody is signed in: the one way to start a server, of one process or of several. */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { startN8n } from './n8n.mjs';
import { freePort } from './ports.mjs';
import { Session } from './session.mjs';
import { openStores } from './stores.mjs';

/**
 * @typedef {import('./n8n.mjs').RunningN8n} RunningN8n
 *
 * @typedef {object} Instance
 * @property {Session} session of the owner
 * @property {string} webhookUrl where published workflows are called
 * @property {RunningN8n} main the process of the editor
 * @property {RunningN8n} runner the process that runs the nodes
 * @property {() => Promise<void>} restart
 * @property {() => Promise<void>} stop as an operator would
 *
 * @typedef {object} Members
 * @property {RunningN8n[]} webhooks
 * @property {RunningN8n} worker
 * @property {import('./stores.mjs').Query} query of the database
 * @property {() => Promise<void>} replaceWorker starts another worker, with a disk of its own, in the place of one that was killed
 *
 * @typedef {Instance & Members} QueueInstance
 */

/** An owner whose password nobody needs to know, for an instance that does not last. @returns {import('./session.mjs').Owner} */
export const newOwner = () => ({
	email: 'owner@example.com',
	firstName: 'Local',
	lastName: 'Owner',
	password: `Kling-${randomBytes(9).toString('base64url')}-1`,
});

/**
 * n8n as most people run it: one process, and a database in a file.
 *
 * @param {object} options
 * @param {import('./install.mjs').N8n} options.n8n
 * @param {string} options.userFolder where the package has been unpacked
 * @param {import('./session.mjs').Owner} options.owner
 * @param {typeof Session} [options.SessionType] for an n8n whose editor speaks another API
 * @param {NodeJS.ProcessEnv} [options.env]
 * @param {number} [options.port] a free one by default
 * @param {string} [options.log]
 * @returns {Promise<Instance>}
 */
export async function startInstance({
	n8n,
	userFolder,
	owner,
	SessionType = Session,
	env,
	port,
	log,
}) {
	const start = async (/** @type {number | undefined} */ chosen) =>
		await startN8n({ n8n, userFolder, port: chosen, env, log });
	let server = await start(port);
	const session = await SessionType.open(server.url, owner);
	return {
		session,
		webhookUrl: `${server.url}/webhook`,
		get main() {
			return server;
		},
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

/**
 * n8n as it is run for many users: the editor's process, some for webhooks and one for the work, with a queue between them.
 * Each has a disk of its own, as on machines of their own.
 *
 * @param {object} options
 * @param {import('./install.mjs').N8n} options.n8n
 * @param {string} options.folder holds the user folders of all processes
 * @param {import('./session.mjs').Owner} options.owner
 * @param {(userFolders: string[]) => Promise<unknown>} options.unpack puts the package into each
 * @param {number} [options.webhooks] how many processes only receive calls; workflows are called at the first one, or else at the
 *   main process
 * @param {number} [options.concurrency] executions at a time, of the worker; n8n's default otherwise
 * @param {typeof Session} [options.SessionType] for an n8n whose editor speaks another API
 * @param {NodeJS.ProcessEnv} [options.env] of every process
 * @returns {Promise<QueueInstance>}
 */
export async function startQueueInstance({
	n8n,
	folder,
	owner,
	unpack,
	webhooks = 1,
	concurrency,
	SessionType = Session,
	env,
}) {
	const member = async (/** @type {string} */ part) => ({
		userFolder: path.join(folder, part),
		port: await freePort(),
	});
	const main = await member('main');
	/** @type {Array<Awaited<ReturnType<typeof member>>>} */
	const receivers = [];
	while (receivers.length < webhooks) {
		receivers.push(await member(`webhook-${receivers.length + 1}`));
	}
	let worker = await member('worker');
	const spare = await member('worker-2');
	await unpack([main, ...receivers, worker, spare].map(({ userFolder }) => userFolder));

	const webhookAddress = `http://127.0.0.1:${(receivers[0] ?? main).port}`;
	const stores = await openStores(n8n);
	const common = {
		...stores.env,
		...(webhooks > 0 && { N8N_DISABLE_PRODUCTION_MAIN_PROCESS: 'true' }),
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
		await startWorker();
	};
	const startWorker = async () => {
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
			session: await SessionType.open(`http://127.0.0.1:${main.port}`, owner),
			webhookUrl: `${webhookAddress}/webhook`,
			get main() {
				return /** @type {RunningN8n} */ (running[0]);
			},
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
			replaceWorker: async () => {
				running.pop();
				worker = spare;
				await startWorker();
			},
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
