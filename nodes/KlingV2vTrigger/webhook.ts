import type { IDataObject, IWebhookFunctions, IWebhookResponseData } from 'n8n-workflow';
import { dedupeKey } from '../shared/wait/callback';
import { taskToJson } from '../shared/task';
import type { KlingTask } from '../shared/task';
import { nodeStateOf, seenEventsOf } from './nodeState';
import type { NodeState } from './nodeState';
import { receive } from './receive';
import { broken } from './replies';
import type { Reply } from './replies';
import type { SeenEvents } from './seenEvents';

/** The part of Node's response that is needed; n8n's own has it, too. */
interface Response {
	once(event: 'close', listener: () => void): unknown;
	writeHead(status: number, headers: Record<string, string>): { end(body: string): unknown };
}

/** Receives a callback and says which execution it starts. Never throws. */
export async function answer(context: IWebhookFunctions): Promise<IWebhookResponseData> {
	const state = nodeStateOf(context);
	const seen = seenEventsOf(context, state);
	const result = await receive(context, state, seen).catch(broken);
	return 'taskId' in result ? start(context, result, seen) : refuse(context, result, state);
}

/**
 * Starts an execution. n8n answers the caller as soon as that has begun: the download is part of the
 * execution, so the caller does not wait for it, and Stop, workers and retries are n8n's as usual.
 */
function start(
	context: IWebhookFunctions,
	task: KlingTask,
	seen: SeenEvents,
): IWebhookResponseData {
	const response: Response = context.getResponseObject();
	response.once('close', () => seen.settle());
	const item = { ...taskToJson(task), dedupeKey: dedupeKey(task), ...queryOf(context) };
	return { workflowData: [[{ json: item }]] };
}

/** The values that the user has put into the callback's address. No signature covers them. */
function queryOf(context: IWebhookFunctions): IDataObject {
	const query = { ...(context.getQueryData() as IDataObject) };
	return Object.keys(query).length > 0 ? { query } : {};
}

/** Starts nothing, and tells the caller why. */
function refuse(
	context: IWebhookFunctions,
	{ status, message, warning, retryAfter }: Reply,
	state: NodeState,
): IWebhookResponseData {
	if (warning && state.shouldLog(warning)) context.logger.warn(`Kling V2V Trigger: ${warning}`);
	const response: Response = context.getResponseObject();
	response
		.writeHead(status, {
			'Content-Type': 'application/json',
			...(retryAfter === undefined ? {} : { 'Retry-After': String(retryAfter) }),
			...(status === 405 ? { Allow: 'POST' } : {}),
		})
		.end(JSON.stringify({ message }));
	return { noWebhookResponse: true };
}
