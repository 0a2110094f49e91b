import type { IDataObject } from 'n8n-workflow';
import type { EndpointName, KlingTask, ProviderName, TaskRef, TaskStatus } from '../task';

/** What a provider says when it refuses a request. */
export interface Problem {
	reason?: string;
	code?: string;
	/** The fields it names, in its own spelling. */
	fields: Array<{ name: string; reason: string }>;
}

/** What a callback says, before anything of it is believed. */
export interface Callback {
	/** The message's own id, where the body carries one. */
	messageId?: string;
	taskId: string;
	status: TaskStatus;
	/** Where the task may be, likeliest first. */
	endpoints: readonly EndpointName[];
	/** The task, where the callback tells all that a status answer would. */
	task?: KlingTask;
}

/** Where a file can be put, and what it is known by afterwards. */
export interface Ticket {
	uploadUrl: string;
	/** Exactly these are sent with the file. */
	headers: Record<string, string>;
	assetUrl: string;
}

export type Mode = 'std' | 'pro';

/** Documented by both: the length of a video when none is asked for, in seconds. */
export const DEFAULT_SECONDS = 5;

/** How many of each a request brings along, for its prompt to mention as `@Image1`. */
export type References = Record<'video' | 'image' | 'element', number>;

/** Everything that differs between the two APIs. A third one is one more object of this shape. */
export interface Provider {
	name: ProviderName;
	label: string;
	/** The n8n credential type that holds its key. */
	credential: string;
	endpoints: readonly EndpointName[];
	createPath(endpoint: EndpointName, mode: Mode): string;
	statusPath(ref: TaskRef): string;
	/** Lists the account's tasks, where the API can. */
	listPath?: string;
	/** Rules between parameters, checked before anything is sent; each is a sentence for the user. */
	rules(body: Record<string, unknown>, endpoint: EndpointName): string[];
	references(body: Record<string, unknown>): References;
	/** How long the video of a request will be, in seconds; the longest possible where it depends. */
	seconds(body: Record<string, unknown>, endpoint: EndpointName): number;
	/** @returns the task, or undefined when the answer holds no usable task id */
	readCreated(endpoint: EndpointName, body: unknown): KlingTask | undefined;
	/** @returns the task, or undefined when this is no status answer */
	readTask(ref: TaskRef, body: unknown): KlingTask | undefined;
	readList?(body: unknown): KlingTask[] | undefined;
	/** How the API takes files that have no public URL, where it does. */
	upload?: {
		path: string;
		/** The MIME types that it takes. */
		types: readonly string[];
		body(mimeType: string): IDataObject;
		/** @returns undefined when the answer is no ticket */
		readTicket(body: unknown): Ticket | undefined;
	};
	/** Whether the ratio of an image's sides is limited. */
	limitsImageRatio: boolean;
	/** How to ask for callbacks about one request, where the API can. */
	callback?: {
		ask(url: string): Record<string, unknown>;
		/** Whether the body asks for some already. */
		isTaken(body: Record<string, unknown>): boolean;
	};
	/** @returns `foreign` for what is about another model, or undefined when it is no callback */
	readCallback(body: unknown): Callback | 'foreign' | undefined;
	readProblem(body: unknown): Problem;
	/** Whether a failure means "too many tasks at once", which passes by itself. */
	isOverload(problem: { code?: string; reason?: string }): boolean;
}
