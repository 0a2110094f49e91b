// @ts-check
import { createHash, randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import path from 'node:path';
import { root } from '../../setup.mjs';
import { startN8n } from '../../server/n8n.mjs';
import { packInto } from '../../server/pack.mjs';
import { freePort } from '../../server/ports.mjs';
import { Problem } from '../../server/problem.mjs';
import { Session } from '../../server/session.mjs';
import { buildLog, newFolder, owner } from '../world.mjs';

const { env } = process;
const POSTGRES = {
	host: env.PGHOST ?? '127.0.0.1',
	port: Number(env.PGPORT ?? 5432),
	user: env.PGUSER ?? 'postgres',
	password: env.PGPASSWORD ?? '',
};
const REDIS = { host: env.REDIS_HOST ?? '127.0.0.1', port: Number(env.REDIS_PORT ?? 6379) };

/** What this project keeps in servers of others: one name for each place it is checked out in, so that nothing is left behind. */
const NAME = `kling_v2v_e2e_${createHash('sha256').update(root).digest('hex').slice(0, 8)}`;

/**
 * n8n as it is run for many users: the editor's process, one for webhooks and one for the work, with a queue between them. Each
 * has a disk of its own, as on machines of their own.
 *
 * @param {{ n8n: import('../../server/install.mjs').N8n }} options
 * @returns {Promise<import('../world.mjs').World>}
 */
export async function openQueueWorld({ n8n }) {
	const stores = await openStores(n8n);
	const folder = newFolder('queue');
	const videos = path.join(folder, 'videos');
	const folderOf = (/** @type {string} */ part) => path.join(folder, part);
	await packInto(['main', 'webhook', 'worker'].map(folderOf), { log: buildLog });

	const webhookPort = await freePort();
	const webhookAddress = `http://127.0.0.1:${webhookPort}`;
	const common = {
		...stores.env,
		EXECUTIONS_MODE: 'queue',
		N8N_ENCRYPTION_KEY: randomBytes(24).toString('base64url'),
		N8N_RESTRICT_FILE_ACCESS_TO: videos,
		N8N_DISABLE_PRODUCTION_MAIN_PROCESS: 'true',
		// Otherwise the main process does itself what is started by a button.
		OFFLOAD_MANUAL_EXECUTIONS_TO_WORKERS: 'true',
		WEBHOOK_URL: `${webhookAddress}/`,
	};
	const start = async (/** @type {import('../../server/n8n.mjs').Mode} */ mode, port = 0) =>
		await startN8n({
			n8n,
			mode,
			userFolder: folderOf(mode === 'start' ? 'main' : mode),
			port: port || undefined,
			env: common,
		});

	// The first makes the tables for all.
	let main = await start('start');
	let webhook = await start('webhook', webhookPort);
	let worker = await start('worker');
	const stop = async () => {
		for (const server of [worker, webhook, main]) await server.stop();
	};

	return {
		name: 'queue',
		session: await Session.open(main.url, owner),
		webhookUrl: `${webhookAddress}/webhook`,
		folder,
		videos,
		get runner() {
			return worker;
		},
		restart: async () => {
			await stop();
			main = await start('start', main.port);
			webhook = await start('webhook', webhook.port);
			worker = await start('worker', worker.port);
		},
		stop: async () => {
			await stop();
			await stores.close();
		},
	};
}

/**
 * An empty database and an empty part of Redis.
 *
 * @param {import('../../server/install.mjs').N8n} n8n whose own clients are used
 */
async function openStores(n8n) {
	/** @type {(name: string) => any} */
	const load = createRequire(n8n.bin);
	const { Client } = load('pg');
	const Redis = load('ioredis');

	const inPostgres = async (/** @type {(client: any) => Promise<void>} */ work) => {
		const client = new Client({ ...POSTGRES, database: 'postgres' });
		await reach('PostgreSQL', 'PGHOST, PGPORT, PGUSER and PGPASSWORD', POSTGRES, client.connect());
		await work(client).finally(() => client.end());
	};
	const inRedis = async (/** @type {(client: any) => Promise<void>} */ work) => {
		const client = new Redis({ ...REDIS, lazyConnect: true, retryStrategy: null });
		client.on('error', () => {});
		await reach('Redis', 'REDIS_HOST and REDIS_PORT', REDIS, client.connect());
		await work(client).finally(() => client.disconnect());
	};
	const drop = async () => {
		await inPostgres(async (client) => {
			await client.query(`DROP DATABASE IF EXISTS ${NAME} WITH (FORCE)`);
		});
		await inRedis(async (client) => {
			for (const key of await client.keys(`*${NAME}*`)) await client.del(key);
		});
	};

	await drop();
	await inPostgres(async (client) => {
		await client.query(`CREATE DATABASE ${NAME}`);
	});
	return {
		env: {
			DB_TYPE: 'postgresdb',
			DB_POSTGRESDB_HOST: POSTGRES.host,
			DB_POSTGRESDB_PORT: String(POSTGRES.port),
			DB_POSTGRESDB_USER: POSTGRES.user,
			DB_POSTGRESDB_PASSWORD: POSTGRES.password,
			DB_POSTGRESDB_DATABASE: NAME,
			QUEUE_BULL_REDIS_HOST: REDIS.host,
			QUEUE_BULL_REDIS_PORT: String(REDIS.port),
			QUEUE_BULL_PREFIX: NAME,
			N8N_REDIS_KEY_PREFIX: NAME,
		},
		close: drop,
	};
}

/**
 * @param {string} what
 * @param {string} variables
 * @param {{ host: string, port: number }} where
 * @param {Promise<void>} connecting
 */
async function reach(what, variables, { host, port }, connecting) {
	try {
		await connecting;
	} catch (error) {
		throw new Problem(
			`Queue mode needs ${what}, which does not answer at ${host}:${port}: start it, or say where it is in the environment variables ${variables}.`,
			{ cause: error },
		);
	}
}
