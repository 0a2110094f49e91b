// @ts-check
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { freePort } from '../../server/ports.mjs';
import { Problem } from '../../server/problem.mjs';
import { startN8n } from '../../server/n8n.mjs';

/** @typedef {import('../../server/n8n.mjs').RunningN8n} RunningN8n */

/** Of databases and Redis keys; the process that made them follows. */
const PREFIX = 'kling_bench_';
const LEFTOVER = /^kling_bench_(\d+)$/;

const REDIS = {
	host: process.env.REDIS_HOST ?? '127.0.0.1',
	port: Number(process.env.REDIS_PORT ?? 6379),
};
const POSTGRES = {
	host: process.env.PGHOST ?? '127.0.0.1',
	port: Number(process.env.PGPORT ?? 5432),
	user: process.env.PGUSER ?? 'postgres',
	password: process.env.PGPASSWORD ?? '',
};

/**
 * n8n in queue mode: one main process and one worker, on a database and a Redis prefix of their own, both dropped
 * afterwards.
 *
 * @template T
 * @param {import('./lab.mjs').Lab} lab
 * @param {(queue: { main: RunningN8n, worker: RunningN8n, query: (sql: string, values?: unknown[]) => Promise<any[]> }) => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withQueue(lab, work) {
	// The clients that n8n itself uses: the bench needs none of its own.
	const fromN8n = createRequire(path.join(lab.n8n.folder, 'package.json'));
	const { Client } = fromN8n('pg');
	const { Redis } = fromN8n('ioredis');
	const name = `${PREFIX}${process.pid}`;

	const admin = await reach('PostgreSQL', POSTGRES, async () => {
		const client = new Client({ ...POSTGRES, database: 'postgres' });
		await client.connect();
		return client;
	});
	const redis = await reach('Redis', REDIS, async () => {
		const client = new Redis({ ...REDIS, lazyConnect: true, retryStrategy: () => null });
		client.on('error', () => {});
		await client.connect();
		return client;
	});
	// A user folder of its own: the settings in it belong to one database.
	const userFolder = path.join(lab.folder, 'queue-user');
	fs.cpSync(path.join(lab.userFolder, '.n8n/nodes'), path.join(userFolder, '.n8n/nodes'), {
		recursive: true,
	});
	/** @type {RunningN8n[]} */
	const processes = [];
	/** @type {{ end: () => Promise<void>, query: (sql: string, values?: unknown[]) => Promise<{ rows: any[] }> } | undefined} */
	let client;
	try {
		await dropLeftovers(admin);
		await admin.query(`CREATE DATABASE ${name}`);
		const port = await freePort();
		const env = {
			EXECUTIONS_MODE: 'queue',
			QUEUE_BULL_PREFIX: name,
			QUEUE_BULL_REDIS_HOST: REDIS.host,
			QUEUE_BULL_REDIS_PORT: String(REDIS.port),
			DB_TYPE: 'postgresdb',
			DB_POSTGRESDB_HOST: POSTGRES.host,
			DB_POSTGRESDB_PORT: String(POSTGRES.port),
			DB_POSTGRESDB_USER: POSTGRES.user,
			DB_POSTGRESDB_PASSWORD: POSTGRES.password,
			DB_POSTGRESDB_DATABASE: name,
			// n8n's own is 2, of which hundreds of executions at once make a queue.
			DB_POSTGRESDB_POOL_SIZE: '10',
			N8N_ENCRYPTION_KEY: name,
			WEBHOOK_URL: `http://127.0.0.1:${port}/`,
		};
		const main = await startN8n({ n8n: lab.n8n, userFolder, env, port });
		processes.push(main);
		const worker = await startN8n({ n8n: lab.n8n, userFolder, env, mode: 'worker' });
		processes.push(worker);
		const connected = new Client({ ...POSTGRES, database: name });
		client = connected;
		await connected.connect();
		const query = async (/** @type {string} */ sql, /** @type {unknown[]} */ values = []) =>
			(await connected.query(sql, values)).rows;
		return await work({ main, worker, query });
	} finally {
		// Not asked to stop: what still waits in the queue is of no use to anybody.
		await Promise.all(processes.map(async (each) => await each.kill()));
		await client?.end();
		await admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
		await admin.end();
		const keys = await redis.keys(`*${name}*`);
		if (keys.length > 0) await redis.del(...keys);
		redis.disconnect();
	}
}

/**
 * A run that was killed could not take its database along.
 *
 * @param {{ query: (sql: string, values?: unknown[]) => Promise<{ rows: any[] }> }} admin
 */
async function dropLeftovers(admin) {
	const { rows } = await admin.query('SELECT datname FROM pg_database');
	for (const { datname } of rows) {
		const [, pid] = LEFTOVER.exec(datname) ?? [];
		if (pid !== undefined && !isAlive(Number(pid))) {
			await admin.query(`DROP DATABASE IF EXISTS ${datname} WITH (FORCE)`);
		}
	}
}

/** @param {number} pid */
function isAlive(pid) {
	try {
		process.kill(pid, 0);
		return true;
	} catch {
		return false;
	}
}

/**
 * @template T
 * @param {string} what
 * @param {{ host: string, port: number }} where
 * @param {() => Promise<T>} connect
 */
async function reach(what, { host, port }, connect) {
	try {
		return await connect();
	} catch (error) {
		const { message } = /** @type {Error} */ (error);
		throw new Problem(
			`Queue mode needs ${what} at ${host}:${port}, which does not let the bench in (${message}): start it, or leave question f out with --only.`,
			{ cause: error },
		);
	}
}
