import type { IWebhookFunctions } from 'n8n-workflow';
import { dedupeKey, eventOf, readBody, readCallback } from '../shared/wait/callback';
import { fingerprint } from '../shared/util/fingerprint';
import { releaseSandbox } from '../shared/n8n/internals';
import type { Callback, Provider } from '../shared/providers';
import { headerFault, secretFault, verify } from './signature';
import type { KlingTask } from '../shared/task';
import type { NodeState } from './nodeState';
import type { SeenEvents } from './seenEvents';
import type { Verification } from './verifyTask';
import {
	ignored,
	unauthentic,
	unconfirmed,
	unfinished,
	unreadable,
	withoutSecret,
} from './replies';
import type { Reply } from './replies';
import { readSettings } from './settings';
import type { Settings } from './settings';

/**
 * Decides what becomes of a request from an untrusted caller. Nothing is parsed before its signature
 * holds; without a signature nothing is believed before the API confirms it.
 */
export async function receive(
	context: IWebhookFunctions,
	state: NodeState,
	seen: SeenEvents,
): Promise<KlingTask | Reply> {
	const settings = readSettings(context);
	await releaseSandbox(context);
	const { method } = context.getRequestObject();
	if (method !== 'POST') return unreadable.method;
	const body = settings.isSigned
		? await readSigned(context, settings, state)
		: await readUnsigned(context);
	if (!Buffer.isBuffer(body)) return body;
	const callback = readCallback(settings.provider, body);
	if (callback === undefined) return unreadable.unknown;
	if (callback === 'foreign') return ignored.foreign;
	return await examine(context, settings, state, seen, callback);
}

async function readUnsigned(context: IWebhookFunctions): Promise<Buffer | Reply> {
	const body = await readBody(context);
	if (!Buffer.isBuffer(body)) return unreadable[body];
	return body.length > 0 ? body : unreadable.missing;
}

/** The secret and the headers are judged before the body is read. */
async function readSigned(
	context: IWebhookFunctions,
	{ provider }: Settings,
	state: NodeState,
): Promise<Buffer | Reply> {
	const secret = await state.readSecret(async () => await readSecret(context, provider));
	const secretProblem = secretFault(secret);
	if (secretProblem) return withoutSecret(secretProblem, provider);
	const { headers } = context.getRequestObject();
	const signed = {
		id: headers['webhook-id'],
		timestamp: headers['webhook-timestamp'],
		signature: headers['webhook-signature'],
	};
	const headerProblem = headerFault(signed, Date.now());
	if (headerProblem) return unauthentic(headerProblem, provider);
	const body = await readUnsigned(context);
	if (!Buffer.isBuffer(body)) return body;
	const verdict = verify({ ...signed, body }, secret, Date.now());
	return verdict === 'genuine' ? body : unauthentic(verdict, provider);
}

async function examine(
	context: IWebhookFunctions,
	{ provider, events, isSigned }: Settings,
	{ verifier }: NodeState,
	seen: SeenEvents,
	callback: Callback,
): Promise<KlingTask | Reply> {
	if (!events.includes(eventOf(callback.status))) return ignored.notSelected;
	const repeated = repetition(seen, keyOf(provider, callback));
	if (repeated) return repeated;
	// A signed callback is believed; where it does not tell the whole task, the API is asked, too.
	const verification: Verification =
		isSigned && callback.task
			? { is: 'confirmed', task: callback.task }
			: await verifier.verify(context, provider, callback);
	if (verification.is !== 'confirmed') return unconfirmed(verification, provider);
	const { task } = verification;
	if (!events.includes(eventOf(task.status))) return ignored.notSelected;
	const key = keyOf(provider, task);
	// No await from here on: other callbacks have waited for the same answer.
	const repeatedMeanwhile = repetition(seen, key);
	if (repeatedMeanwhile) return repeatedMeanwhile;
	seen.claim(key, context.getResponseObject());
	return task;
}

/** @returns the answer to a callback about an event that is not new */
function repetition(seen: SeenEvents, key: string): Reply | undefined {
	const sighting = seen.look(key);
	if (sighting === 'new') return undefined;
	return sighting === 'open' ? unfinished : ignored.duplicate;
}

/** @returns the signing secret, or an empty text where there is none */
export async function readSecret(
	context: Pick<IWebhookFunctions, 'getCredentials'>,
	{ credential }: Provider,
): Promise<string> {
	const { webhookSecret } = await context.getCredentials<{ webhookSecret?: string }>(credential);
	return webhookSecret?.trim() ?? '';
}

/**
 * Task and status are all that identifies an event. A message's own ID is left out: where nothing
 * is signed, a forged ID could suppress a true message; where it is, the same ID has the same body.
 */
function keyOf(
	{ name }: Provider,
	{ taskId, status }: Pick<KlingTask, 'taskId' | 'status'>,
): string {
	return fingerprint(dedupeKey({ provider: name, taskId, status }));
}
