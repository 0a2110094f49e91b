import type { Options } from '../../shared/parameters/options';
import type { TaskRef } from '../../shared/task';
import type { TaskRequest } from '../submit/submit';

/** When the workflow goes on: once the video is there, once a callback has come as well, or at once. */
export const COMPLETIONS = ['poll', 'callback', 'submitOnly'] as const;

export type Completion = (typeof COMPLETIONS)[number];

/** One input item, checked: the request for its task, and the user's wishes for what comes of it. */
export interface ItemRequest {
	item: number;
	request: TaskRequest;
	/** Length of the video that it asks for, in seconds. */
	seconds: number;
	completion: Completion;
	options: Options;
	/** The binary field for the video; undefined where it is not wanted. */
	binaryField?: string;
}

/** @returns where the task of an item would be, for an error that comes before there is one */
export function placeOf({ request: { provider, endpoint } }: ItemRequest): Omit<TaskRef, 'taskId'> {
	return { provider: provider.name, endpoint };
}
