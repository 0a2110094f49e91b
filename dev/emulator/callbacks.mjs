// @ts-check
/**
 * Sends callbacks to loopback receivers and keeps what they said.
 *
 * @typedef {object} Message one callback, ready but for what is decided when it is sent
 * @property {string} url
 * @property {string} event what it tells: a Magnific status or a MuleRouter event
 * @property {string} id
 * @property {string} rawBody
 * @property {Buffer | string} key of the signature
 * @property {number} [timestamp] in seconds; now, if not given
 * @property {Record<string, string | null>} [headers] put over the signed ones; null takes one away
 * @property {string} [tamperedBody] sent in place of what was signed
 *
 * @typedef {object} Receipt
 * @property {number} at
 * @property {string} event
 * @property {string} url
 * @property {string} webhookId
 * @property {number | null} status the receiver's
 * @property {string | null} answer the receiver's
 * @property {string | null} error why there is none
 * @property {true} [dropped]
 */
import { createHmac } from 'node:crypto';
import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { isLoopback, readAll } from './http.mjs';
import { isOver } from './tasks.mjs';

const PATIENCE_MS = 15_000;
const LONGEST_ANSWER = 16 * 1024;

/** @typedef {import('./tasks.mjs').Task} Task */

export class Courier {
	#emulator;
	/** Callbacks of one task keep their order. @type {WeakMap<Task, Promise<unknown>>} */ #last =
		new WeakMap();
	/** @type {Map<Task, Message[]>} */ #held = new Map();

	/** @param {import('./server.mjs').Emulator} emulator */
	constructor(emulator) {
		this.#emulator = emulator;
	}

	/**
	 * Called at every change of phase; what comes of it is a matter of the settings.
	 * @param {Task} task
	 */
	changed(task) {
		const { mode, delayMs } = this.#emulator.settings.callbacks;
		const message = this.#emulator.provider(task.provider).callback(task, this.#emulator);
		if (message && this.#isWanted(task, message.event)) {
			if (mode === 'drop') task.callbacks.push({ ...receipt(message), dropped: true });
			else if (mode === 'reverse' || mode === 'burst')
				this.#held.set(task, [...(this.#held.get(task) ?? []), message]);
			else
				this.#enqueue(task, () => this.#post(task, message, mode === 'duplicate' ? 2 : 1), delayMs);
		}
		if (mode === 'reverse' && isOver(task)) this.#releaseReversed(task, delayMs);
		if (mode === 'burst' && this.#emulator.ledger.openTasks === 0) this.#releaseAll(delayMs);
	}

	/**
	 * @param {Task} task
	 * @param {string} event
	 */
	#isWanted(task, event) {
		const { settings, provider } = this.#emulator;
		return settings.callbacks.events?.includes(event) ?? provider(task.provider).isEvent(event);
	}

	/**
	 * @param {Task} task
	 * @param {() => Promise<unknown>} work
	 * @param {number} delayMs
	 */
	#enqueue(task, work, delayMs) {
		const due = delayMs ? sleep(delayMs, undefined, { ref: false }) : undefined;
		this.#last.set(task, Promise.all([this.#last.get(task), due]).then(work));
	}

	/**
	 * @param {Task} task
	 * @param {number} delayMs
	 */
	#releaseReversed(task, delayMs) {
		const messages = this.#held.get(task) ?? [];
		this.#held.delete(task);
		for (const message of messages.reverse())
			this.#enqueue(task, () => this.#post(task, message), delayMs);
	}

	/** @param {number} delayMs */
	async #releaseAll(delayMs) {
		const held = [...this.#held];
		this.#held.clear();
		if (delayMs) await sleep(delayMs, undefined, { ref: false });
		for (const [task, messages] of held)
			for (const message of messages) void this.#post(task, message);
	}

	/**
	 * One callback now, true or forged.
	 *
	 * @param {Task} task
	 * @param {any} [forged] providerStatus, body, tamperedBody, headers, secret, webhookId, timestamp, url
	 * @returns {Promise<Receipt[] | null>} null when the task has no receiver
	 */
	async send(task, forged = {}) {
		const message = this.#emulator.provider(task.provider).callback(task, this.#emulator, forged);
		if (!message) return null;
		return this.#post(task, {
			...message,
			headers: forged.headers,
			tamperedBody: forged.tamperedBody,
			timestamp: forged.timestamp,
		});
	}

	/**
	 * @param {Task} task
	 * @param {Message} message
	 * @param {number} [copies] sent alike, down to the id
	 */
	async #post(task, message, copies = 1) {
		if (task.life.signal.aborted) return [];
		const sent = await Promise.all(Array.from({ length: copies }, () => post(message)));
		task.callbacks.push(...sent);
		return sent;
	}

	reset() {
		this.#held.clear();
	}
}

/**
 * @param {Message} message
 * @returns {Receipt}
 */
const receipt = ({ event, url, id }) => ({
	at: Date.now(),
	event,
	url,
	webhookId: id,
	status: null,
	answer: null,
	error: null,
});

/**
 * @param {Message} message
 * @returns {Promise<Receipt>}
 */
async function post(message) {
	const noted = receipt(message);
	const { protocol, hostname } = new URL(message.url);
	if (protocol !== 'http:' || !isLoopback(hostname))
		return { ...noted, error: 'not called: the emulator only calls loopback receivers' };
	try {
		const response = await exchange(message);
		const answer = await readAll(response, LONGEST_ANSWER);
		return { ...noted, status: response.statusCode ?? null, answer: answer?.toString() ?? null };
	} catch (error) {
		return { ...noted, error: error instanceof Error ? error.message : String(error) };
	}
}

/**
 * @param {Message} message
 * @returns {Promise<import('node:http').IncomingMessage>}
 */
function exchange({
	url,
	id,
	rawBody,
	key,
	timestamp = Math.floor(Date.now() / 1000),
	headers = {},
	tamperedBody,
}) {
	const body = tamperedBody ?? rawBody;
	const signed = {
		'content-type': 'application/json',
		'content-length': String(Buffer.byteLength(body)),
		'user-agent': 'kling-v2v-emulator',
		'webhook-id': id,
		'webhook-timestamp': String(timestamp),
		'webhook-signature': `v1,${signature(key, `${id}.${timestamp}.${rawBody}`)}`,
	};
	const wanted = Object.entries({ ...signed, ...headers }).flatMap(([name, value]) =>
		value === null ? [] : [[name, value]],
	);
	return new Promise((resolve, reject) => {
		// A connection of its own: a kept one that the receiver is just closing would lose the callback.
		request(
			url,
			{
				method: 'POST',
				headers: Object.fromEntries(wanted),
				agent: false,
				signal: AbortSignal.timeout(PATIENCE_MS),
			},
			resolve,
		)
			.on('error', reject)
			.end(body);
	});
}

/**
 * @param {Buffer | string} key
 * @param {string} content
 */
export const signature = (key, content) =>
	createHmac('sha256', key).update(content).digest('base64');
