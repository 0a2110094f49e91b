import type { IDataObject, INodeProperties } from 'n8n-workflow';
import type { ApiProperty } from '../parameters/declare';
import type { EndpointName, KlingTask, ProviderName, TaskRef, TaskStatus } from '../task';

/** The reasons that a provider gives when it refuses a request. */
export interface Problem {
	reason?: string;
	code?: string;
	/** The fields it names, in its own spelling. */
	fields: Array<{ name: string; reason: string }>;
}

/** The claims of a callback, before anything of it is believed. */
export interface Callback {
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

/**
 * The documented parameters of a request, in the order of the editor. Each is shown for its own
 * provider only: `nodeProperties.ts` adds that condition.
 */
export interface RequestParameters {
	/** Chooses the endpoint, where there are several. */
	endpoint?: INodeProperties;
	/** An `ApiProperty` where the API takes the mode in the request body. */
	mode: INodeProperties | ApiProperty;
	prompt: ApiProperty;
	/** The reference video, and what else stands at the top level of the node. */
	main: ApiProperty[];
	additionalFields: ApiProperty[];
}

/** How the Kling V2V Trigger is set up for a provider. */
export interface TriggerSetup {
	/** Tells the user where the trigger's URL goes; shown above the parameters. */
	notice: string;
	/** The same in a few words, to follow "Its URL goes into". */
	urlGoesInto: string;
	/** The parameter Authentication, with the provider's own default and words. */
	authentication: INodeProperties;
	/** The provider's own name for the event Running, where it has one. */
	runningEvent?: string;
}

/**
 * Everything that differs between the APIs, and everything that the editor shows of a provider. A
 * new provider is one more object of this shape; nothing outside its folder knows its name.
 */
export interface Provider {
	/** Its name in parameters and items. Saved workflows hold it, so it stays the same for ever. */
	name: ProviderName;
	/** It is the provider of a node whose user has not chosen one. */
	isDefault?: true;
	/** Its name for people. */
	label: string;
	/** A few words beside the label, where the editor offers the provider. */
	description?: string;
	/** Words by which people look for the nodes. */
	searchTerms: readonly string[];
	/** The n8n credential type that holds its key. */
	credential: string;

	parameters: RequestParameters;
	/** Rules between parameters, checked before anything is sent; each is a sentence for the user. */
	rules(body: Record<string, unknown>, endpoint: EndpointName): string[];
	references(body: Record<string, unknown>): References;
	/**
	 * How long the video of a request will be, in seconds; the longest possible where it depends.
	 * @param reference length of the reference video, where known
	 */
	seconds(body: Record<string, unknown>, endpoint: EndpointName, reference?: number): number;
	/**
	 * The longest reference video that the API takes, in seconds. Where that is longer than Kling's documented limit, a
	 * video between the two brings a hint.
	 */
	longestReference: { max: number; tolerance: number };
	/** Whether the ratio of an image's sides is limited. */
	limitsImageRatio: boolean;

	/** The names of its endpoints; the first is the default. */
	endpoints: readonly EndpointName[];
	createPath(endpoint: EndpointName, mode: Mode): string;
	statusPath(ref: TaskRef): string;
	/** Lists the account's tasks, where the API can. */
	listPath?: string;
	/** How the API takes files that have no public URL, where it does. */
	upload?: {
		path: string;
		/** The MIME types that it takes. */
		types: readonly string[];
		body(mimeType: string): IDataObject;
		/** @returns undefined when the answer is no ticket */
		readTicket(body: unknown): Ticket | undefined;
	};
	/** How to ask for callbacks about one request, where the API can. */
	callback?: {
		ask(url: string): Record<string, unknown>;
		/** Whether the body asks for some already. */
		isTaken(body: Record<string, unknown>): boolean;
	};

	/** @returns the task, or undefined when the answer holds no usable task id */
	readCreated(endpoint: EndpointName, body: unknown): KlingTask | undefined;
	/** @returns the task, or undefined when this is no status answer */
	readTask(ref: TaskRef, body: unknown): KlingTask | undefined;
	/** @returns the tasks, with undefined for an entry that is none; undefined when this is no list */
	readList?(body: unknown): Array<KlingTask | undefined> | undefined;
	readProblem(body: unknown): Problem;
	/** Why a task may be completed and have no link to a video, for the user to read. */
	noLinkReason: string;

	trigger: TriggerSetup;
	/** @returns `foreign` for an event that is not about a Kling task, or undefined when it is no event */
	readCallback(body: unknown): Callback | 'foreign' | undefined;
}
