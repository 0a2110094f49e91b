// @ts-check
/** MuleRouter's side: its three Kling 3 Omni video-to-video endpoints, their contracts, words and shapes. */
import { randomBytes, randomUUID } from 'node:crypto';
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
import { isLate } from './tasks.mjs';

/** @typedef {import('./contract.mjs').Check} Check */
/** @typedef {import('./contract.mjs').Breach} Breach */

const KLING = '/vendors/klingai/v1/kling-v3-omni';

/** The only codes anyone has published; every other one here is the emulator's own. */
const ASPECT_RATIO_MISSING = 4002;

const IMAGE_RATIO_LIMIT = 2.5;

/** @param {any} body @returns {Breach[]} what no single field tells */
function together(body) {
	const found = [];
	if ((body.images?.length ?? 0) + (body.elements?.length ?? 0) > 4)
		found.push({ name: 'images', reason: 'and elements must not be more than 4 together' });
	for (const [i, element] of (body.elements ?? []).entries()) {
		const name = `elements[${i}]`;
		if (element?.type === 'video')
			found.push({ name: `${name}.type`, reason: 'must not be video beside a reference video' });
		else if (!element?.frontal_image || !element.reference_images)
			found.push({ name, reason: 'of type image needs frontal_image and reference_images' });
	}
	return found;
}

/** @param {any} body @returns {Breach[]} */
function frames({ video_list: [{ refer_type }, ...more], first_frame, last_frame }) {
	const found = [];
	// Not on the page: upstream takes exactly one.
	if (more.length > 0) found.push({ name: 'video_list', reason: 'must not be more than 1 items' });
	if (last_frame && !first_frame) found.push({ name: 'last_frame', reason: 'needs first_frame' });
	if (refer_type === 'base' && (first_frame || last_frame))
		found.push({
			name: 'first_frame',
			reason: 'and last_frame cannot be used with refer_type base',
		});
	return found;
}

/**
 * @param {any} body
 * @returns {Pick<import('./tasks.mjs').Plan, 'tier' | 'images' | 'startImage'>}
 */
function common(body) {
	const portraits = (body.elements ?? []).flatMap((/** @type {any} */ element) => [
		element.frontal_image,
		...element.reference_images,
	]);
	const sources = [body.first_frame, body.last_frame, ...(body.images ?? []), ...portraits].filter(
		Boolean,
	);
	return {
		tier: body.mode ?? 'pro',
		images: sources.map((source) => ({ source, ratioLimit: IMAGE_RATIO_LIMIT })),
		startImage: body.first_frame ?? null,
	};
}

/**
 * @typedef {object} Endpoint
 * @property {Check} check what its page documents of each field
 * @property {boolean} closed whether an unknown key is refused; the documented endpoint passes over it, which is a violation all the same
 * @property {(body: any) => Breach[]} across
 * @property {(body: any) => import('./tasks.mjs').Plan} plan
 */

/** @type {Record<string, Endpoint>} */
const endpoints = {
	[`${KLING}/video-to-video/generation`]: {
		check: checkOf(documented('muleRouter/videoToVideo')),
		closed: false,
		across: (body) => [...together(body), ...frames(body)],
		plan: (body) => {
			const [{ video_url, refer_type, keep_original_sound }] = body.video_list;
			const editing = refer_type === 'base';
			return {
				...common(body),
				video: video_url,
				sound: keep_original_sound === 'yes',
				seconds: editing ? null : (body.duration ?? 5),
				aspect: editing ? 'reference' : (body.aspect_ratio ?? 'start image'),
			};
		},
	},
	[`${KLING}/reference-video-to-video/generation`]: {
		check: checkOf(documented('muleRouter/referenceVideoToVideo')),
		closed: true,
		across: together,
		plan: (body) => ({
			...common(body),
			video: body.video,
			sound: body.keep_audio === true,
			seconds: body.duration ?? 5,
			aspect: body.aspect_ratio,
		}),
	},
	[`${KLING}/video-to-video/edit`]: {
		check: checkOf(documented('muleRouter/videoEdit')),
		closed: true,
		across: together,
		plan: (body) => ({
			...common(body),
			video: body.video,
			sound: body.keep_audio === true,
			seconds: null,
			aspect: 'reference',
		}),
	},
};

/** @returns {Record<string, string>} */
const trace = () => ({
	traceparent: `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`,
});

/** @type {Record<number, string>} */
const titles = {
	400: 'Bad Request',
	401: 'Unauthorized',
	404: 'Not Found',
	429: 'Too Many Requests',
};

/** @type {import('./provider.mjs').Dialect} */
const dialect = {
	refuse: (status, detail, code = status * 10) =>
		json(
			status,
			{ status, title: titles[status] ?? 'Error', detail, code },
			{ 'content-type': 'application/problem+json', ...trace() },
		),
	reject: (found) => {
		const detail = found.map(({ name, reason }) => `${name || 'body'}: ${reason}`).join('; ');
		const noRatio = found.some(
			({ name, reason }) => name === 'aspect_ratio' && reason === 'is required',
		);
		return dialect.refuse(400, detail, noRatio ? ASPECT_RATIO_MISSING : 4000);
	},
};

/** @param {import('./provider.mjs').Exchange} exchange */
function refused(exchange) {
	const { headers } = exchange.request;
	if (headers['x-magnific-api-key'] ?? headers['x-freepik-api-key'])
		exchange.emulator.journal.violation(
			exchange.entry,
			"MuleRouter was sent Magnific's key header",
		);
	const [, key] = /^Bearer (\S+)$/.exec(headers.authorization ?? '') ?? [];
	return isKey(key)
		? overRate(exchange, 'muleRouter', dialect)
		: dialect.refuse(401, 'The API key is missing or not valid');
}

