// @ts-check
/** The other origin: references to work from, signed results, and where uploads go. No key has any business here. */
import { bufferContent, serve } from './content.mjs';
import { reply } from './http.mjs';
import { fixture } from './media.mjs';

/** @typedef {import('./provider.mjs').Exchange} Exchange */

const KEY_HEADERS = ['x-magnific-api-key', 'x-freepik-api-key', 'authorization'];

const refuse = (/** @type {number} */ status, /** @type {string} */ why) =>
	reply(status, `${why}\n`, { 'content-type': 'text/plain' });

/** @param {Exchange} exchange @param {import('./content.mjs').Content} content */
function hand({ emulator, request, fault }, content) {
	const flaw =
		fault?.kind === 'ignore-range' || fault?.kind === 'wrong-range' ? fault.kind : undefined;
	return serve(request, content, { ranges: emulator.settings.acceptRanges, flaw });
}

/** @param {Exchange} exchange @param {string} taskId */
function result(exchange, taskId) {
	const { emulator, query } = exchange;
	const task = emulator.ledger.tasks.get(taskId);
	if (!task?.result || task.phase !== 'completed') return refuse(404, 'No such result');
	return emulator.links.isValid(task, query.get('token'))
		? hand(exchange, task.result)
		: refuse(403, 'The link has expired or its signature is wrong');
}

/** @param {Exchange} exchange @param {string} id */
async function upload({ emulator, request, entry }, id) {
	const slot = emulator.uploads.slots.get(id);
	if (!slot) return refuse(404, 'No such upload');
	const { headers } = request;
	if (entry.carriesKey || KEY_HEADERS.some((name) => headers[name] !== undefined)) {
		emulator.journal.violation(entry, 'the upload carried an API key header');
		return refuse(403, 'The request carries a header that was not signed');
	}
	if (Date.now() >= slot.opensUntil) return refuse(403, 'The upload address has expired');
	if (Object.entries(slot.headers).some(([name, value]) => headers[name] !== value))
		return refuse(403, 'The signed headers are missing or changed');
	if (emulator.settings.uploads.needsLength && headers['content-length'] === undefined)
		return refuse(411, 'The upload needs a content-length');
	return (await emulator.uploads.store(slot, request))
		? reply(200)
		: refuse(413, 'The upload is larger than 200 MB');
}

/** @param {Exchange} exchange @param {string} id */
function asset(exchange, id) {
	const slot = exchange.emulator.uploads.slots.get(id);
	if (!slot?.content) return refuse(404, 'No such asset');
	return Date.now() < slot.assetUntil
		? hand(exchange, slot.content)
		: refuse(403, 'The asset has expired');
}

/** @param {Exchange} exchange */
async function reference(exchange) {
	const found = await fixture(exchange.path);
	return found
		? hand(exchange, bufferContent(found.buffer, found.type))
		: refuse(404, 'Nothing here');
}

/**
 * @param {import('./server.mjs').Emulator} emulator
 * @param {string} method
 * @param {string} path
 * @returns {import('./provider.mjs').Route}
 */
export function mediaRoute(emulator, method, path) {
	const [, kind, name] = /^\/(results|uploads|assets)\/([^/]+)$/.exec(path) ?? [];
	const reading = method === 'GET' || method === 'HEAD';
	if (reading && kind === 'results' && name.endsWith('.mp4')) {
		const taskId = name.slice(0, -'.mp4'.length);
		return {
			action: 'download',
			provider: emulator.ledger.tasks.get(taskId)?.provider ?? null,
			taskId,
			answer: (exchange) => result(exchange, taskId),
		};
	}
	if (method === 'PUT' && kind === 'uploads')
		return {
			action: 'upload',
			provider: 'magnific',
			streams: true,
			answer: (exchange) => upload(exchange, name),
		};
	if (reading && kind === 'assets')
		return { action: 'asset', provider: 'magnific', answer: (exchange) => asset(exchange, name) };
	if (reading && !kind) return { action: 'reference', provider: null, answer: reference };
	return { action: 'other', provider: null, answer: () => refuse(404, 'Nothing here') };
}
