import type { IDataObject } from 'n8n-workflow';
import { linkExpiry } from './util/linkExpiry';

/** The four statuses that every module speaks; a provider's own words stay in `providerStatus`. */
export type TaskStatus = 'pending' | 'running' | 'completed' | 'failed';

/** The name of a provider in the registry (`providers/registry.ts`). */
export type ProviderName = string;

/** The name of one of a provider's endpoints. */
export type EndpointName = string;

/** These three find a task again: without them a paid result is lost. */
export interface TaskRef {
	provider: ProviderName;
	endpoint: EndpointName;
	taskId: string;
}

/** Why a task ended without a video. */
export interface TaskFailure {
	code?: string;
	reason: string;
}

/**
 * The reason where the provider gives none.
 * @param label the provider, as the user knows it
 */
export function gaveNoReason(label: string): string {
	return `${label} gave no reason`;
}

/** One generation at a provider, as it was last seen. */
export interface KlingTask extends TaskRef {
	status: TaskStatus;
	/** The provider's own word for the status, kept for support questions. */
	providerStatus: string;
	/** http(s) links to the results; empty until completed. */
	videoUrls: string[];
	/** ISO 8601 as the provider gave it, or null where it gives none. */
	createdAt: string | null;
	updatedAt: string | null;
	/** How far the task is, in percent, where the provider tells; for the eye. */
	progress?: number;
	/** There where the task has failed, or is completed without a link and says why. */
	failure?: TaskFailure;
}

/** The name and type of a stored result: what the next node saves it as. */
export const VIDEO_MIME_TYPE = 'video/mp4';

export function refOf({ provider, endpoint, taskId }: TaskRef): TaskRef {
	return { provider, endpoint, taskId };
}

/** A task that was created a moment ago, before anything else is known of it. */
export function newTask(ref: TaskRef, providerStatus: string): KlingTask {
	return {
		...refOf(ref),
		status: 'pending',
		providerStatus,
		videoUrls: [],
		createdAt: null,
		updatedAt: null,
	};
}

/** @returns whether there is a video, and no link to it yet */
export function lacksLink(task: Pick<KlingTask, 'status' | 'videoUrls'> | undefined): boolean {
	return task?.status === 'completed' && task.videoUrls.length === 0;
}

/**
 * A task that is completed, and gets no link however often it is asked for: there is no video.
 * @param reason why that is so, as far as is known of the provider
 * @returns the task as failed; any other task as it is
 */
export function failedWithoutLink(task: KlingTask, reason: string): KlingTask {
	if (!lacksLink(task)) return task;
	return { ...task, status: 'failed', failure: task.failure ?? { reason } };
}

/** @returns whether the provider will not change this task any more */
export function isFinished({ status }: Pick<KlingTask, 'status'>): boolean {
	return status === 'completed' || status === 'failed';
}

/**
 * The shape of an item, the same from every node.
 * @param timedOut the wait limit passed before the task finished
 */
export function taskToJson(task: KlingTask, timedOut = false): IDataObject {
	const videoUrl = task.videoUrls[0] ?? null;
	return {
		...refOf(task),
		status: task.status,
		providerStatus: task.providerStatus,
		videoUrl,
		videoUrls: task.videoUrls,
		videoUrlExpiresAt: videoUrl === null ? null : linkExpiry(videoUrl),
		createdAt: task.createdAt,
		updatedAt: task.updatedAt,
		...(task.status === 'failed' && task.failure ? { failure: { ...task.failure } } : {}),
		...(timedOut ? { timedOut: true } : {}),
	};
}
