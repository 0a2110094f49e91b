// @ts-check
/** The API of the provider that does not exist, for the emulator (`--api`). */
import { randomUUID } from 'node:crypto';
import { checkOf } from '../../dev/emulator/contract.mjs';
import { json } from '../../dev/emulator/http.mjs';
import {
	findTask,
	guard,
	isKey,
	makeTask,
	readJson,
	shown,
	shownId,
} from '../../dev/emulator/provider.mjs';

/** @typedef {import('../../dev/emulator/provider.mjs').Exchange} Exchange */
/** @typedef {import('../../dev/emulator/tasks.mjs').Task} Task */

const name = 'acme';
const kinds = ['restyle', 'extend'];

const check = checkOf({
	type: 'object',
	required: ['clip'],
	additionalProperties: false,
	properties: {
		wish: { type: 'string' },
		clip: { type: 'string', format: 'uri' },
		quality: { enum: ['std', 'pro'] },
		length: { type: 'integer', minimum: 3, maximum: 15 },
		notify: { type: 'string', format: 'uri' },
	},
});

/** @type {import('../../dev/emulator/provider.mjs').Dialect} */
const dialect = {
	refuse: (status, problem) => json(status, { problem }),
	reject: (found) => json(422, { problem: 'Look at the fields', fields: found }),
};

const guarded = guard(name, ({ request }) =>
	isKey(String(request.headers['x-acme-key'])) ? null : dialect.refuse(401, 'Who is there?'),
);

/**
 * @param {Task} task
 * @param {import('../../dev/emulator/server.mjs').Emulator} emulator
 * @param {import('../../dev/emulator/faults.mjs').Fault | null} [fault]
 */
function job(task, emulator, fault = null) {
	const { word, videos, failure } = shown(
		task,
		words[task.phase],
		words.completed,
		emulator,
		fault,
	);
	return {
		id: task.id,
		kind: task.endpoint.split('/').at(-1),
		state: word,
		files: videos ?? [],
		...(failure && { why: failure.reason }),
	};
}

const words = { queued: 'waiting', running: 'working', completed: 'done', failed: 'broken' };

/** @param {Exchange} exchange */
function create(exchange) {
	const { body, refusal } = readJson(exchange, dialect, check);
	if (refusal) return refusal;
	/** @type {import('../../dev/emulator/tasks.mjs').Plan} */
	const plan = {
		tier: body.quality ?? 'std',
		aspect: 'reference',
		seconds: body.length ?? 4,
		sound: false,
		video: body.clip,
		images: [],
		startImage: null,
	};
	const made = makeTask(exchange, name, dialect, { body, plan });
	if (made.refusal) return made.refusal;
	const shownJob = job(made.task, exchange.emulator);
	return json(201, { job: { ...shownJob, id: shownId(exchange.fault, made.task.id) } });
}

/** @param {Exchange} exchange @param {string} id */
function status(exchange, id) {
	const task = findTask(exchange, id, ({ provider }) => provider === name);
	return task
		? json(200, { job: job(task, exchange.emulator, exchange.fault) })
		: dialect.refuse(404, 'No such job');
}

/** @param {Exchange} exchange */
function list({ emulator }) {
	const own = [...emulator.ledger.tasks.values()].filter(({ provider }) => provider === name);
	return json(200, { jobs: own.map((task) => job(task, emulator)) });
}

/** @type {import('../../dev/emulator/provider.mjs').Api} */
export const api = {
	name,
	dialect,
	endpoints: kinds.map((kind) => `/jobs/${kind}`),
	isEvent: () => true,
	owns: (path) => path.startsWith('/jobs'),
	route(method, path) {
		const [, , id] = path.split('/');
		if (method === 'POST' && api.endpoints.includes(path)) return guarded('create', create);
		if (method === 'GET' && path === '/jobs') return guarded('list', list);
		if (method === 'GET' && id) return guarded('status', (exchange) => status(exchange, id), id);
		return null;
	},
	word: ({ phase }) => words[phase],
	callback(task, emulator, forged = {}) {
		const url = forged.url ?? /** @type {any} */ (task.body).notify;
		if (!url) return null;
		const shownJob = job(task, emulator);
		return {
			url,
			event: shownJob.state,
			id: randomUUID(),
			rawBody: JSON.stringify({ job: shownJob }),
			key: forged.secret ?? emulator.settings.webhookSecret,
		};
	},
};
