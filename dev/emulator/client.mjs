// @ts-check
/** The emulator as a process of its own, and the way to steer it: used by tests, the bench and `npm start` alike. */
import fs from 'node:fs';
import path from 'node:path';
import { startChild } from '../server/children.mjs';
import { Problem } from '../server/problem.mjs';
import { root } from '../setup.mjs';

const READY_WITHIN_MS = 120_000;

/**
 * @typedef {object} Addresses
 * @property {string} apiUrl of both providers' APIs
 * @property {string} mediaUrl of reference and result videos
 * @property {string} controlUrl for looking into the emulator by hand
 *
 * @typedef {object} Seen one request that the emulator has had
 * @property {number} n counts from 1
 * @property {number} at milliseconds since 1970
 * @property {'api' | 'media'} listener
 * @property {string} action
 * @property {string} [provider]
 * @property {string} method
 * @property {string} path
 * @property {Record<string, string>} headers
 * @property {unknown} body
 * @property {boolean} carriesKey
 * @property {number} [status]
 * @property {string} [taskId]
 * @property {string | null} ended
 * @property {number} sent bytes of the answer's body
 *
 * @typedef {object} Receipt what the receiver of a callback has answered
 * @property {string} event
 * @property {number | null} status
 * @property {string | null} error
 * @property {string} answer
 * @property {true} [dropped] the callback was not sent at all
 *
 * @typedef {object} EmulatedTask
 * @property {string} provider
 * @property {string} endpoint
 * @property {string} taskId
 * @property {string} status in the provider's words
 * @property {'billed' | 'rejected' | 'seeded'} account whether somebody pays for it
 * @property {number} createdAt milliseconds since 1970
 * @property {number | null} completedAt the same
 * @property {Record<string, unknown>} body of the request that has created it
 * @property {Receipt[]} callbacks
 *
 * @typedef {object} State
 * @property {EmulatedTask[]} tasks in the order of their creation
 * @property {{ magnific: number, muleRouter: number, total: number }} billed
 * @property {unknown} rejected
 * @property {Seen[]} requests
 * @property {Array<{ request: number, what: string }>} violations of the documented contracts
 *
 * @typedef {object} Rule a fault of the emulator's README
 * @property {Record<string, unknown>} match
 * @property {number} [times]
 * @property {number} [skip]
 * @property {{ kind: string } & Record<string, unknown>} fault
 */

/** Steers an emulator in another process; the README has the table of its control addresses. */
export class EmulatorClient {
	/**
	 * @param {Addresses} addresses
	 * @param {import('../server/children.mjs').Child} child
	 */
	constructor({ apiUrl, mediaUrl, controlUrl }, child) {
		this.apiUrl = apiUrl;
		this.mediaUrl = mediaUrl;
		this.controlUrl = controlUrl;
		this.ended = child.ended;
		this.stop = child.stop;
	}

	/** A video that both providers take as a reference. */
	get referenceUrl() {
		return `${this.mediaUrl}/reference.mp4`;
	}

	/**
	 * Asks on the media listener, which answers even while the API refuses connections.
	 *
	 * @param {'GET' | 'POST' | 'PATCH' | 'DELETE'} method
	 * @param {string} at an address of the README's table, without the prefix
	 * @param {unknown} [body]
	 * @returns {Promise<any>}
	 */
	async control(method, at, body) {
		const response = await fetch(`${this.mediaUrl}/__emulator${at}`, {
			method,
			...(body !== undefined && {
				headers: { 'content-type': 'application/json' },
				body: JSON.stringify(body),
			}),
		});
		const text = await response.text();
		if (!response.ok) {
			throw new Error(`The emulator answered ${method} ${at} with ${response.status}: ${text}`);
		}
		return text === '' ? undefined : JSON.parse(text);
	}

	/** @returns {Promise<State>} */
	async state() {
		return await this.control('GET', '/state');
	}

	/** @returns {Promise<EmulatedTask[]>} in the order of their creation */
	async tasks() {
		return (await this.control('GET', '/state?requests=0')).tasks;
	}

