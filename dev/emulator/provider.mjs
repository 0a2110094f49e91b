// @ts-check
/**
 * What both APIs share: reading a JSON body, refusing under load, making the task.
 *
 * @typedef {object} Exchange one request on its way through
 * @property {import('./server.mjs').Emulator} emulator
 * @property {import('node:http').IncomingMessage} request
 * @property {import('./journal.mjs').Entry} entry
 * @property {Buffer} body empty where the handler reads the request itself
 * @property {import('./faults.mjs').Fault | null} fault
 * @property {string} path without the query
 * @property {URLSearchParams} query
 *
 * @typedef {import('./http.mjs').Reply} Reply
 * @typedef {object} Route
 * @property {string} action
 * @property {string | null} provider
 * @property {string | null} [taskId]
 * @property {boolean} [streams] the handler reads the body itself
 * @property {(exchange: Exchange) => Reply | Promise<Reply>} answer
 *
 * @typedef {object} Api an emulated API
 * @property {string} name
 * @property {Dialect} dialect
 * @property {string[]} endpoints the paths on which tasks are created
 * @property {(event: string) => boolean} isEvent whether callbacks tell of it by default
 * @property {(path: string) => boolean} owns
 * @property {(method: string, path: string) => Route | null} route
 * @property {(task: import('./tasks.mjs').Task, settings: import('./settings.mjs').Settings) => string} word for the task's phase
 * @property {(task: import('./tasks.mjs').Task, emulator: import('./server.mjs').Emulator, forged?: any) => import('./callbacks.mjs').Message | null} callback
 *   null where the task has no receiver, or the phase is no event
 *
 * @typedef {object} Dialect how a provider refuses
 * @property {(status: number, message: string, code?: number) => Reply} refuse
 * @property {(found: import('./contract.mjs').Breach[], settings: import('./settings.mjs').Settings) => Reply} reject
 */
import { inWords } from './contract.mjs';

/**
 * What makes a provider's routes: each first passes what the provider refuses of any request.
 *
 * @param {string} provider
 * @param {(exchange: Exchange) => Reply | null} refused
 * @returns {(action: string, answer: Route['answer'], taskId?: string) => Route}
 */
export const guard = (provider, refused) => (action, answer, taskId) => ({
	action,
	provider,
	taskId,
	answer: (exchange) => refused(exchange) ?? answer(exchange),
});

/** Only such keys open anything here, so that a real key in a test's configuration is found out at once. */
export const isKey = (/** @type {string | undefined} */ key) => /^emulator-\S+$/.test(key ?? '');

/** Each rate limit set starts with full buckets. @type {WeakMap<object, Record<string, { tokens: number, at: number }>>} */
const buckets = new WeakMap();

/**
 * @param {Exchange} exchange
 * @param {string} provider
 * @param {Dialect} dialect
 * @returns {Reply | null} null when the request is within the rate limit, or there is none
 */
export function overRate({ emulator }, provider, dialect) {
	const { rateLimit } = emulator.settings;
	if (!rateLimit) return null;
	const own = buckets.get(rateLimit) ?? {};
	buckets.set(rateLimit, own);
	const now = Date.now();
	const bucket = (own[provider] ??= { tokens: rateLimit.perSecond, at: now });
	bucket.tokens = Math.min(
		rateLimit.perSecond,
		bucket.tokens + ((now - bucket.at) / 1000) * rateLimit.perSecond,
	);
	bucket.at = now;
	if (bucket.tokens >= 1) {
		bucket.tokens--;
		return null;
	}
	const refusal = dialect.refuse(429, 'Too many requests');
	if (rateLimit.retryAfter !== undefined)
		refusal.headers['retry-after'] = String(rateLimit.retryAfter);
	return refusal;
}

/**
 * @param {Exchange} exchange
 * @param {Dialect} dialect
 * @param {(body: any) => import('./contract.mjs').Breach[]} check
 * @returns {{ body: any, refusal?: undefined } | { body?: undefined, refusal: Reply }}
 */
export function readJson(exchange, dialect, check) {
	const { emulator, request, entry, body: raw } = exchange;
	const broken = (/** @type {string} */ what) => {
		emulator.journal.violation(entry, what);
		return { refusal: dialect.refuse(400, what) };
	};
	if (!/^application\/json\s*(;|$)/i.test(request.headers['content-type'] ?? ''))
		return broken('The content type must be application/json');
	let body;
	try {
		body = JSON.parse(raw.toString());
	} catch {
		return broken('The body is not valid JSON');
	}
	const found = check(body);
	if (found.length === 0) return { body };
	emulator.journal.violation(entry, inWords(found));
	return { refusal: dialect.reject(found, emulator.settings) };
}

/**
 * @param {Exchange} exchange
 * @param {string} provider
 * @param {Dialect} dialect
 * @param {{ body: any, plan: import('./tasks.mjs').Plan }} order
 * @returns {{ task: import('./tasks.mjs').Task, refusal?: undefined } | { task?: undefined, refusal: Reply }}
 */
export function makeTask({ emulator, entry, path }, provider, dialect, { body, plan }) {
	const full = emulator.ledger.isFull(provider);
	if (full && emulator.settings.concurrencyAnswer === '429')
		return { refusal: dialect.refuse(429, 'Too many concurrent tasks for this account', 1303) };
	const task = emulator.ledger.create({
		provider,
		endpoint: path,
		body,
		plan,
		account: full ? 'rejected' : 'billed',
	});
	entry.taskId = task.id;
	return { task };
}

/**
 * The task a status request asks for, unless it does not exist or is still hidden.
 *
 * @param {Exchange} exchange
 * @param {string} taskId
 * @param {(task: import('./tasks.mjs').Task) => boolean} isHere
 */
export function findTask({ emulator }, taskId, isHere) {
	const task = emulator.ledger.tasks.get(taskId);
	if (!task || !isHere(task)) return null;
	return Date.now() - task.createdAt < emulator.settings.notFoundForMs ? null : task;
}

/**
 * The task id as a fault wants it in the answer to a create.
 *
 * @param {import('./faults.mjs').Fault | null} fault
 * @param {string} id
 */
export const shownId = (fault, id) =>
	fault?.kind !== 'task-id' ? id : fault.omit ? undefined : fault.value;

/**
 * What a status answer shows: the task as it is, or as a fault wants it seen.
 *
 * @param {import('./tasks.mjs').Task} task
 * @param {string} word the provider's for the task's phase
 * @param {string} completedWord
 * @param {import('./server.mjs').Emulator} emulator
 * @param {import('./faults.mjs').Fault | null} fault
 * @returns {{ word: string, videos: unknown[] | null, failure: any }}
 */
export function shown(task, word, completedWord, emulator, fault) {
	const link = () => [emulator.links.url(task)];
	switch (fault?.kind) {
		case 'task-status':
			return {
				word: fault.providerStatus,
				videos: fault.providerStatus === completedWord ? link() : null,
				failure: fault.error ?? task.failure,
			};
		case 'no-video':
			return { word: completedWord, videos: [], failure: null };
		case 'bad-video-url':
			return { word: completedWord, videos: [fault.value], failure: null };
		default:
			return { word, videos: task.phase === 'completed' ? link() : null, failure: task.failure };
	}
}
