// @ts-check
/** Magnific's side: paths, contract, words and shapes of the Kling 3 Omni reference-to-video API and of its uploads. */
import { randomUUID } from 'node:crypto';
import { checkOf, documented } from './contract.mjs';
import { json } from './http.mjs';
import {
	findTask,
	guard,
	isKey,
	makeTask,
	overRate,
	readJson,
	shown,
	shownId,
} from './provider.mjs';

const BASE = '/v1/ai/reference-to-video/kling-v3-omni';
const UPLOADS = '/v1/ai/uploads/request-url';

const checkCreate = checkOf(documented('magnific/referenceToVideo'));
const checkUpload = checkOf(documented('magnific/requestUpload'));

const words = {
	queued: 'CREATED',
	running: 'IN_PROGRESS',
	completed: 'COMPLETED',
	failed: 'FAILED',
};

/** @type {import('./provider.mjs').Dialect} */
const dialect = {
	refuse: (status, message) => json(status, { message }),
	reject: (found, { magnificShape }) => {
		const problem = {
			message: "Your request parameters didn't validate.",
			invalid_params: found.map(({ name, reason }) => ({ name, reason })),
		};
		return json(400, magnificShape.problemNested ? { problem } : problem, {
			'content-type': 'application/problem+json',
		});
	},
};

/**
 * @param {import('./provider.mjs').Exchange} exchange
 * @returns {import('./provider.mjs').Reply | null} null when the request may pass
 */
function refused(exchange) {
	const { headers } = exchange.request;
	const key = headers['x-magnific-api-key'] ?? headers['x-freepik-api-key'];
	if (headers.authorization !== undefined) {
		exchange.emulator.journal.violation(
			exchange.entry,
			'Magnific was sent an Authorization header',
		);
		return dialect.refuse(401, key ? 'Invalid API key' : 'Missing API key');
	}
	if (!key) return dialect.refuse(401, 'Missing API key');
	if (!isKey(String(key))) return dialect.refuse(401, 'Invalid API key');
	return overRate(exchange, 'magnific', dialect);
}

/** @param {any} body @returns {import('./tasks.mjs').Plan} */
function plan(
	{ duration = '5', aspect_ratio = '16:9', video_url, image_url },
	/** @type {'std'|'pro'} */ tier,
) {
	return {
		tier,
		aspect: aspect_ratio === 'auto' ? 'start image' : aspect_ratio,
		seconds: Number(duration),
		sound: false,
		video: video_url,
		images: image_url ? [{ source: image_url }] : [],
		startImage: image_url ?? null,
	};
}

/**
 * @param {import('./tasks.mjs').Task} task
 * @param {import('./server.mjs').Emulator} emulator
 * @param {import('./faults.mjs').Fault | null} [fault]
 */
function seen(task, emulator, fault = null) {
	const { word, videos } = shown(
		task,
		magnific.word(task, emulator.settings),
		words.completed,
		emulator,
		fault,
	);
	const asObject = emulator.settings.magnificShape.generatedAs === 'object';
	return {
		task_id: task.id,
		status: word,
		generated: (videos ?? []).map((url) => (asObject ? { url } : url)),
	};
}

/** @param {import('./provider.mjs').Exchange} exchange @param {'std'|'pro'} tier */
function create(exchange, tier) {
	const { emulator, fault } = exchange;
	const { body, refusal } = readJson(exchange, dialect, checkCreate);
	if (refusal) return refusal;
	const made = makeTask(exchange, 'magnific', dialect, { body, plan: plan(body, tier) });
	if (made.refusal) return made.refusal;
	const answer = { task_id: shownId(fault, made.task.id), status: words.queued, generated: [] };
	return json(200, emulator.settings.magnificShape.wrapCreate ? { data: answer } : answer);
}

/** @param {import('./provider.mjs').Exchange} exchange @param {string} taskId */
function status(exchange, taskId) {
	const task = findTask(exchange, taskId, ({ provider }) => provider === 'magnific');
	return task
		? json(200, { data: seen(task, exchange.emulator, exchange.fault) })
		: dialect.refuse(404, 'Task not found');
}

/** @param {import('./provider.mjs').Exchange} exchange */
function list({ emulator }) {
	const own = [...emulator.ledger.tasks.values()]
		.filter(({ provider }) => provider === 'magnific')
		.reverse();
	return json(200, {
		data: own.map((task) => ({ task_id: task.id, status: magnific.word(task, emulator.settings) })),
	});
}

/** @param {import('./provider.mjs').Exchange} exchange */
function requestUpload(exchange) {
	const { body, refusal } = readJson(exchange, dialect, checkUpload);
	if (refusal) return refusal;
	return json(200, {
		files: body.files.map((/** @type {{ content_type: string }} */ file) =>
			exchange.emulator.uploads.open(file.content_type),
		),
	});
}

const guarded = guard('magnific', refused);

export const magnific = {
	name: /** @type {const} */ ('magnific'),
	dialect,
	endpoints: [`${BASE}-std`, `${BASE}-pro`],

	/** Whether a task's creation counts as a change of its status is not documented: by default it does not. @param {string} event */
	isEvent: (event) => event !== 'CREATED',

	/** @param {string} path */
	owns: (path) => path.startsWith('/v1/'),

	/**
	 * @param {string} method
	 * @param {string} path
	 * @returns {import('./provider.mjs').Route | null}
	 */
	route(method, path) {
		if (method === 'POST' && path === `${BASE}-std`)
			return guarded('create', (exchange) => create(exchange, 'std'));
		if (method === 'POST' && path === `${BASE}-pro`)
			return guarded('create', (exchange) => create(exchange, 'pro'));
		if (method === 'POST' && path === UPLOADS) return guarded('upload-request', requestUpload);
		if (method === 'GET' && path === BASE) return guarded('list', list);
		const taskId =
			method === 'GET' && path.startsWith(`${BASE}/`) ? path.slice(BASE.length + 1) : '';
		return taskId && !taskId.includes('/')
			? guarded('status', (exchange) => status(exchange, taskId), taskId)
			: null;
	},

	/**
	 * @param {import('./tasks.mjs').Task} task
	 * @param {import('./settings.mjs').Settings} settings
	 */
	word: ({ phase }, { extraStatusWord }) =>
		(phase === 'running' && extraStatusWord) || words[phase],

	/**
	 * @param {import('./tasks.mjs').Task} task
	 * @param {import('./server.mjs').Emulator} emulator
	 * @param {any} [forged]
	 * @returns {import('./callbacks.mjs').Message | null} null without a webhook_url
	 */
	callback(task, emulator, forged = {}) {
		const url = forged.url ?? /** @type {any} */ (task.body)?.webhook_url;
		if (!url) return null;
		const fault = forged.providerStatus
			? { kind: 'task-status', providerStatus: forged.providerStatus }
			: null;
		const payload = forged.body ?? seen(task, emulator, fault);
		return {
			url,
			event: payload.status,
			id: forged.webhookId ?? `msg_${randomUUID()}`,
			rawBody: JSON.stringify(payload),
			// The secret's own UTF-8 bytes are the key, whatever the secret looks like.
			key: Buffer.from(forged.secret ?? emulator.settings.webhookSecret),
		};
	},
};
