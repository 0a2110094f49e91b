// @ts-check
import assert from 'node:assert/strict';
import path from 'node:path';
import { startEmulator } from '../../dev/server/emulator.mjs';
import { saveCredentials } from '../../dev/server/examples.mjs';

/**
 * @typedef {import('./world.mjs').World} World
 * @typedef {{ taskId: string, provider: string, status: string }} Task
 * @typedef {{ n: number, at: number, action: string, provider: string, method: string, path: string, taskId: string | null, status: number | null }} Request
 */

let count = 0;

/**
 * The providers as one case meets them: an emulator of its own, with the credentials for it in the world's n8n. Cases share
 * a server, but what one asks for, breaks or counts is not another's.
 */
export class Stage {
	/**
	 * @param {World} world
	 * @param {import('../../dev/server/emulator.mjs').RunningEmulator} emulator
	 * @param {Record<string, import('../../dev/server/session.mjs').CredentialReference>} credentials by credential type
	 */
	constructor(world, emulator, credentials) {
		this.world = world;
		this.emulator = emulator;
		this.credentials = credentials;
		this.videoUrl = `${emulator.mediaUrl}/reference.mp4`;
	}

	/**
	 * Sets the stage for a case, and clears it afterwards. Whatever the case was about, nothing may have been sent that the
	 * providers' documentation forbids.
	 *
	 * @template T
	 * @param {World} world
	 * @param {{ taskSeconds?: number, label?: string, mediaPort?: number }} options `label`: of its credentials
	 * @param {(stage: Stage) => Promise<T>} work
	 * @returns {Promise<T>}
	 */
	static async for(world, { taskSeconds = 2, label, mediaPort }, work) {
		const name = `stage ${++count}`;
		const log = path.join(world.folder, `${name.replace(' ', '-')}.log`);
		const emulator = await startEmulator({ taskSeconds, mediaPort, log });
		try {
			const credentials = await saveCredentials(world.session, emulator.apiUrl, label ?? name);
			const stage = new Stage(world, emulator, credentials);
			const result = await work(stage);
			assert.deepEqual((await stage.state()).violations, [], 'the documented contracts were kept');
			return result;
		} finally {
			await emulator.stop();
		}
	}

	/** @returns {Promise<{ tasks: Task[], billed: number, requests: Request[], violations: unknown[] }>} `billed`: how many tasks */
	async state() {
		const state = await this.emulator.ask('/state');
		return { ...state, billed: state.billed.total };
	}

	/** @param {object} changes */
	async set(changes) {
		await this.emulator.ask('/settings', { method: 'PATCH', body: changes });
	}

	/** @param {object | object[]} rules */
	async addFaults(rules) {
		await this.emulator.ask('/faults', { method: 'POST', body: rules });
	}

	/**
	 * What the video of a task has to be.
	 *
	 * @param {string} taskId
	 * @returns {Promise<{ sha256: string, bytes: number }>}
	 */
	async video(taskId) {
		const { sha256, bytes } = await this.emulator.ask(`/tasks/${taskId}/sha256`);
		return { sha256, bytes };
	}
}
