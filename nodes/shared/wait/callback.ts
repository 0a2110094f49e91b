import { sleep } from 'n8n-workflow';
import type { IWebhookFunctions } from 'n8n-workflow';
import { releaseSandbox } from '../n8n/internals';
import type { Callback, Provider } from '../providers';
import type { KlingTask, TaskStatus } from '../task';
import { timing } from '../timing';

/** The events that a user can choose in Trigger On. */
export type CallbackEvent = 'completed' | 'failed' | 'running';

/** "Pending" and "running" are one event: the video is not there yet. */
export function eventOf(status: TaskStatus): CallbackEvent {
	return status === 'pending' ? 'running' : status;
}

/** The longest body that is read, in bytes. Real callbacks have a few kilobytes. */
export const LONGEST_BODY = 64 * 1024;

/** Why there is no body to look at. */
export type BodyProblem =
	/** It has a Content-Encoding: it could be any size once it is unpacked. */
	| 'encoded'
	| 'tooLarge'
	/** It did not arrive in time, or too many other bodies were still arriving. */
	| 'tooSlow'
	/** The caller closed the connection, or n8n has used the body up as a form. */
	| 'missing';

/** The part of a request that is read here; n8n's request is an Express request. */
interface Incoming {
	headers: Record<string, unknown>;
	/** The bytes, where n8n has read them before it called the node. */
	rawBody?: Buffer;
	readable: boolean;
	on(event: 'data', listener: (chunk: Buffer) => void): unknown;
	on(event: 'end' | 'close' | 'error', listener: () => void): unknown;
	off(event: 'data', listener: (chunk: Buffer) => void): unknown;
	pause(): unknown;
}

/**
 * Reads the body of a webhook call from an untrusted caller. The headers are judged first, and the
 * expression sandbox is released, so a caller who sends slowly holds a connection and nothing else.
 * After a problem the connection is closed with the answer, as the rest of the body stays unread.
 * @returns the bytes as they came, or why there are none; never throws
 */
export async function readBody(context: IWebhookFunctions): Promise<Buffer | BodyProblem> {
	const request = context.getRequestObject() as unknown as Incoming;
	await releaseSandbox(context);
	const body = problemOf(request.headers) ?? request.rawBody ?? (await receiveBody(request));
	const result = Buffer.isBuffer(body) && body.length > LONGEST_BODY ? 'tooLarge' : body;
	if (!Buffer.isBuffer(result)) context.getResponseObject().setHeader('Connection', 'close');
	return result;
}

function problemOf(headers: Incoming['headers']): BodyProblem | undefined {
	const encoding = headers['content-encoding'] ?? 'identity';
	if (encoding !== 'identity') return 'encoded';
	return Number(headers['content-length'] ?? 0) > LONGEST_BODY ? 'tooLarge' : undefined;
}

/** Ends the reading of each body that is still arriving in this process, oldest first. */
const arriving = new Set<() => void>();

/** Reads until the end, the limit or the deadline; a new call never waits for older, slower ones. */
async function receiveBody(request: Incoming): Promise<Buffer | BodyProblem> {
	if (!request.readable) return 'missing';
	const [oldest] = arriving;
	if (arriving.size >= timing.callback.maxArriving) oldest();
	const chunks: Buffer[] = [];
	let length = 0;
	const done = new AbortController();
	return await new Promise((resolve) => {
		const finish = (result: Buffer | BodyProblem) => {
			arriving.delete(giveUp);
			request.off('data', take);
			request.pause();
			done.abort();
			chunks.length = 0;
			resolve(result);
		};
		const giveUp = () => finish('tooSlow');
		const take = (chunk: Buffer) => {
			chunks.push(chunk);
			length += chunk.length;
			if (length > LONGEST_BODY) finish('tooLarge');
		};
		arriving.add(giveUp);
		request.on('data', take);
		request.on('end', () => finish(Buffer.concat(chunks)));
		request.on('close', () => finish('missing'));
		request.on('error', () => finish('missing'));
		// Ended by the signal as soon as the body is there.
		sleep(timing.callback.bodyTimeout, done.signal).then(giveUp, () => undefined);
	});
}

/**
 * Reads the body of a callback, which may be anything; never throws.
 * @returns the claim it makes, `foreign` where it is not about a Kling task, or undefined
 */
export function readCallback(provider: Provider, body: Buffer): Callback | 'foreign' | undefined {
	return provider.readCallback(parse(body));
}

function parse(body: Buffer): unknown {
	try {
		return JSON.parse(body.toString());
	} catch {
		return undefined;
	}
}

/** The same for every message about the same status of a task, however often it comes. */
export function dedupeKey({
	provider,
	taskId,
	status,
}: Pick<KlingTask, 'provider' | 'taskId' | 'status'>): string {
	return `${provider}:${taskId}:${status}`;
}
