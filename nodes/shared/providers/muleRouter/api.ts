import { asArray, asObject, asText, isObject, readTaskId } from '../../util/unknown';
import type { Json } from '../../util/unknown';
import { readLinks } from '../../util/urls';
import { newTask } from '../../task';
import type { EndpointName, KlingTask, TaskRef, TaskStatus } from '../../task';
import { failureOf, statusOf } from '../failure';
import { DEFAULT_SECONDS } from '../provider';
import type { Callback, Problem, References } from '../provider';

/** Its name for people. */
export const LABEL = 'MuleRouter';

const MODEL_PATH = '/vendors/klingai/v1/kling-v3-omni';

/** Each endpoint creates, and keeps, its own tasks. */
const CREATE_PATHS: Record<EndpointName, string> = {
	videoToVideo: `${MODEL_PATH}/video-to-video/generation`,
	referenceVideoToVideo: `${MODEL_PATH}/reference-video-to-video/generation`,
	videoEdit: `${MODEL_PATH}/video-to-video/edit`,
};

export const endpoints = Object.keys(CREATE_PATHS);

const STATUSES = new Map<string, TaskStatus>([
	['pending', 'pending'],
	['queued', 'pending'],
	['running', 'running'],
	['processing', 'running'],
	['retrying', 'running'],
	['completed', 'completed'],
	['succeeded', 'completed'],
	['failed', 'failed'],
]);

/** Events about a task are `task.created`, `task.succeeded`, `task.failed`: mostly the word of a status. */
function statusOfEvent(type: string): TaskStatus | undefined {
	if (type === 'task.created') return 'pending';
	return type.startsWith('task.') ? STATUSES.get(type.slice('task.'.length)) : undefined;
}

/** Its command line says up to 10 s, its newer client names no end, and Kling itself takes up to 15 s. */
export const LONGEST_REFERENCE = { max: 15, tolerance: 0.5 };

/** An edit is as long as its reference video, which is at most so long. */
const LONGEST_REFERENCE_SECONDS = LONGEST_REFERENCE.max + LONGEST_REFERENCE.tolerance;

/** Images, elements and frames together, beside a reference video. */
const MAX_REFERENCES = 4;

export function createPath(endpoint: EndpointName): string {
	return CREATE_PATHS[endpoint];
}

export function statusPath({ endpoint, taskId }: TaskRef): string {
	return `${createPath(endpoint)}/${encodeURIComponent(taskId)}`;
}

export function references(body: Json): References {
	return {
		video: 1,
		image: [...asArray(body.images), body.first_frame, body.last_frame].filter(Boolean).length,
		element: asArray(body.elements).length,
	};
}

export function seconds(
	body: Json,
	endpoint: EndpointName,
	reference = LONGEST_REFERENCE_SECONDS,
): number {
	return endpoint === 'videoEdit' || firstVideo(body)?.refer_type === 'base'
		? reference
		: Number(body.duration ?? DEFAULT_SECONDS);
}

export function rules(body: Json, endpoint: EndpointName): string[] {
	const problems: string[] = [];
	if (body.last_frame !== undefined && body.first_frame === undefined) {
		problems.push('Last Frame needs a First Frame');
	}
	const { image, element } = references(body);
	if (image + element > MAX_REFERENCES) {
		problems.push(
			`Images, Elements and frames together are limited to ${MAX_REFERENCES} beside a reference video (${image + element} given)`,
		);
	}
	if (body.last_frame !== undefined && asArray(body.images).length > 1) {
		problems.push('Last Frame cannot be used beside more than one of Images');
	}
	if (endpoint === 'videoToVideo') {
		const { length } = asArray(body.video_list);
		if (length > 1) problems.push(`Reference Videos takes exactly one video (${length} given)`);
		if (firstVideo(body)?.refer_type === 'base' && body.first_frame !== undefined) {
			problems.push('First Frame and Last Frame cannot be used when Refer Type is Base');
		}
	}
	for (const [index, element] of asArray(body.elements).map(asObject).entries()) {
		if (element.type === 'video') {
			problems.push(
				`Elements ${index + 1}: Type Video cannot be used beside a reference video; use Image`,
			);
		} else if (element.frontal_image === undefined || element.reference_images === undefined) {
			problems.push(
				`Elements ${index + 1}: an element needs a Frontal Image, and 1 to 3 Reference Images`,
			);
		}
	}
	return problems;
}

