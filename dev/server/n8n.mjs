// @ts-check
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startChild, tail } from './children.mjs';
import { installedN8n, withNode } from './install.mjs';
import { freePort } from './ports.mjs';
import { Problem } from './problem.mjs';

const HOST = '127.0.0.1';
const READY_WITHIN_MS = 240_000;

/** n8n says so, and ends. */
const PORT_TAKEN = 'is already in use';
/** `startN8n` starts n8n so many times at most, each time with another free port for its broker. */
const MOST_TRIES = 3;

/** n8n gives running executions this long when it is asked to stop. */
const SHUTDOWN_SECONDS = 10;

/** Of the caller's environment, only what programs need to run: a variable for another n8n must not reach this one. */
const PASSED_ON = [
	'PATH',
	'Path',
	'TMPDIR',
	'TEMP',
	'TMP',
	'LANG',
	'LC_ALL',
	'TZ',
	'SystemRoot',
	'ComSpec',
	'NODE_EXTRA_CA_CERTS',
];

/** Nothing of this server is to leave the machine. */
const SILENT = {
	N8N_AI_ENABLED: 'false',
	N8N_DIAGNOSTICS_ENABLED: 'false',
	// It asks n8n's makers for their list of MCP servers at every start.
	N8N_DISABLED_MODULES: 'mcp-registry',
	N8N_DYNAMIC_BANNERS_ENABLED: 'false',
	N8N_HIRING_BANNER_ENABLED: 'false',
	N8N_LICENSE_AUTO_RENEW_ENABLED: 'false',
	N8N_PERSONALIZATION_ENABLED: 'false',
	N8N_TEMPLATES_ENABLED: 'false',
	// The list of verified packages is fetched from n8n's makers.
	N8N_VERIFIED_PACKAGES_ENABLED: 'false',
	N8N_VERSION_NOTIFICATIONS_ENABLED: 'false',
	N8N_VERSION_NOTIFICATIONS_WHATS_NEW_ENABLED: 'false',
};

/**
 * The processes that an n8n can consist of: `start` alone, or all three with a queue between them.
 *
 * @typedef {'start' | 'webhook' | 'worker'} Mode
 */

/**
 * @typedef {object} Place
 * @property {string} userFolder holds all that n8n keeps: database, settings, community packages, binary store
 * @property {NodeJS.ProcessEnv} [env] n8n's own variables, over the ones set here
 * @property {import('./install.mjs').N8n} [n8n] by default the installed one
 */

/** @param {Place & { n8n: import('./install.mjs').N8n }} place @returns {NodeJS.ProcessEnv} */
function environment({ userFolder, env, n8n }) {
	const passedOn = Object.fromEntries(
		PASSED_ON.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])),
	);
	return withNode(n8n.node, {
		...passedOn,
		...SILENT,
		HOME: userFolder,
		N8N_USER_FOLDER: userFolder,
		N8N_ENFORCE_SETTINGS_FILE_PERMISSIONS: 'true',
		N8N_GRACEFUL_SHUTDOWN_TIMEOUT: String(SHUTDOWN_SECONDS),
		// Servers of tests listen on 127.0.0.1, and "localhost" may mean ::1 first.
		NODEJS_PREFER_IPV4: 'true',
		// Browsers keep a "secure" cookie for https only, and this is a loopback address.
		N8N_SECURE_COOKIE: 'false',
		...env,
	});
}

/**
 * @typedef {object} RunningN8n
 * @property {string} url
 * @property {number} port
 * @property {number} pid
 * @property {string} log
 * @property {import('./children.mjs').Child['ended']} ended
 * @property {() => boolean} running
 * @property {() => Promise<void>} stop as an operator would
 * @property {() => Promise<void>} kill as a power cut would
 */

/**
 * Starts one n8n process and waits until it answers. It listens on the loopback address only. SQLite and a single process
 * are n8n's defaults; another database or a queue is a matter of `env`, with one call per process:
 * `EXECUTIONS_MODE=queue`, `QUEUE_BULL_REDIS_HOST`, `DB_TYPE=postgresdb`, …, and the same `N8N_ENCRYPTION_KEY` for all.
 *
 * @param {Place & { port?: number, mode?: Mode, log?: string }} options without a port, a free one is taken
 * @returns {Promise<RunningN8n>}
 */
