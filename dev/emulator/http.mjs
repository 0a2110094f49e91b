// @ts-check
/**
 * Replies as values, and the one place that puts them on a socket - whole, or in one of the ways a fault asks for.
 *
 * @typedef {object} Delivery how the reply leaves, when not simply whole
 * @property {number} [afterMs] wait before the answer
 * @property {number} [declare] claim this content-length
 * @property {number} [stopAt] stop after this many bytes of the body
 * @property {boolean} [chunked] without a content-length
 * @property {'reset'|'hang'} [end] what happens then, or at once without `stopAt`
 * @property {number} [bytesPerSecond]
 *
 * @typedef {{ bytes: number, read: () => Iterable<Buffer> | AsyncIterable<Buffer> }} Body
 * @typedef {{ status: number, headers: Record<string, string>, body: Body, delivery?: Delivery }} Reply
 */
import { setTimeout as sleep } from 'node:timers/promises';

/** On every answer, so that no one can take the emulator for the real APIs. */
export const identity = {
	'x-emulator': 'kling-v2v-emulator; not the real API',
	server: 'kling-v2v-emulator',
};

/** @param {string | undefined} hostname as URL.hostname or a Host header without its port gives it */
export const isLoopback = (hostname) =>
	hostname === 'localhost' ||
	hostname === '[::1]' ||
	hostname === '::1' ||
	/^127(\.\d{1,3}){3}$/.test(hostname ?? '');

/**
 * Whether a page of another site sends the request, or reaches this machine by a name of its own (DNS rebinding). A
 * browser says the first of its own accord, and programs such as n8n say nothing of the kind. To open or play a video,
 * a page may ask for it.
 *
 * @param {import('node:http').IncomingMessage} request
 */
export function isForeign({ method, headers }) {
	const hostname = (headers.host ?? '').replace(/:\d+$/, '');
	if (!isLoopback(hostname)) return true;
	const isRead = method === 'GET' || method === 'HEAD';
	const mayShow = isRead && ['navigate', 'no-cors'].includes(String(headers['sec-fetch-mode']));
	if (headers['sec-fetch-site'] === 'cross-site' && !mayShow) return true;
	const { origin } = headers;
	return origin !== undefined && !(URL.canParse(origin) && isLoopback(new URL(origin).hostname));
}

/**
 * @param {number} status
 * @param {string | Buffer} content
 * @param {Record<string, string>} [headers]
 * @returns {Reply}
 */
export function reply(status, content = '', headers = {}) {
	const buffer = Buffer.from(content);
	return { status, headers, body: { bytes: buffer.length, read: () => [buffer] } };
}

/**
 * @param {number} status
 * @param {unknown} value
 * @param {Record<string, string>} [headers]
 */
export const json = (status, value, headers = {}) =>
	reply(status, JSON.stringify(value), { 'content-type': 'application/json', ...headers });

/**
 * @param {AsyncIterable<Buffer>} request
 * @param {number} limit in bytes
 * @returns {Promise<Buffer | null>} null when there is more than that
 */
export async function readAll(request, limit) {
	const chunks = [];
	let bytes = 0;
	for await (const chunk of request) {
		bytes += chunk.length;
		if (bytes > limit) return null;
		chunks.push(chunk);
	}
	return Buffer.concat(chunks);
}

/**
 * @param {Reply} answer
 * @param {import('node:http').IncomingMessage} request
 * @param {import('node:http').ServerResponse} response
 * @param {import('./journal.mjs').Entry} entry
 */
export async function deliver({ status, headers, body, delivery = {} }, request, response, entry) {
	if (delivery.afterMs) await sleep(delivery.afterMs);
	if (response.destroyed) return;
	if (delivery.end && delivery.stopAt === undefined) return breakOff(delivery.end, response, entry);
	response.writeHead(status, {
		...identity,
		...headers,
		...(delivery.chunked ? {} : { 'content-length': String(delivery.declare ?? body.bytes) }),
	});
	entry.status = status;
	if (request.method === 'HEAD' || status === 304) return void response.end();
	const stopped = await pour(body, delivery, response, entry);
	if (stopped && delivery.end) return breakOff(delivery.end, response, entry);
	response.end();
	// A length that was not kept leaves the connection useless: the client would wait for the rest for ever.
	if (delivery.declare !== undefined) response.socket?.destroySoon();
}

/**
 * @param {'reset'|'hang'} how
 * @param {import('node:http').ServerResponse} response
 * @param {import('./journal.mjs').Entry} entry
 */
function breakOff(how, response, entry) {
	entry.ended = how === 'hang' ? 'hung' : 'reset';
	if (how === 'hang') return;
	// Bytes already promised to the client have to arrive first; with none under way a reset is the plain truth.
	if (response.headersSent) response.socket?.destroySoon();
	else response.socket?.resetAndDestroy();
}

/**
 * @param {Body} body
 * @param {Delivery} delivery
 * @param {import('node:http').ServerResponse} response
 * @param {import('./journal.mjs').Entry} entry
 * @returns {Promise<boolean>} true when it stopped early, as asked
 */
async function pour(body, { stopAt = Infinity, bytesPerSecond }, response, entry) {
	const step = bytesPerSecond ? Math.max(1, Math.ceil(bytesPerSecond / 10)) : Infinity;
	for await (const chunk of body.read()) {
		for (let from = 0; from < chunk.length; from += step) {
			const piece = chunk.subarray(
				from,
				Math.min(from + step, from + stopAt - entry.sent, chunk.length),
			);
			if (response.destroyed) return false;
			entry.sent += piece.length;
			if (!response.write(piece)) await drained(response);
			if (bytesPerSecond) await sleep(100);
			if (entry.sent >= stopAt) return true;
		}
	}
	return false;
}

/** @param {import('node:http').ServerResponse} response @returns {Promise<void>} also when the client has left */
const drained = (response) =>
	new Promise((resolve) => {
		const done = () => {
			response.off('drain', done).off('close', done);
			resolve();
		};
		response.once('drain', done).once('close', done);
	});
