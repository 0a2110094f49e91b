import {
	asArray,
	asObject,
	asText,
	isHttpUrl,
	isObject,
	readLinks,
	readTaskId,
} from '../../util/unknown';
import type { Json } from '../../util/unknown';
import { lacksLink } from '../../task';
import type { KlingTask, TaskRef, TaskStatus } from '../../task';
import { isConcurrencyCode } from '../kling';
import { DEFAULT_SECONDS } from '../provider';
import type { Callback, Problem, Provider, Ticket } from '../provider';

/** Magnific: the documented paths of "Kling 3 Omni - Video-to-video generation". */
const TASKS_PATH = '/v1/ai/reference-to-video/kling-v3-omni';

const STATUSES = new Map<string, TaskStatus>([
	['CREATED', 'pending'],
	['IN_PROGRESS', 'running'],
	['COMPLETED', 'completed'],
	['FAILED', 'failed'],
]);

const PLACE = { provider: 'magnific', endpoint: 'referenceToVideo' } as const;

export const magnific: Provider = {
	name: 'magnific',
	label: 'Magnific',
	credential: 'magnificApi',
	endpoints: ['referenceToVideo'],
	createPath: (_endpoint, mode) => `${TASKS_PATH}-${mode}`,
	// One path for both modes: the status has no tier suffix.
	statusPath: ({ taskId }) => `${TASKS_PATH}/${encodeURIComponent(taskId)}`,
	listPath: TASKS_PATH,
	rules: () => [],
	references: ({ image_url: image }) => ({ video: 1, image: image ? 1 : 0, element: 0 }),
	upload: {
		path: '/v1/ai/uploads/request-url',
		types: ['video/mp4', 'video/quicktime', 'video/webm', 'image/png', 'image/jpeg', 'image/webp'],
		body: (mimeType) => ({ files: [{ content_type: mimeType }] }),
		readTicket,
	},
	limitsImageRatio: false,
	callback: {
		ask: (url) => ({ webhook_url: url }),
		isTaken: (body) => body.webhook_url !== undefined,
	},
	seconds: ({ duration }) => Number(duration ?? DEFAULT_SECONDS),
	readCreated: (endpoint, body) => readTask({ provider: 'magnific', endpoint }, body),
	readTask: (ref, body) => {
		const task = readTask(ref, body, ref.taskId);
		return task?.taskId === ref.taskId ? task : undefined;
	},
	readList: (body) => {
		const list = asObject(body).data;
		if (!Array.isArray(list)) return undefined;
		return list.map((entry) => readTask(PLACE, entry)).filter((task) => task !== undefined);
	},
	readCallback,
	readProblem,
	isOverload: isConcurrencyCode,
};

function unwrap(body: unknown): Json {
	const outer = asObject(body);
	return isObject(outer.data) ? outer.data : outer;
}

/**
 * Status answers, create answers, list entries and callbacks are one shape, with or without `data` around it.
 * @param knownId the id that was asked for, where the answer may leave it out
 */
function readTask(
	ref: Omit<TaskRef, 'taskId'>,
	body: unknown,
	knownId?: string,
): KlingTask | undefined {
	const data = unwrap(body);
	const providerStatus = asText(data.status);
	const taskId = data.task_id === undefined ? knownId : readTaskId(data.task_id);
	if (taskId === undefined || (providerStatus === undefined && knownId !== undefined))
		return undefined;
	// An unknown word must not end a paid wait: it counts as running.
	const status = STATUSES.get(providerStatus?.toUpperCase() ?? 'CREATED') ?? 'running';
	return {
		provider: ref.provider,
		endpoint: ref.endpoint,
		taskId,
		status,
		providerStatus: providerStatus ?? 'CREATED',
		videoUrls: status === 'completed' ? readLinks(data.generated) : [],
		createdAt: asText(data.created_at) ?? null,
		updatedAt: asText(data.updated_at) ?? null,
		...(status === 'failed' ? { failure: readFailure(data) } : {}),
	};
}

/** Unlike an answer, a callback comes from anybody: what is not as documented is none. */
function readCallback(body: unknown): Callback | undefined {
	const { status, generated } = unwrap(body);
	const isCallback =
		STATUSES.has(status as string) && (Array.isArray(generated) || (generated ?? null) === null);
	const task = isCallback ? readTask(PLACE, body) : undefined;
	if (!task) return undefined;
	return {
		taskId: task.taskId,
		status: task.status,
		endpoints: magnific.endpoints,
		...(lacksLink(task) ? {} : { task }),
	};
}

function readFailure(data: Record<string, unknown>) {
	const error = isObject(data.error) ? data.error : data;
	const code = asText(error.code) ?? asText(error.error_code);
	const reason = asText(error.message) ?? asText(error.detail) ?? asText(data.error);
	return { ...(code ? { code } : {}), reason: reason ?? 'Magnific gave no reason' };
}

/** `{"files":[{"upload_url","headers":{…},"asset_url"}]}`, as two working clients read it. */
function readTicket(body: unknown): Ticket | undefined {
	const [file] = asArray(asObject(body).files).map(asObject);
	if (!file || !isHttpUrl(file.upload_url) || !isHttpUrl(file.asset_url)) return undefined;
	const headers = Object.entries(asObject(file.headers)).flatMap(([name, value]) =>
		typeof value === 'string' ? [[name, value]] : [],
	);
	return {
		uploadUrl: file.upload_url,
		headers: Object.fromEntries(headers) as Record<string, string>,
		assetUrl: file.asset_url,
	};
}

/** 400 is `{message}` or problem+json, which may be nested under `problem`. */
function readProblem(body: unknown): Problem {
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
