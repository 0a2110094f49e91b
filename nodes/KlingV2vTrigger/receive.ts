import type { IWebhookFunctions } from 'n8n-workflow';
import { dedupeKey, eventOf, readBody, readCallback } from '../shared/wait/callback';
import type { WithBody } from '../shared/wait/callback';
import { fingerprint } from '../shared/util/fingerprint';
import type { Callback, Provider } from '../shared/providers';
import { verify } from './signature';
import type { KlingTask } from '../shared/task';
import type { Memory } from './nodeState';
import type { Finding } from './verifyTask';
import { settled, unauthentic, unconfirmed, unreadable, withoutSecret } from './replies';
import type { Reply } from './replies';
import { readSettings } from './settings';
import type { Settings } from './settings';

/** News that start an execution. */
export interface News {
	task: KlingTask;
	/** What they are recognised by when they come again. */
	keys: string[];
}

/** The parts of a request that count, as n8n hands them over. */
interface Request extends WithBody {
	method: string;
	headers: Record<string, unknown>;
}

/** Real callbacks have a few kilobytes. */
const LONGEST_BODY = 1024 * 1024;

/**
 * Decides what becomes of a request, which may come from anybody: nothing is read before its
 * signature holds, or else nothing is believed before the API has said it.
 */
export async function receive(context: IWebhookFunctions, memory: Memory): Promise<News | Reply> {
	const settings = readSettings(context);
	const { provider } = settings;
	const request: Request = context.getRequestObject();
	const { method, headers } = request;
	if (method !== 'POST') return unreadable.method;
	const body = await readBody(request);
	const secret = settings.isSigned
		? await memory.readSecret(async () => await readSecret(context, provider))
		: undefined;
	if (secret === '') return withoutSecret(provider);
	if (!body?.length) return unreadable.empty;
	if (body.length > LONGEST_BODY) return unreadable.tooLarge;
	const {
		'webhook-id': id,
		'webhook-timestamp': timestamp,
		'webhook-signature': signature,
	} = headers;
	if (secret !== undefined) {
		const verdict = verify({ id, timestamp, signature, body }, secret, Date.now());
		if (verdict !== 'genuine') return unauthentic(verdict, provider);
	}
	const callback = readCallback(provider, body);
	if (callback === undefined) return unreadable.unknown;
	if (callback === 'foreign') return settled.foreign;
	const messageId = callback.messageId ?? (typeof id === 'string' && id !== '' ? id : undefined);
	return await examine(context, settings, memory, { ...callback, messageId });
}

async function examine(
	context: IWebhookFunctions,
	{ provider, events, isSigned }: Settings,
	{ checker, replays }: Memory,
	callback: Callback,
): Promise<News | Reply> {
	if (!events.includes(eventOf(callback.status))) return settled.notAsked;
	if (replays.has(keysOf(provider, callback, callback))) return settled.known;
	// What is signed is believed for what it tells; where that is not all, the API is asked, too.
	const finding: Finding =
		isSigned && callback.task
			? { is: 'confirmed', task: callback.task }
			: await checker.check(context, provider, callback);
	if (finding.is !== 'confirmed') return unconfirmed(finding, provider);
	const { task } = finding;
	if (!events.includes(eventOf(task.status))) return settled.notAsked;
	const keys = keysOf(provider, callback, task);
	// Nothing may come in between: other callbacks have waited for the same answer.
	return replays.claim(keys) ? { task, keys } : settled.known;
}

/** @returns the signing secret, or an empty text where there is none */
export async function readSecret(
	context: Pick<IWebhookFunctions, 'getCredentials'>,
	{ credential }: Provider,
): Promise<string> {
	const { webhookSecret } = await context.getCredentials<{ webhookSecret?: string }>(credential);
	return webhookSecret?.trim() ?? '';
}

/** Of a fixed length, whatever the caller has sent. */
function keysOf(
	{ name }: Provider,
	{ messageId }: Callback,
	{ taskId, status }: Pick<KlingTask, 'taskId' | 'status'>,
): string[] {
	const news = fingerprint(dedupeKey({ provider: name, taskId, status }));
	return messageId === undefined ? [news] : [news, fingerprint(name, messageId)];
}
