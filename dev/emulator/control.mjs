// @ts-check
/** How tests look into the emulator and steer it; the README has the table. Reachable on both listeners, without a key. */
import { inWords } from './contract.mjs';
import { deliver, json, readAll } from './http.mjs';
import { changeSettings } from './settings.mjs';
import { sum } from './tasks.mjs';

export const CONTROL = '/__emulator';

/** @typedef {import('./server.mjs').Emulator} Emulator */
/** @typedef {import('./tasks.mjs').Task} Task */
/** @typedef {import('./http.mjs').Reply} Reply */

/**
 * @typedef {object} Ask
 * @property {Emulator} emulator
 * @property {any} body
 * @property {URLSearchParams} query
 * @property {Task} task the one the path names
 * @property {import('node:http').ServerResponse} response
 */

const ok = (/** @type {unknown} */ value = { ok: true }) => json(200, value);
const refuse = (/** @type {number} */ status, /** @type {string} */ error) =>
	json(status, { error });

/** @param {Emulator} emulator @param {Task} task */
const view = ({ settings, provider }, task) => ({
	provider: task.provider,
	endpoint: task.endpoint,
	taskId: task.id,
	status: provider(task.provider).word(task, settings),
	phase: task.phase,
	account: task.account,
	createdAt: task.createdAt,
	completedAt: task.completedAt,
	body: task.body,
	result:
		task.phase === 'completed' && task.result
			? { bytes: task.result.bytes, sha256: task.result.hash }
			: null,
	failure: task.failure,
	callbacks: task.callbacks,
});

const total = (/** @type {Record<string, number>} */ counts) => ({ ...counts, total: sum(counts) });

/** @type {Record<string, (ask: Ask) => Reply | Promise<Reply>>} */
const routes = {
	'GET /state': ({ emulator, query }) => {
		const { settings, ledger, journal, faults } = emulator;
		const since = Number(query.get('since') ?? 0);
		return ok({
			settings,
			tasks: [...ledger.tasks.values()].map((task) => view(emulator, task)),
			billed: total(ledger.billed),
			rejected: total(ledger.rejected),
			...(query.get('requests') !== '0' && {
				requests: journal.requests.filter(({ n }) => n > since),
			}),
			violations: journal.violations,
			faults: faults.rules,
		});
	},
	'POST /reset': ({ emulator }) => {
		emulator.reset();
		return ok();
	},
	'PATCH /settings': ({ emulator, body }) => {
		const found = changeSettings(emulator.settings, body);
		return found.length > 0 ? refuse(400, inWords(found)) : ok(emulator.settings);
	},
	'GET /faults': ({ emulator }) => ok(emulator.faults.rules),
	'POST /faults': ({ emulator, body }) => {
		const found = emulator.faults.add(body);
		return found.length > 0 ? refuse(400, inWords(found)) : ok(emulator.faults.rules);
	},
	'DELETE /faults': ({ emulator }) => {
		emulator.faults.reset();
		return ok();
	},
	'POST /refuse': ({ emulator, body, response }) => {
		if (!(body.ms > 0)) return refuse(400, 'ms must be a number above 0');
		response.once('finish', () => void emulator.api.refuse(body.ms));
		return ok({ refusesForMs: body.ms });
	},
	'POST /tasks': async ({ emulator, body }) => seed(emulator, body),
	'POST /callbacks/burst': async ({ emulator, body }) => {
		const tasks = (body.taskIds ?? []).flatMap(
			(/** @type {string} */ id) => emulator.ledger.tasks.get(id) ?? [],
		);
		if (tasks.length === 0) return refuse(400, 'taskIds must name tasks');
		return ok(
			await Promise.all(
				tasks.map(async (/** @type {Task} */ task) => ({
					taskId: task.id,
					receipts: await emulator.callbacks.send(task),
				})),
			),
		);
	},
	'GET /tasks/:id': ({ emulator, task }) => ok(view(emulator, task)),
	'GET /tasks/:id/sha256': async ({ task }) => {
		await task.ready?.catch(() => {});
		if (!task.result) return refuse(409, 'The task has no result');
		task.result.hash ??= await task.result.sha256();
		return ok({ sha256: task.result.hash, bytes: task.result.bytes });
	},
	'POST /tasks/:id/complete': async ({ emulator, task }) => {
		await emulator.ledger.complete(task);
		return ok(view(emulator, task));
	},
	'POST /tasks/:id/fail': ({ emulator, task, body }) => {
		emulator.ledger.fail(task, {
			reason: body.reason ?? 'The generation failed',
			code: body.code ?? 5001,
		});
		return ok(view(emulator, task));
	},
	'POST /tasks/:id/expire-link': ({ emulator, task }) => {
		task.linkEpoch++;
		return ok(view(emulator, task));
	},
	'POST /tasks/:id/callback': async ({ emulator, task, body }) => {
		const [receipt] = (await emulator.callbacks.send(task, body)) ?? [];
		return receipt ? ok(receipt) : refuse(409, 'The task has no callback receiver');
	},
};

