import { NodeApiError, NodeOperationError } from 'n8n-workflow';
import type {
	IBinaryData,
	IDataObject,
	IExecuteFunctions,
	INode,
	INodeExecutionData,
} from 'n8n-workflow';
import { Stopped } from './clock';
import { KlingError, MaybeCreated } from '../errors';
import type { ErrorDetails } from '../errors';
import type { VideoFacts } from '../media/video';
import { isToolCall } from './nodeRun';
import type { NodeContext } from './nodeRun';
import type { KlingTask, TaskRef } from '../task';
import { refOf, taskToJson } from '../task';

/** What becomes of an input item: a task as far as it got, or the request that would make one. */
export type Outcome =
	| {
			task: KlingTask;
			timedOut?: boolean;
			file?: { field: string; data: IBinaryData };
			/** What the file is, where it could be read. */
			media?: VideoFacts;
	  }
	| { preview: IDataObject }
	/** An item that is ready as it is. */
	| { ready: INodeExecutionData };

/** @param isTool an AI agent reads it, and wants a sentence that says what to do next */
function itemOf(outcome: Outcome, item: number, isTool: boolean): INodeExecutionData {
	const pairedItem = { item };
	if ('preview' in outcome) return { json: outcome.preview, pairedItem };
	if ('ready' in outcome) return outcome.ready;
	const { task, timedOut, file, media } = outcome;
	return {
		json: {
			...taskToJson(task, timedOut),
			...(media ? { media: mediaToJson(media) } : {}),
			...(isTool ? { message: sentence(task) } : {}),
		},
		...(file ? { binary: { [file.field]: file.data } } : {}),
		pairedItem,
	};
}

/** Pixels, seconds, frames a second and bytes. */
function mediaToJson({ width, height, duration, frameRate, size }: VideoFacts): IDataObject {
	return { width, height, duration, frameRate, size };
}

function sentence({ taskId, provider, endpoint, status, videoUrls }: KlingTask): string {
	const name = `Kling task ${taskId} (provider ${provider}, endpoint ${endpoint})`;
	if (status === 'completed') return `${name} is completed. The video: ${videoUrls[0]}`;
	if (status === 'failed') return `${name} has failed. Making it again costs again.`;
	return `${name} is ${status}. It takes minutes: ask for its status later, and do not create it again.`;
}

/** Only these keys: with any other, n8n takes a failed item for a good one. */
function errorItem(
	context: NodeContext,
	error: unknown,
	item: number,
	task: TaskRef | undefined,
): INodeExecutionData {
	const known = task ? refOf(task) : {};
	const details = error instanceof KlingError ? { ...known, ...error.details } : known;
	const failed: INodeExecutionData = {
		json: { error: messageOf(context, error), details: withoutGaps(details) },
		pairedItem: { item },
	};
	if (context.getNode().onError === 'continueErrorOutput' && hasSource(context)) {
		// Before 2.36, n8n sorts out a failed item by this alone. Copied on, it would replace the details.
		const value = nodeError(context, error, item);
		Object.defineProperty(failed, 'error', { value, enumerable: false, writable: true });
	}
	return failed;
}

/** Only then does n8n put out copies of failed items, and not the items themselves. */
function hasSource(context: NodeContext): boolean {
	return 'getExecuteData' in context && context.getExecuteData().source !== null;
}

/**
 * The error that ends the run, in n8n's own classes, so that the editor marks item and node:
 * with an HTTP status that of an API, else that of an operation.
 * @param alsoLost what else the user must know of this run, a sentence each
 */
export function nodeError(
	context: NodeContext,
	error: unknown,
	itemIndex: number,
	alsoLost: string[] = [],
): NodeApiError | NodeOperationError {
	const node = context.getNode();
	if (!(error instanceof KlingError)) {
		return new NodeOperationError(node, error as Error, { itemIndex });
	}
	const { message, advice, details } = error;
	const options = { message, itemIndex, description: [advice, ...alsoLost].join(' ') };
	const fault =
		details.httpStatus === undefined
			? new NodeOperationError(node, message, options)
			: new NodeApiError(node, {}, { ...options, httpCode: String(details.httpStatus) });
	// n8n puts a sentence of its own in place of a message that mentions a network error's code.
	fault.message = messageOf(context, error);
	fault.context.details = withoutGaps(details);
	return fault;
}

