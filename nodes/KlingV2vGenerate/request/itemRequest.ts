import type { IDataObject } from 'n8n-workflow';
import type { Options } from '../../shared/parameters/readOptions';
import type { Provider } from '../../shared/providers';
import type { EndpointName, TaskRef } from '../../shared/task';

/** When the workflow goes on: once the video is there, once a callback has come as well, or at once. */
export const COMPLETIONS = ['poll', 'callback', 'submitOnly'] as const;

export type Completion = (typeof COMPLETIONS)[number];

/** An item's request is recognised by these. */
export interface RequestKey {
	/** Index of the input item. */
	item: number;
	/** The same for the same request, and another for any other. */
	requestHash: string;
	/** The same for the same parameters as they are written in the node, over the same input item. */
	sourceHash: string;
}

/** A request that costs money once it is sent. */
export interface TaskRequest extends RequestKey {
	provider: Provider;
	endpoint: EndpointName;
	path: string;
	/** With a Media in place of each video and image, until it is sent. */
	body: Record<string, unknown>;
	/** Where the provider is asked to call back; already in the body. */
	callbackUrl?: string;
	/** How long to go on trying where the provider is busy, in milliseconds. */
	patience: number;
}

/** A part of a reference video, as its item tells of it: the second of the source where it begins, and its facts. */
export type Clip = IDataObject & { start: number };

/** One input item, checked: the request for its task, and the user's wishes for what comes of it. */
export interface ItemRequest {
	item: number;
	request: TaskRequest;
	/** Length of the video that it asks for, in seconds. */
	seconds: number;
	/** By the user's own price; left out where none is given. */
	estimatedCost?: number;
	completion: Completion;
	options: Options;
	/** The input item's JSON comes along. */
	includeInput: boolean;
	/** The part of the reference video that is sent, once it is planned. */
	clip?: Clip;
	/** The binary field for the video; undefined where it is not wanted. */
	binaryField?: string;
}

/** @returns where the task of an item would be, for an error that comes before there is one */
export function placeOf({ request: { provider, endpoint } }: ItemRequest): Omit<TaskRef, 'taskId'> {
	return { provider: provider.name, endpoint };
}