export async function startN8n(options) {
	for (let tries = 1; ; tries++) {
		try {
			return await startOnce(options);
		} catch (error) {
			// Another program was faster to take a port that had been free.
			const isTaken = error instanceof Problem && error.details?.includes(PORT_TAKEN);
			if (!isTaken || tries === MOST_TRIES) throw error;
		}
	}
}

/** @param {Parameters<typeof startN8n>[0]} options @returns {Promise<RunningN8n>} */
async function startOnce({ userFolder, env, port, mode = 'start', n8n = installedN8n(), log }) {
	fs.mkdirSync(userFolder, { recursive: true, mode: 0o700 });
	const chosen = port ?? (await freePort());
	const file = log ?? path.join(userFolder, `n8n-${mode}.log`);
	fs.rmSync(file, { force: true });

	const url = `http://${HOST}:${chosen}`;
	const child = startChild(`n8n ${mode}`, n8n.node, [n8n.bin, mode], {
		// n8n reads a .env file where it is started: not the project's.
		cwd: userFolder,
		leashed: true,
		graceMs: (SHUTDOWN_SECONDS + 10) * 1000,
		log: file,
		env: environment({
			userFolder,
			n8n,
			env: {
				N8N_HOST: HOST,
				N8N_LISTEN_ADDRESS: HOST,
				N8N_PORT: String(chosen),
				// Every process has a broker for its code runner; its fixed port would allow one n8n per machine.
				N8N_RUNNERS_BROKER_PORT: String(await freePort()),
				...(mode === 'worker' && {
					QUEUE_HEALTH_CHECK_ACTIVE: 'true',
					QUEUE_HEALTH_CHECK_PORT: String(chosen),
					N8N_WORKER_SERVER_ADDRESS: HOST,
				}),
				...env,
			},
		}),
	});

	/** @type {string | undefined} */
	let ending;
	void child.ended.then(({ code, signal, error }) => {
		ending = error?.message ?? (signal ? `by ${signal}` : `with code ${code}`);
	});
	const deadline = Date.now() + READY_WITHIN_MS;
	while (!(await isReady(url, mode))) {
		if (ending !== undefined) {
			throw new Problem(`n8n did not start, it ended ${ending}: its whole log is in ${file}.`, {
				details: tail(file),
			});
		}
		if (Date.now() > deadline) {
			await child.stop();
			throw new Problem(
				`n8n did not get ready within ${READY_WITHIN_MS / 1000} s: its whole log is in ${file}.`,
				{
					details: tail(file),
				},
			);
		}
		await sleep(200);
	}

	return {
		url,
		port: chosen,
		pid: /** @type {number} */ (child.process.pid),
		log: file,
		ended: child.ended,
		running: child.running,
		stop: child.stop,
		kill: child.kill,
	};
}

/** @param {string} url @param {Mode} mode */
async function isReady(url, mode) {
	const answers = async (/** @type {string} */ path) =>
		await fetch(url + path, { signal: AbortSignal.timeout(5000) })
			.then(
				async (response) => response.ok && (await response.json()),
				() => false,
			)
			.catch(() => false);
	if (!(await answers('/healthz/readiness'))) return false;
	// The main process is healthy some moments before the editor's API is there.
	return mode !== 'start' || Boolean(await answers('/rest/settings'));
}

/**
 * Runs one of n8n's commands to its end, such as `['export:workflow', '--all']`, on a server's user folder and database.
 *
 * @param {Place & { args: string[] }} options
 * @returns {Promise<{ code: number | null, output: string }>}
 */
export async function n8nCommand({ userFolder, env, n8n = installedN8n(), args }) {
	/** @type {string[]} */
	const lines = [];
	const child = startChild(`n8n ${args[0]}`, n8n.node, [n8n.bin, ...args], {
		cwd: userFolder,
		leashed: true,
		env: environment({
			userFolder,
			n8n,
			env: { N8N_RUNNERS_BROKER_PORT: String(await freePort()), ...env },
		}),
		onLine: (line) => lines.push(line),
	});
	const { code } = await child.ended;
	return { code, output: lines.join('\n') };
}
