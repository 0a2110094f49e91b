// @ts-check
// The servers that n8n in queue mode stands on. They may hold what belongs to others: whatever is made here has a name of its own.
import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { Problem } from './problem.mjs';

const { env } = process;
const POSTGRES = {
	host: env.PGHOST ?? '127.0.0.1',
	port: Number(env.PGPORT ?? 5432),
	user: env.PGUSER ?? 'postgres',
	password: env.PGPASSWORD ?? '',
};
const REDIS = { host: env.REDIS_HOST ?? '127.0.0.1', port: Number(env.REDIS_PORT ?? 6379) };

const ANSWERS_WITHIN_MS = 10_000;

/** Of databases, and of everything in Redis that goes with them. */
const PREFIX = 'kling_v2v_test_';

/**
 * @typedef {(text: string, values?: unknown[]) => Promise<any[]>} Query gives the rows
 *
 * @typedef {object} Stores
 * @property {NodeJS.ProcessEnv} env makes a process one of the n8n that has them
 * @property {Query} query of the database
 * @property {() => Promise<void>} close drops all of it, also what is still in use
 */

/**
 * What the processes of one n8n share: an empty database, an empty part of Redis, and a key. Any number of them can be open at
 * a time. One that a killed run has left behind is dropped when the next is opened, from wherever that is.
 *
 * @param {import('./install.mjs').N8n} n8n whose own clients are used
 * @returns {Promise<Stores>}
 */
export async function openStores(n8n) {
	const name = PREFIX + randomBytes(4).toString('hex');
	const client = await withServers(n8n, async (servers) => {
		for (const leftover of await leftovers(servers)) await drop(servers, leftover);
		await servers.query(`CREATE DATABASE ${name}`);
		// Kept until the end, as a sign of life: n8n itself is not always connected, when it is restarted for instance.
		return await connectPostgres(n8n, name);
	});
	return {
		env: {
			EXECUTIONS_MODE: 'queue',
			DB_TYPE: 'postgresdb',
			DB_POSTGRESDB_HOST: POSTGRES.host,
			DB_POSTGRESDB_PORT: String(POSTGRES.port),
			DB_POSTGRESDB_USER: POSTGRES.user,
			DB_POSTGRESDB_PASSWORD: POSTGRES.password,
			DB_POSTGRESDB_DATABASE: name,
			QUEUE_BULL_REDIS_HOST: REDIS.host,
			QUEUE_BULL_REDIS_PORT: String(REDIS.port),
			QUEUE_BULL_PREFIX: name,
			N8N_REDIS_KEY_PREFIX: name,
			N8N_ENCRYPTION_KEY: randomBytes(24).toString('base64url'),
		},
		query: client.query,
		close: async () => {
			await client.end();
			await withServers(n8n, async (servers) => await drop(servers, name));
		},
	};
}

/** @typedef {{ query: Query, redis: any }} Servers */

/**
 * One at a time, also among runs that know nothing of each other: between making a database and connecting to it, it looks like
 * a leftover.
 *
 * @template T
 * @param {import('./install.mjs').N8n} n8n
 * @param {(servers: Servers) => Promise<T>} work
 * @returns {Promise<T>}
 */
async function withServers(n8n, work) {
	const { query, end } = await connectPostgres(n8n, 'postgres');
	try {
		const redis = await connectRedis(n8n);
		try {
			// It ends with the connection.
			await query('SELECT pg_advisory_lock(hashtext($1))', [PREFIX]);
			return await work({ query, redis });
		} finally {
			redis.disconnect();
		}
	} finally {
		await end();
	}
}

/**
 * What nobody is connected to has lost its run. Process ids would not tell: the servers may serve several machines.
 *
 * @param {Servers} servers
 * @returns {Promise<string[]>}
 */
async function leftovers({ query }) {
	const rows = await query(
		`SELECT datname FROM pg_database WHERE starts_with(datname, $1)
			AND pg_get_userbyid(datdba) = current_user
			AND NOT EXISTS (SELECT FROM pg_stat_activity WHERE datid = pg_database.oid)`,
		[PREFIX],
	);
	return rows.map(({ datname }) => datname);
}

/** @param {Servers} servers @param {string} name */
async function drop({ query, redis }, name) {
	// The database goes last: as long as it is there, somebody will come back for the rest.
	const keys = await redis.keys(`*${name}*`);
	if (keys.length > 0) await redis.del(keys);
	await query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
}

/** @param {import('./install.mjs').N8n} n8n @returns {(name: string) => any} */
const modulesOf = (n8n) => createRequire(n8n.bin);

/**
 * @param {import('./install.mjs').N8n} n8n
 * @param {string} database
 * @returns {Promise<{ query: Query, end: () => Promise<void> }>}
 */
async function connectPostgres(n8n, database) {
	const { Client } = modulesOf(n8n)('pg');
	const client = new Client({
		...POSTGRES,
		database,
		connectionTimeoutMillis: ANSWERS_WITHIN_MS,
	});
	// A connection that breaks fails the next query, and not the whole run.
	client.on('error', () => {});
	await reach('PostgreSQL', POSTGRES, 'PGHOST, PGPORT, PGUSER and PGPASSWORD', () =>
		client.connect(),
	);
	return {
		query: async (text, values) => (await client.query(text, values)).rows,
		end: async () => await client.end(),
	};
}

/** @param {import('./install.mjs').N8n} n8n */
async function connectRedis(n8n) {
	const { Redis } = modulesOf(n8n)('ioredis');
	const client = new Redis({
		...REDIS,
		lazyConnect: true,
		connectTimeout: ANSWERS_WITHIN_MS,
		retryStrategy: null,
	});
	/** @type {unknown} */
	let reason;
	client.on('error', (/** @type {unknown} */ error) => (reason ??= error));
	await reach('Redis', REDIS, 'REDIS_HOST and REDIS_PORT', async () => {
		// What it throws itself says no more than that it is not connected.
		await client.connect().catch((/** @type {unknown} */ error) => {
			throw reason ?? error;
		});
	});
	return client;
}

/**
 * @param {string} what
 * @param {{ host: string, port: number }} where
 * @param {string} variables
 * @param {() => Promise<void>} connect
 */
async function reach(what, { host, port }, variables, connect) {
	try {
		await connect();
	} catch (error) {
		const { message } = /** @type {Error} */ (error);
		throw new Problem(
			`Queue mode needs ${what}, which does not let us in at ${host}:${port} (${message}): start it, or say where it is in the environment variables ${variables}.`,
			{ cause: error },
		);
	}
}
