import { asArray, asObject, asText, isObject, readTaskId } from '../../util/unknown';
import type { Json } from '../../util/unknown';
import { readLinks, readUrl } from '../../util/urls';
import { lacksLink } from '../../task';
import type { EndpointName, KlingTask, TaskRef, TaskStatus } from '../../task';
import { failureOf, statusOf } from '../failure';
import { DEFAULT_SECONDS } from '../provider';
import type { Callback, Mode, Problem, References, Ticket } from '../provider';

/** The documented paths, bodies and answers of "Kling 3 Omni - Video-to-video generation". */

/** Of the list and, with an id, of a status. To create a task, the mode is its suffix. */
export const TASKS_PATH = '/v1/ai/reference-to-video/kling-v3-omni';

/** Its name for people. */
export const LABEL = 'Magnific';

const STATUSES = new Map<string, TaskStatus>([
	['created', 'pending'],
	['inprogress', 'running'],
	['completed', 'completed'],
	['failed', 'failed'],
]);

const PLACE = { provider: 'magnific', endpoint: 'referenceToVideo' } as const;

export const endpoints = [PLACE.endpoint];

export function createPath(_endpoint: EndpointName, mode: Mode): string {
	return `${TASKS_PATH}-${mode}`;
}

/** One path for both modes: the status has no suffix. */
export function statusPath({ taskId }: TaskRef): string {
	return `${TASKS_PATH}/${encodeURIComponent(taskId)}`;
}

export const upload = {
	path: '/v1/ai/uploads/request-url',
	types: ['video/mp4', 'video/quicktime', 'video/webm', 'image/png', 'image/jpeg', 'image/webp'],
	body: (mimeType: string) => ({ files: [{ content_type: mimeType }] }),
	readTicket,
};

export const callback = {
	ask: (url: string) => ({ webhook_url: url }),
	isTaken: (body: Json) => body.webhook_url !== undefined,
};

export function references({ image_url: image }: Json): References {
	return { video: 1, image: image ? 1 : 0, element: 0 };
}

export function seconds({ duration }: Json): number {
	return Number(duration ?? DEFAULT_SECONDS);
}

export function readCreated(endpoint: EndpointName, body: unknown): KlingTask | undefined {
	return read({ provider: PLACE.provider, endpoint }, body);
}

export function readTask(ref: TaskRef, body: unknown): KlingTask | undefined {
	const task = read(ref, body, ref.taskId);
	return task?.taskId === ref.taskId ? task : undefined;
}

export function readList(body: unknown): Array<KlingTask | undefined> | undefined {
	const list = asObject(body).data;
	return Array.isArray(list) ? list.map((entry) => read(PLACE, entry)) : undefined;
}

function unwrap(body: unknown): Json {
	const outer = asObject(body);
	return isObject(outer.data) ? outer.data : outer;
}

/**
 * Status answers, create answers, list entries and callbacks are one shape, with or without `data` around it.
 * @param knownId the id that was asked for, where the answer may leave it out
 */
function read(
	ref: Omit<TaskRef, 'taskId'>,
	body: unknown,
	knownId?: string,
): KlingTask | undefined {
	const data = unwrap(body);
	// Kling's own answers, where they are handed on, say `task_status`.
	const providerStatus = asText(data.status) ?? asText(data.task_status);
	const taskId = data.task_id === undefined ? knownId : readTaskId(data.task_id);
	if (taskId === undefined || (providerStatus === undefined && knownId !== undefined))
		return undefined;
	// An unknown word must not end a paid wait: it counts as running.
	const status = statusOf(providerStatus ?? 'CREATED', STATUSES) ?? 'running';
	const seen = {
		status,
		providerStatus: providerStatus ?? 'CREATED',
		videoUrls: status === 'completed' ? readLinks(data.generated) : [],
	};
	return {
		provider: ref.provider,
		endpoint: ref.endpoint,
		taskId,
		...seen,
		createdAt: asText(data.created_at) ?? null,
		updatedAt: asText(data.updated_at) ?? null,
		...(typeof data.progress === 'number' ? { progress: data.progress } : {}),
		...failureOf(LABEL, seen, {
			errors: [data.error, asObject(body).error],
			around: [data, asObject(body)],
		}),
	};
}

/**
 * Unlike an answer, a callback comes from an untrusted caller: it must be as documented. Other events
 * of the account would have the form of https://www.standardwebhooks.com: a type, and data.
 */
export function readCallback(body: unknown): Callback | 'foreign' | undefined {
	const { type, data } = asObject(body);
	const { task_id: id, status, generated } = unwrap(body);
	if (asText(type) !== undefined && isObject(data) && id === undefined) return 'foreign';
	const isCallback =
		typeof id === 'string' &&
		statusOf(asText(status) ?? '', STATUSES) !== undefined &&
		(Array.isArray(generated) || (generated ?? null) === null);
	const task = isCallback ? read(PLACE, body) : undefined;
	if (!task) return undefined;
	return {
		taskId: task.taskId,
		status: task.status,
		endpoints,
		...(lacksLink(task) ? {} : { task }),
	};
}

/** `{"files":[{"upload_url","headers":{…},"asset_url"}]}`, as two working clients read it. */
function readTicket(body: unknown): Ticket | undefined {
	const [file] = asArray(asObject(body).files).map(asObject);
	const uploadUrl = readUrl(file?.upload_url);
	const assetUrl = readUrl(file?.asset_url);
	if (uploadUrl === undefined || assetUrl === undefined) return undefined;
	const headers = Object.entries(asObject(file.headers)).flatMap(([name, value]) =>
		typeof value === 'string' ? [[name, value]] : [],
	);
	return {
		uploadUrl,
		headers: Object.fromEntries(headers) as Record<string, string>,
		assetUrl,
	};
}

/** 400 is `{message}` or problem+json, which may be nested under `problem`. */
export function readProblem(body: unknown): Problem {
	const outer = asObject(body);
	const problem = isObject(outer.problem) ? outer.problem : outer;
	return {
		reason: asText(problem.message) ?? asText(problem.detail) ?? asText(problem.title),
		code: asText(problem.code),
		fields: asArray(problem.invalid_params).map((entry) => {
			const { name, field, reason } = asObject(entry);
			return { name: asText(name) ?? asText(field) ?? '', reason: asText(reason) ?? '' };
		}),
	};
}