	/** Forgets everything. @param {Record<string, unknown>} [settings] in place of the defaults */
	async reset(settings = {}) {
		await this.control('POST', '/reset');
		await this.set(settings);
	}

	/** @param {Record<string, unknown>} settings those that change */
	async set(settings) {
		await this.control('PATCH', '/settings', settings);
	}

	/** @param {Rule[]} rules */
	async fault(...rules) {
		await this.control('POST', '/faults', rules);
	}

	async clearFaults() {
		await this.control('DELETE', '/faults');
	}

	/** @param {string[]} taskIds of tasks that end now, well */
	async complete(...taskIds) {
		for (const id of taskIds) await this.control('POST', `/tasks/${id}/complete`);
	}

	/** @param {string} taskId of a task that ends now, without a video */
	async fail(taskId) {
		await this.control('POST', `/tasks/${taskId}/fail`, {});
	}

	/**
	 * Sends one callback now.
	 *
	 * @param {string} taskId
	 * @param {object} [forged] how it differs from the provider's own
	 * @returns {Promise<Receipt>}
	 */
	async callBack(taskId, forged = {}) {
		return await this.control('POST', `/tasks/${taskId}/callback`, forged);
	}

	/**
	 * Makes a task that nobody has paid for.
	 *
	 * @param {Record<string, unknown>} [task]
	 * @returns {Promise<EmulatedTask>}
	 */
	async seed(task = {}) {
		return await this.control('POST', '/tasks', { provider: 'magnific', ...task });
	}

	/**
	 * Tells the video of a completed task from others.
	 *
	 * @param {string} taskId
	 * @returns {Promise<{ sha256: string, bytes: number }>}
	 */
	async video(taskId) {
		return await this.control('GET', `/tasks/${taskId}/sha256`);
	}
}

/**
 * Starts the emulator of both providers in a process of its own, which ends with this one.
 *
 * @param {{ port?: number, mediaPort?: number, taskSeconds?: number, apis?: string[], log?: string }} [options] a port that
 *   is left out is a free one; `apis`: modules of further providers; `log`: a file for its output
 * @returns {Promise<EmulatorClient>}
 */
export async function startEmulator({
	port = 0,
	mediaPort = 0,
	taskSeconds = 2,
	apis = [],
	log,
} = {}) {
	if (log !== undefined) {
		fs.mkdirSync(path.dirname(log), { recursive: true });
		fs.rmSync(log, { force: true });
	}
	/** @type {(addresses: Addresses) => void} */
	let ready = () => {};
	/** @type {Promise<Addresses>} */
	const addresses = new Promise((resolve) => (ready = resolve));
	/** @type {string[]} */
	const said = [];
	const numbers = { port, 'media-port': mediaPort, 'task-seconds': taskSeconds };
	const child = startChild(
		'emulator',
		process.execPath,
		[
			path.join(root, 'dev/emulator/main.mjs'),
			...Object.entries(numbers).flatMap(([name, value]) => [`--${name}`, String(value)]),
			...apis.flatMap((api) => ['--api', api]),
		],
		{
			cwd: root,
			leashed: true,
			log,
			onLine: (line) => {
				if (line.startsWith('{"emulator":true')) ready(JSON.parse(line));
				else said.push(line);
			},
		},
	);
	/** @type {NodeJS.Timeout | undefined} */
	let timer;
	const failed = Promise.race([
		child.ended.then(
			({ code, signal }) => `it ended ${signal ? `by ${signal}` : `with code ${code}`}`,
		),
		new Promise((resolve) => {
			const late = `it was not ready within ${READY_WITHIN_MS / 1000} s`;
			timer = setTimeout(resolve, READY_WITHIN_MS, late);
		}),
	]).then(async (why) => {
		await child.stop();
		throw new Problem(`The emulator did not start: ${why}.`, { details: said.join('\n') });
	});
	try {
		const found = await Promise.race([addresses, failed]);
		failed.catch(() => {});
		return new EmulatorClient(found, child);
	} finally {
		clearTimeout(timer);
	}
}