function firstVideo(body: Json) {
	return asArray(body.video_list).map(asObject).at(0);
}

function taskInfo(body: unknown): Json {
	return asObject(asObject(body).task_info);
}

export function readCreated(endpoint: EndpointName, body: unknown): KlingTask | undefined {
	const taskId = readTaskId(taskInfo(body).id);
	if (taskId === undefined) return undefined;
	const ref = { provider: 'muleRouter', endpoint, taskId };
	return readTask(ref, body) ?? newTask(ref, 'pending');
}

export function readTask(ref: TaskRef, body: unknown): KlingTask | undefined {
	const info = taskInfo(body);
	// Kling's own answers, where they are handed on, say `task_status`.
	const providerStatus = asText(info.status) ?? asText(info.task_status);
	const taskId = info.id === undefined ? ref.taskId : readTaskId(info.id);
	if (providerStatus === undefined || taskId !== ref.taskId) return undefined;
	// An unknown word must not end a paid wait: it counts as running.
	const status = statusOf(providerStatus, STATUSES) ?? 'running';
	const outer = asObject(body);
	const seen = {
		status,
		providerStatus,
		videoUrls: status === 'completed' ? readLinks(outer.videos) : [],
	};
	return {
		provider: 'muleRouter',
		endpoint: ref.endpoint,
		taskId,
		...seen,
		createdAt: asText(info.created_at) ?? null,
		updatedAt: asText(info.updated_at) ?? null,
		...failureOf(LABEL, seen, { errors: [info.error, outer.error], around: [info, outer] }),
	};
}

/**
 * Callbacks are set up for the whole account, so most may be about other models. None names the
 * endpoint that keeps the task, nor can it be believed for what it says: the task is looked up.
 */
export function readCallback(body: unknown): Callback | 'foreign' | undefined {
	const { id, type, data } = asObject(body);
	const isEvent = [id, type].every((text) => typeof text === 'string' && text !== '');
	if (!isEvent || !isObject(data)) return undefined;
	const status = statusOfEvent(type as string);
	if (status === undefined) return 'foreign';
	const { vendor = '', model_name: model = '', payload } = data;
	if (typeof vendor !== 'string' || typeof model !== 'string') return undefined;
	if (isForeign(`${vendor}/${model}`)) return 'foreign';
	const taskId = readTaskId(taskInfo(payload).id);
	return taskId === undefined ? undefined : { taskId, status, endpoints: likeliestFirst(model) };
}

/** How exactly they write vendor and model is not published; without either, it may be ours. */
function isForeign(model: string): boolean {
	const name = model.toLowerCase();
	if (name === '/') return false;
	const isOmni = name.includes('kling') && name.includes('omni');
	return !isOmni || name.includes('text-to-video') || name.includes('image-to-video');
}

function likeliestFirst(model: string): EndpointName[] {
	const isNamed = (endpoint: EndpointName) =>
		model.includes(createPath(endpoint).slice(MODEL_PATH.length));
	return [...endpoints].sort((a, b) => Number(isNamed(b)) - Number(isNamed(a)));
}

/** Refusals are RFC 9457 problems: `{status, title, detail, code}`. */
export function readProblem(body: unknown): Problem {
	const outer = asObject(body);
	const problem = isObject(outer.error) ? outer.error : outer;
	return {
		reason: asText(problem.detail) ?? asText(problem.title) ?? asText(problem.message),
		code: asText(problem.code),
		fields: [],
	};
}
