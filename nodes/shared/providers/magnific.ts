import { asArray, asObject, asText, isObject, readLinks, readTaskId } from '../read';
import type { KlingTask, TaskRef, TaskStatus } from '../task';
import { isConcurrencyCode } from './overload';
import { DEFAULT_SECONDS } from './provider';
import type { Problem, Provider } from './provider';

/** Magnific: the documented paths of "Kling 3 Omni - Video-to-video generation". */
const TASKS_PATH = '/v1/ai/reference-to-video/kling-v3-omni';

const STATUSES: Record<string, TaskStatus> = {
	CREATED: 'pending',
	IN_PROGRESS: 'running',
	COMPLETED: 'completed',
	FAILED: 'failed',
};

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
	seconds: ({ duration }) => Number(duration ?? DEFAULT_SECONDS),
	readCreated: (endpoint, body) => readTask({ provider: 'magnific', endpoint }, body),
	readTask: (ref, body) => {
		const task = readTask(ref, body, ref.taskId);
		return task?.taskId === ref.taskId ? task : undefined;
	},
	readList: (body) => {
		const list = asObject(body).data;
		if (!Array.isArray(list)) return undefined;
		return list
			.map((entry) => readTask({ provider: 'magnific', endpoint: 'referenceToVideo' }, entry))
			.filter((task) => task !== undefined);
	},
	readProblem,
	isOverload: isConcurrencyCode,
};

/**
 * Status answers, create answers, list entries and callbacks are one shape, with or without `data` around it.
 * @param knownId the id that was asked for, where the answer may leave it out
 */
function readTask(
	ref: Omit<TaskRef, 'taskId'>,
	body: unknown,
	knownId?: string,
): KlingTask | undefined {
	const outer = asObject(body);
	const data = isObject(outer.data) ? outer.data : outer;
	const providerStatus = asText(data.status);
	const taskId = data.task_id === undefined ? knownId : readTaskId(data.task_id);
	if (taskId === undefined || (providerStatus === undefined && knownId !== undefined))
		return undefined;
	// An unknown word must not end a paid wait: it counts as running.
	const status = STATUSES[providerStatus?.toUpperCase() ?? 'CREATED'] ?? 'running';
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

function readFailure(data: Record<string, unknown>) {
	const error = isObject(data.error) ? data.error : data;
	const code = asText(error.code) ?? asText(error.error_code);
	const reason = asText(error.message) ?? asText(error.detail) ?? asText(data.error);
	return { ...(code ? { code } : {}), reason: reason ?? 'Magnific gave no reason' };
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
