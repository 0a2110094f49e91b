// @ts-check
// What the questions are asked with: a real n8n with the packed package, and emulators of the provider.
import fs from 'node:fs';
import path from 'node:path';
import { startEmulator } from '../../emulator/client.mjs';
import { installN8n } from '../../server/install.mjs';
import { newOwner, startInstance, startQueueInstance } from '../../server/instance.mjs';
import { packInto } from '../../server/pack.mjs';
import { setUp } from '../../setup.mjs';
import { installDoubles } from './doubles.mjs';

/** @typedef {import('../../emulator/client.mjs').EmulatorClient} Emulator */
/** @typedef {import('../../server/session.mjs').Session} Session */
/** @typedef {import('../../server/session.mjs').CredentialReference} CredentialReference */

export const API_KEY = 'emulator-bench-key';
export const WEBHOOK_SECRET = 'emulator-webhook-secret';

const owner = newOwner();

export class Lab {
	/**
	 * @param {import('../../server/install.mjs').N8n} n8n
	 * @param {string} folder thrown away at the end
	 * @param {{ folder: string, bytes: number }} packed the package as users get it
	 */
	constructor(n8n, folder, packed) {
		this.n8n = n8n;
		this.folder = folder;
		this.packed = packed;
		this.userFolder = path.join(folder, 'user');
	}

	/** From a fresh clone on. */
	static async open() {
		await setUp();
		const n8n = await installN8n();
		// Beside n8n, and outside of the project: from within, the package would find the project's n8n-workflow, not n8n's.
		const folder = path.join(path.dirname(n8n.folder), `bench-${process.pid}`);
		const userFolder = path.join(folder, 'user');
		fs.mkdirSync(userFolder, { recursive: true, mode: 0o700 });
		// Also after Ctrl-C: a run leaves gigabytes behind otherwise.
		process.once('exit', () => fs.rmSync(folder, { recursive: true, force: true }));
		const { bytes } = await packInto(userFolder, { log: path.join(folder, 'build.log') });
		installDoubles(userFolder);
		const unpacked = path.join(userFolder, '.n8n/nodes/node_modules/n8n-nodes-kling-v2v');
		return new Lab(n8n, folder, { folder: unpacked, bytes });
	}

	close() {
		fs.rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 });
	}

	/**
	 * A freshly started n8n, so that no question suffers from what another has left in memory.
	 *
	 * @template T
	 * @param {(session: Session, pid: number) => Promise<T>} work
	 * @param {NodeJS.ProcessEnv} [env]
	 */
	async withN8n(work, env) {
		const { n8n, userFolder } = this;
		const instance = await startInstance({ n8n, userFolder, owner, env });
		try {
			return await work(instance.session, instance.main.pid);
		} finally {
			await instance.stop();
		}
	}

	/**
	 * n8n in queue mode: one main process and one worker, on stores of their own, which are dropped afterwards.
	 *
	 * @template T
	 * @param {(instance: import('../../server/instance.mjs').QueueInstance) => Promise<T>} work
	 * @returns {Promise<T>}
	 */
	async withQueue(work) {
		const instance = await startQueueInstance({
			n8n: this.n8n,
			folder: path.join(this.folder, 'queue'),
			owner,
			webhooks: 0,
			unpack: async (userFolders) => {
				for (const userFolder of userFolders) {
					const nodes = '.n8n/nodes';
					fs.cpSync(path.join(this.userFolder, nodes), path.join(userFolder, nodes), {
						recursive: true,
					});
				}
			},
			// n8n's own is 2, of which hundreds of executions at once make a queue.
			env: { DB_POSTGRESDB_POOL_SIZE: '10' },
		});
		try {
			return await work(instance);
		} finally {
			// Not asked to stop: what still waits in the queue is of no use to anybody.
			await Promise.all([instance.main.kill(), instance.worker.kill()]);
			await instance.stop();
		}
	}

	/**
	 * @template T
	 * @param {Record<string, unknown>} settings of the emulator's README
	 * @param {(emulator: Emulator) => Promise<T>} work
	 */
	async withEmulator(settings, work) {
		const emulator = await this.#emulator(settings);
		try {
			return await work(emulator);
		} finally {
			await emulator.stop();
		}
	}

	/**
	 * Several, alike.
	 *
	 * @template T
	 * @param {number} count
	 * @param {Record<string, unknown>} settings
	 * @param {(emulators: Emulator[]) => Promise<T>} work
	 */
	async withEmulators(count, settings, work) {
		const emulators = [];
		try {
			while (emulators.length < count) emulators.push(await this.#emulator(settings));
			return await work(emulators);
		} finally {
			await Promise.all(emulators.map(async (emulator) => await emulator.stop()));
		}
	}

	#emulators = 0;

	/** @param {Record<string, unknown>} settings */
	async #emulator(settings) {
		const log = path.join(this.folder, `emulator-${++this.#emulators}.log`);
		const emulator = await startEmulator({ taskSeconds: 2, log });
		await emulator.set({ referenceChecks: false, ...settings });
		return emulator;
	}
}

/**
 * A finished task that nobody paid for.
 *
 * @param {Emulator} emulator
 * @param {{ resultBytes?: number }} [more]
 * @returns {Promise<string>} its id
 */
export async function finishedTask(emulator, more = {}) {
	const { taskId } = await emulator.seed({
		status: 'completed',
		...more,
	});
	return taskId;
}

/**
 * The same key twice: as our credential, and as the header that a user of the HTTP Request node enters.
 *
 * @param {Session} session
 * @param {string} apiUrl
 * @param {string} [name] where there are several emulators
 */
export async function saveCredentials(session, apiUrl, name = 'bench') {
	const magnificApi = await session.saveCredential({
		name: `Magnific ${name}`,
		type: 'magnificApi',
		data: { apiKey: API_KEY, baseUrl: apiUrl, webhookSecret: WEBHOOK_SECRET },
	});
	const httpHeaderAuth = await session.saveCredential({
		name: `Header ${name}`,
		type: 'httpHeaderAuth',
		data: { name: 'x-magnific-api-key', value: API_KEY },
	});
	return { magnificApi, httpHeaderAuth };
}
