// @ts-check
/** Signed, expiring addresses of results. */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

export class ResultLinks {
	#secret = randomBytes(32);
	#emulator;

	/** @param {import('./server.mjs').Emulator} emulator */
	constructor(emulator) {
		this.#emulator = emulator;
	}

	/** @param {import('./tasks.mjs').Task} task */
	url(task) {
		const expires = Math.floor(Date.now() / 1000 + this.#emulator.settings.linkLifetimeSeconds);
		return `${this.#emulator.mediaUrl}/results/${task.id}.mp4?token=exp=${expires}~hmac=${this.#hmac(task, expires)}`;
	}

	/**
	 * @param {import('./tasks.mjs').Task} task
	 * @param {string | null} token
	 */
	isValid(task, token) {
		const [, expires, hmac] = /^exp=(\d+)~hmac=([0-9a-f]{64})$/.exec(token ?? '') ?? [];
		if (!hmac || Number(expires) <= Date.now() / 1000) return false;
		return timingSafeEqual(Buffer.from(hmac), Buffer.from(this.#hmac(task, Number(expires))));
	}

	/** @param {import('./tasks.mjs').Task} task @param {number} expires */
	#hmac = ({ id, linkEpoch }, expires) =>
		createHmac('sha256', this.#secret).update(`${id} ${linkEpoch} ${expires}`).digest('hex');
}