/** @param {import('./provider.mjs').Exchange} exchange @param {Endpoint} endpoint */
function create(exchange, { check, closed, across, plan }) {
	const { emulator, entry, fault } = exchange;
	const { body, refusal } = readJson(exchange, dialect, (value) => {
		const found = check(value);
		const ignored = closed ? [] : found.filter(({ unknown }) => unknown);
		for (const { name } of ignored)
			emulator.journal.violation(entry, `${name} is not a known parameter and was ignored`);
		const serious = found.filter((breach) => !ignored.includes(breach));
		return serious.length > 0 ? serious : across(value);
	});
	if (refusal) return refusal;
	const made = makeTask(exchange, 'muleRouter', dialect, { body, plan: plan(body) });
	return (
		made.refusal ??
		json(
			202,
			{ task_info: { ...info(made.task), id: shownId(fault, made.task.id), status: 'pending' } },
			trace(),
		)
	);
}

/** @param {import('./tasks.mjs').Task} task */
const info = ({ id, createdAt, changedAt }) => ({
	id,
	status: 'pending',
	created_at: new Date(createdAt).toISOString(),
	updated_at: new Date(changedAt).toISOString(),
});

/**
 * @param {import('./tasks.mjs').Task} task
 * @param {import('./server.mjs').Emulator} emulator
 * @param {import('./faults.mjs').Fault | null} [fault]
 */
function seen(task, emulator, fault = null) {
	const { word, videos, failure } = shown(
		task,
		muleRouter.word(task, emulator.settings),
		'completed',
		emulator,
		fault,
	);
	const error =
		failure && 'reason' in failure
			? { code: failure.code, title: 'Task failed', detail: failure.reason }
			: failure;
	return {
		...(videos && { videos }),
		task_info: { ...info(task), status: word, ...(error && { error }) },
	};
}

/** @param {import('./provider.mjs').Exchange} exchange @param {string} taskId @param {string} endpoint */
function status(exchange, taskId, endpoint) {
	const task = findTask(exchange, taskId, (candidate) => candidate.endpoint === endpoint);
	return task
		? json(200, seen(task, exchange.emulator, exchange.fault), trace())
		: dialect.refuse(404, 'The task does not exist');
}

/** @type {Record<string, string>} */
const eventOf = {
	queued: 'task.created',
	completed: 'task.succeeded',
	succeeded: 'task.succeeded',
	failed: 'task.failed',
};

/** A `whsec_` secret carries its key in Base64, as standard webhooks have it; MuleRouter's own scheme is not published. @param {string} secret */
const webhookKey = (secret) =>
	secret.startsWith('whsec_') ? Buffer.from(secret.slice(6), 'base64') : Buffer.from(secret);

const guarded = guard('muleRouter', refused);

export const muleRouter = {
	name: /** @type {const} */ ('muleRouter'),
	dialect,
	endpoints: Object.keys(endpoints),

	isEvent: () => true,

	/** @param {string} path */
	owns: (path) => path.startsWith('/vendors/'),

	/**
	 * @param {string} method
	 * @param {string} path
	 * @returns {import('./provider.mjs').Route | null}
	 */
	route(method, path) {
		const slash = path.lastIndexOf('/');
		const [parent, taskId] = [path.slice(0, slash), path.slice(slash + 1)];
		if (method === 'POST' && Object.hasOwn(endpoints, path))
			return guarded('create', (exchange) => create(exchange, endpoints[path]));
		if (method === 'GET' && Object.hasOwn(endpoints, parent) && taskId)
			return guarded('status', (exchange) => status(exchange, taskId, parent), taskId);
		return null;
	},

	/**
	 * @param {import('./tasks.mjs').Task} task
	 * @param {import('./settings.mjs').Settings} settings
	 */
	word(task, { extraStatusWord }) {
		if (task.phase === 'queued') return isLate(task) ? 'queued' : 'pending';
		if (task.phase === 'running')
			return extraStatusWord ?? (isLate(task) ? 'processing' : 'running');
		return task.phase;
	},

	/**
	 * @param {import('./tasks.mjs').Task} task
	 * @param {import('./server.mjs').Emulator} emulator
	 * @param {any} [forged] given when a callback is asked for whether or not the phase is an event
	 * @returns {import('./callbacks.mjs').Message | null} null without an account webhook, or when the phase is no event
	 */
	callback(task, emulator, forged) {
		const account = emulator.settings.muleRouterWebhook;
		const url = forged?.url ?? account?.url;
		const type =
			(forged?.providerStatus ? eventOf[forged.providerStatus] : eventOf[task.phase]) ??
			(forged ? 'task.created' : null);
		if (!url || !type) return null;
		const id = forged?.webhookId ?? `evt_${randomUUID()}`;
		const payload = seen(
			task,
			emulator,
			forged?.providerStatus
				? { kind: 'task-status', providerStatus: forged.providerStatus }
				: null,
		);
		const envelope = forged?.body ?? {
			id,
			type,
			created_at: new Date().toISOString(),
			data: { vendor: 'klingai', model_name: 'kling-v3-omni', payload },
		};
		return {
			url,
			event: type,
			id,
			rawBody: JSON.stringify(envelope),
			key: webhookKey(forged?.secret ?? account?.secret ?? ''),
		};
	},
};