/**
 * A task nobody paid for, as if it had been made before the test.
 *
 * @param {Emulator} emulator
 * @param {any} wish provider, and any of endpoint, body, taskId, taskSeconds, resultBytes, status ('completed' or 'failed' at once), reason, code
 */
async function seed(
	emulator,
	{
		provider: name = 'magnific',
		endpoint,
		body,
		taskId,
		taskSeconds,
		resultBytes,
		status,
		reason,
		code,
	},
) {
	if (!emulator.providerNames.includes(name))
		return refuse(400, `provider must be one of ${emulator.providerNames.join(', ')}`);
	const provider = emulator.provider(name);
	const path = endpoint ?? provider.endpoints[0];
	if (!provider.endpoints.includes(path))
		return refuse(400, `endpoint must be one of ${provider.endpoints.join(', ')}`);
	/** @type {import('./tasks.mjs').Plan} */
	const plan = {
		tier: path.endsWith('-pro') ? 'pro' : 'std',
		aspect: '16:9',
		seconds: Number(body?.duration ?? 5),
		sound: false,
		video: '',
		images: [],
		startImage: null,
	};
	const task = emulator.ledger.create({
		provider: name,
		endpoint: path,
		body: body ?? {},
		plan,
		account: 'seeded',
		id: taskId,
		seconds: taskSeconds,
		resultBytes,
	});
	if (status === 'completed') await emulator.ledger.complete(task);
	if (status === 'failed')
		emulator.ledger.fail(task, { reason: reason ?? 'The generation failed', code: code ?? 5001 });
	return json(201, view(emulator, task));
}

/**
 * @param {Emulator} emulator
 * @param {import('node:http').IncomingMessage} request
 * @param {import('node:http').ServerResponse} response
 * @param {string} path behind the control prefix
 */
export async function control(emulator, request, response, path) {
	const answer = await answerTo(emulator, request, response, path).catch((error) =>
		refuse(500, String(error)),
	);
	// Steering is not part of what is being observed: the journal never hears of it.
	const unlogged = /** @type {import('./journal.mjs').Entry} */ ({ sent: 0 });
	await deliver(answer, request, response, unlogged);
}

/**
 * @param {Emulator} emulator
 * @param {import('node:http').IncomingMessage} request
 * @param {import('node:http').ServerResponse} response
 * @param {string} path
 * @returns {Promise<Reply>}
 */
async function answerTo(emulator, request, response, path) {
	const [, id] = /^\/tasks\/([^/]+)/.exec(path) ?? [];
	const route = `${request.method} ${id ? path.replace(id, ':id') : path}`;
	if (!Object.hasOwn(routes, route))
		return refuse(404, `No such control; there is ${Object.keys(routes).join(', ')}`);
	const task = id ? emulator.ledger.tasks.get(id) : undefined;
	if (id && !task) return refuse(404, `There is no task ${id}`);
	const raw = (await readAll(request, Infinity))?.toString() ?? '';
	let body = {};
	try {
		if (raw) body = JSON.parse(raw);
	} catch {
		return refuse(400, 'The body is not valid JSON');
	}
	const query = new URL(request.url ?? '/', 'http://localhost').searchParams;
	return routes[route]({ emulator, body, query, task: /** @type {Task} */ (task), response });
}
