// @ts-check
/**
 * What was asked of the emulator, in order, and which of it the documented contracts forbid.
 *
 * @typedef {object} Entry
 * @property {number} n counts from 1, also across what the bounded log has forgotten
 * @property {number} at Unix time in milliseconds
 * @property {'api'|'media'} listener
 * @property {string} action
 * @property {string | null} provider
 * @property {string} method
 * @property {string} path with its query
 * @property {import('node:http').IncomingHttpHeaders} headers
 * @property {unknown} body parsed JSON or text when small, else its byte count
 * @property {boolean} carriesKey
 * @property {number | null} status null while no status line was sent
 * @property {string | null} taskId
 * @property {'answered'|'reset'|'hung'|'aborted'|null} ended null while it is under way; aborted: the client left first
 * @property {number} sent bytes of the answer's body handed to the socket
 * @property {string | null} fault kind of the fault that hit it
 */

const MOST_ENTRIES = 200_000;
const LARGEST_BODY = 64 * 1024;
const KEY = /(?<![\w-])emulator-/i;

/** @param {string} text */
const decoded = (text) => {
	try {
		return decodeURIComponent(text);
	} catch {
		return text;
	}
};

export class Journal {
	/** @type {Entry[]} */ requests = [];
	/** @type {{ request: number, what: string }[]} */ violations = [];
	#count = 0;

	/**
	 * @param {'api'|'media'} listener
	 * @param {import('node:http').IncomingMessage} request
	 * @param {{ action: string, provider: string | null, taskId?: string | null }} route
	 * @returns {Entry}
	 */
	open(listener, request, route) {
		const path = request.url ?? '/';
		/** @type {Entry} */
		const entry = {
			n: ++this.#count,
			at: Date.now(),
			listener,
			action: route.action,
			provider: route.provider,
			method: request.method ?? '',
			path,
			headers: request.headers,
			body: null,
			carriesKey: KEY.test(request.rawHeaders.join('\n')) || KEY.test(decoded(path)),
			status: null,
			taskId: route.taskId ?? null,
			ended: null,
			sent: 0,
			fault: null,
		};
		// Forgetting a block at a time keeps the cost of a full log out of the single request.
		if (this.requests.push(entry) > MOST_ENTRIES) this.requests.splice(0, MOST_ENTRIES / 20);
		return entry;
	}

	/**
	 * @param {Entry} entry
	 * @param {Buffer} body
	 */
	keepBody(entry, body) {
		if (body.length === 0) return;
		if (body.length > LARGEST_BODY) return void (entry.body = body.length);
		try {
			entry.body = JSON.parse(body.toString());
		} catch {
			entry.body = body.toString();
		}
	}

	/**
	 * @param {Entry} entry
	 * @param {string} what
	 */
	violation(entry, what) {
		if (this.violations.push({ request: entry.n, what }) > MOST_ENTRIES)
			this.violations.splice(0, MOST_ENTRIES / 20);
	}

	reset() {
		this.requests = [];
		this.violations = [];
		this.#count = 0;
	}
}