/** An agent reads nothing but the message, so what to do is in there. */
function messageOf(context: NodeContext, error: unknown): string {
	if (!(error instanceof Error)) return String(error);
	const isAdvised = error instanceof KlingError && isToolCall(context);
	return isAdvised ? `${error.message}. ${error.advice}`.trim() : error.message;
}

function withoutGaps(details: ErrorDetails): IDataObject {
	return Object.fromEntries(Object.entries(details).filter(([, value]) => value !== undefined));
}

/** An item that cannot be worked on, and why. */
export interface FailedItem {
	item: number;
	fault: unknown;
}

/**
 * Reads and checks every item before anything is sent.
 * With Continue On Fail a bad item is kept, with its fault; otherwise it ends the run at once.
 */
export function readItems<T extends { item: number }>(
	run: ErrorPolicy,
	readItem: (item: number) => T,
): Array<T | FailedItem> {
	return run.context.getInputData().map((_, item) => {
		try {
			return readItem(item);
		} catch (fault) {
			return keepOrThrow(run, { item, fault });
		}
	});
}

/** The run that items are checked for, before it does anything. */
export interface ErrorPolicy {
	context: IExecuteFunctions;
	/** Tasks that exist already: an earlier try has created them. */
	created(): TaskRef[];
}

/** @returns the bad item, where the others go on without it */
export function keepOrThrow({ context, created }: ErrorPolicy, bad: FailedItem): FailedItem {
	if (continuesOnFail(context.getNode())) return bad;
	throw nodeError(context, bad.fault, bad.item, rescue(bad.fault, [], created()));
}

/** Whether a failed item leaves the others to go on, as the user has set it in the node. */
export function continuesOnFail({ onError, continueOnFail }: INode): boolean {
	if (onError === undefined) return continueOnFail === true;
	return onError !== 'stopWorkflow';
}

/** The run that the items belong to. */
interface Whole {
	context: NodeContext;
	isTool: boolean;
	/** Called at the first failure: nothing new may begin. */
	end(): void;
	/** The tasks that exist, and are paid, whatever becomes of the run. */
	created(): TaskRef[];
	/** The task of an item, as far as the run knows it. */
	taskOf(item: number): TaskRef | undefined;
}

/**
 * Works on all items at once, in n8n's manner: with Continue On Fail a failed item becomes an error
 * item in its place; otherwise the first failure ends the run, but not before everything under way
 * has settled - a further try must find every task that this one has created.
 */
export async function runItems<T extends { item: number }>(
	{ context, isTool, end, created, taskOf }: Whole,
	entries: Array<T | FailedItem>,
	work: (entry: T) => Promise<Outcome | Outcome[]>,
): Promise<INodeExecutionData[]> {
	const goesOn = continuesOnFail(context.getNode());
	const failures: Array<{ error: unknown; item: number }> = [];
	const results = await Promise.all(
		entries.map(async (entry) => {
			try {
				if ('fault' in entry) throw entry.fault;
				const outcomes = [await work(entry)].flat();
				return outcomes.map((outcome) => itemOf(outcome, entry.item, isTool));
			} catch (error) {
				// What only stopped because another item failed is not why the run ends.
				if (error instanceof Stopped) failures.push({ error, item: entry.item });
				else failures.unshift({ error, item: entry.item });
				if (!goesOn) end();
				return [errorItem(context, error, entry.item, taskOf(entry.item))];
			}
		}),
	);
	if (goesOn || failures.length === 0) return results.flat();
	const [{ error, item }, ...further] = failures;
	throw nodeError(context, error, item, rescue(error, further, created()));
}

/** An error ends the run, but not what it has paid for: says how to get at the rest. */
function rescue(
	error: unknown,
	further: Array<{ error: unknown; item: number }>,
	tasks: TaskRef[],
) {
	const own = error instanceof KlingError ? error.details.taskId : undefined;
	const others = tasks.map(({ taskId }) => taskId).filter((taskId) => taskId !== own);
	return [
		...further.flatMap((failure) =>
			failure.error instanceof KlingError
				? [`Item ${failure.item}: ${failure.error.message}. ${failure.error.advice}`]
				: [],
		),
		...(others.length > 0
			? [
					`Other tasks of this run are billed, and go on at the provider: ${others.join(', ')}. Retry On Fail and, where the parameters give the same values again, Retry Execution take them up without paying twice${error instanceof MaybeCreated ? ', but Retry Execution makes this item anew' : ''}; Kling Task Status fetches them, too.`,
				]
			: []),
	];
}
