// @ts-check
import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import path from 'node:path';
import { startN8n } from '../../../server/n8n.mjs';
import { packInto } from '../../../server/pack.mjs';
import { freePort } from '../../../server/ports.mjs';
import { Session } from '../../../server/session.mjs';
import { buildLog, newFolder, owner } from '../../world.mjs';

/**
 * @typedef {import('../../../server/n8n.mjs').RunningN8n} RunningN8n
 * @typedef {import('../../world.mjs').World} World
 *
 * @typedef {World & { webhooks: RunningN8n[], worker: RunningN8n, query: (text: string, values?: unknown[]) => Promise<any[]> }} QueueWorld
 *   `query`: of the database
 */

const PG = { host: '127.0.0.1', port: 5432, user: 'postgres' };
const REDIS = { host: '127.0.0.1', port: 6379 };

/**
 * n8n as those run it who have many executions: a main process, webhook processes and a worker, with Redis and PostgreSQL
 * between them. The database and the keys in Redis are this world's own, and gone with it.
 *
 * @param {{ n8n: import('../../../server/install.mjs').N8n, name: string, webhooks?: number, concurrency?: number, more?: NodeJS.ProcessEnv }} options
 *   `concurrency`: executions at a time, of the worker; `more`: variables of every process
 * @returns {Promise<QueueWorld>}
 */
export async function openQueueWorld({ n8n, name, webhooks = 1, concurrency = 2, more: extra }) {
	// The clients are n8n's own.
	const load = createRequire(path.join(n8n.folder, 'node_modules/n8n/package.json'));
	const { Client, Pool } = load('pg');
	const Redis = load('ioredis');

	const id = `kling_e2e_${randomBytes(4).toString('hex')}`;
	const admin = async (/** @type {string} */ statement) => {
		const client = new Client({ ...PG, database: 'postgres' });
		await client.connect();
		await client.query(statement).finally(() => client.end());
	};

	const folder = newFolder(name);
	const homes = [
		'main',
		...Array.from({ length: webhooks }, (_, n) => `webhook-${n}`),
		'worker',
	].map((part) => path.join(folder, part));
	await packInto(homes, { log: buildLog });

	/** @type {RunningN8n[]} */
	const processes = [];
	await admin(`CREATE DATABASE ${id}`);
	const pool = new Pool({ ...PG, database: id, max: 2 });
	const stop = async () => {
		// Those that take work in first, and the main process last.
		for (const process of processes.reverse()) await process.stop();
		await pool.end();
		await admin(`DROP DATABASE IF EXISTS ${id} WITH (FORCE)`);
		const redis = new Redis(REDIS);
		const keys = await redis.keys(`${id}*`);
		if (keys.length > 0) await redis.del(keys);
		await redis.quit();
	};
	try {
		const ports = [];
		for (let n = 0; n < webhooks; n++) ports.push(await freePort());
		const videos = path.join(folder, 'videos');
		const env = {
			EXECUTIONS_MODE: 'queue',
			QUEUE_BULL_REDIS_HOST: REDIS.host,
			QUEUE_BULL_REDIS_PORT: String(REDIS.port),
			QUEUE_BULL_PREFIX: id,
			N8N_REDIS_KEY_PREFIX: id,
			DB_TYPE: 'postgresdb',
			DB_POSTGRESDB_HOST: PG.host,
			DB_POSTGRESDB_PORT: String(PG.port),
			DB_POSTGRESDB_USER: PG.user,
			DB_POSTGRESDB_DATABASE: id,
			N8N_ENCRYPTION_KEY: randomBytes(24).toString('hex'),
			N8N_RESTRICT_FILE_ACCESS_TO: videos,
			WEBHOOK_URL: `http://127.0.0.1:${ports[0]}/`,
			...extra,
		};
		/**
		 * @param {import('../../../server/n8n.mjs').Mode} mode
		 * @param {number} part of the folders
		 * @param {{ port?: number, more?: NodeJS.ProcessEnv }} [options]
		 */
		const start = async (mode, part, { port, more } = {}) => {
			const userFolder = /** @type {string} */ (homes[part]);
			const running = await startN8n({ n8n, userFolder, mode, port, env: { ...env, ...more } });
			processes.push(running);
			return running;
		};
		const main = await start('start', 0);
		const receivers = await Promise.all(
			ports.map(async (port, n) => await start('webhook', n + 1, { port })),
		);
		const worker = await start('worker', webhooks + 1, {
			more: { N8N_CONCURRENCY_PRODUCTION_LIMIT: String(concurrency) },
		});
		return {
			name,
			session: await Session.open(main.url, owner),
			webhookUrl: `${receivers[0]?.url}/webhook`,
			folder,
			videos,
			runner: worker,
			webhooks: receivers,
			worker,
			query: async (text, values) => (await pool.query(text, values)).rows,
			restart: async () => {
				throw new Error('This world is not restarted.');
			},
			stop,
		};
	} catch (error) {
		await stop();
		throw error;
	}
}
