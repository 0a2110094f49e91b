import { NodeApiError, NodeOperationError } from 'n8n-workflow';
import type { IDataObject, INode, INodeExecutionData } from 'n8n-workflow';
import { KlingError } from '../errors';
import type { ErrorDetails } from '../errors';
import type { TaskRef } from '../task';
import { refOf } from '../task';
import { markForErrorOutput } from './internals';
import { isToolCall } from './nodeRun';
import type { NodeContext } from './nodeRun';

/** Whether a failed item leaves the others to go on, as the user has set it in the node. */
export function continuesOnFail({ onError, continueOnFail }: INode): boolean {
	if (onError === undefined) return continueOnFail === true;
	return onError !== 'stopWorkflow';
}

/** @returns the item that stands for a failed one; with any other key, n8n takes it for a good one */
export function errorItem(
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
	markForErrorOutput(context, failed, () => nodeError(context, error, item));
	return failed;
}

/**
 * The error that ends the run, in n8n's own classes, so that the editor marks item and node:
 * with an HTTP status that of an API, else that of an operation.
 * @param alsoLost facts that the user must know of this run besides, a sentence each
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

/** An agent reads nothing but the message, so the advice is in there. */
function messageOf(context: NodeContext, error: unknown): string {
	if (!(error instanceof Error)) return String(error);
	const isAdvised = error instanceof KlingError && isToolCall(context);
	return isAdvised ? `${error.message}. ${error.advice}`.trim() : error.message;
}

function withoutGaps(details: ErrorDetails): IDataObject {
	return Object.fromEntries(Object.entries(details).filter(([, value]) => value !== undefined));
}
