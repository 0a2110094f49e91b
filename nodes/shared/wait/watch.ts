import type { IBinaryData, IDataObject } from 'n8n-workflow';
import type { VideoFacts } from '../media/video';
import type { Attempts } from '../result/download';
import { taskToJson } from '../task';
import type { KlingTask } from '../task';

/** A task that is waited for, as it was last seen. Plain data: it is stored with a sleeping execution. */
export interface Watch {
	task: KlingTask;
	/** When the task was created, or this wait began, in milliseconds since 1970. */
	since: number;
	/** When to give up, in milliseconds since 1970. */
	deadline: number;
	/** The user's own interval between looks in milliseconds, if any. */
	pollInterval?: number;
	/** Tasks of one kind take about as long as each other. */
	kind: string;
	/** Created by this run, so that its duration is known once it ends. */
	isNew: boolean;
	/** How long the provider may not know the task, in milliseconds since `since`. */
	unknownFor: number;
	/** When to look next, in milliseconds since 1970. */
	nextLook: number;
	/** When it was last looked at, in milliseconds since 1970. */
	lookedAt?: number;
	/** Refusals in a row. */
	refusals?: number;
	/** How often a completed task had no link. */
	missingLinks?: number;
	/** Callbacks that have said that the task has ended. */
	callbacks?: number;
	/** The wait limit has passed. */
	timedOut?: boolean;
	/** Attempts to fetch the file that have failed, and when to try again, in milliseconds since 1970. */
	fetching?: { attempts: Attempts; nextAttempt: number };
	/** The stored file, once it is there. */
	file?: StoredFile;
}

export interface StoredFile {
	field: string;
	data: IBinaryData;
	media?: VideoFacts;
}

/** @returns how a task is doing, for the eye */
export function progressOf({ task, since }: Watch): IDataObject {
	const { progress } = task;
	return {
		...taskToJson(task),
		...(progress === undefined ? {} : { progress }),
		startedAt: new Date(since).toISOString(),
	};
}
