import type {
	IDataObject,
	IExecuteFunctions,
	IHttpRequestOptions,
	IWebhookFunctions,
} from 'n8n-workflow';
import type { Clock } from '../n8n/clock';
import { NotReached } from '../errors';
import type { Provider } from '../providers';
import { asArray, asObject, asText, excerpt, isHttpUrl, textsIn } from '../util/unknown';
import type { Json } from '../util/unknown';
import { timing } from '../timing';

/** The only requests that carry a key, and the only place that decides whether one is repeated. */

export interface Answer {
	/** The HTTP status, or 0 when no answer came. */
	status: number;
	headers: Record<string, unknown>;
	body: unknown;
	/** Why no answer came. `sent: false` only where surely no byte left this machine. */
	failure?: { sent: boolean; reason: string };
}

/**
 * Failures that come of finding the host or of its certificate alone. What an open connection may meet
 * too, such as EHOSTUNREACH, counts only while it is being opened.
 */
const NOT_SENT = new Set([
	'ECONNREFUSED',
	'ENOTFOUND',
	'EAI_AGAIN',
	'EADDRNOTAVAIL',
	'CERT_HAS_EXPIRED',
	'CERT_NOT_YET_VALID',
	'CERT_UNTRUSTED',
	'CERT_REVOKED',
	'DEPTH_ZERO_SELF_SIGNED_CERT',
	'SELF_SIGNED_CERT_IN_CHAIN',
	'UNABLE_TO_GET_ISSUER_CERT',
	'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
	'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
	'ERR_TLS_CERT_ALTNAME_INVALID',
]);

/** What a request needs of n8n, whether a run of the node or a callback to it makes it. */
export type Context = Pick<IExecuteFunctions | IWebhookFunctions, 'helpers' | 'getCredentials'>;

/**
 * One GET. Repeating it is the caller's business: looking at a task has a schedule of its own.
 * @param endsOnStop false for what must be known even of a run that was stopped
 */
export async function read(
	context: Context,
	provider: Provider,
	path: string,
	endsOnStop = true,
): Promise<Answer> {
	return await request(endsOnStop ? context : uninterrupted(context), provider, {
		method: 'GET',
		url: path,
		timeout: timing.http.readTimeout,
	});
}

/** How long a POST is tried again. */
export interface Patience {
	clock: Clock;
	/** When to stop, in milliseconds since 1970. */
	deadline: number;
	/** Told when the provider asks to slow down. */
	onBusy(): void;
}

/**
 * A POST that costs nothing, such as asking for a place to put a file.
 * @returns the last answer, whatever it is
 */
export async function post(
	context: Context,
	provider: Provider,
	path: string,
	body: IDataObject,
	patiently: Patience,
): Promise<Answer> {
	const options = { method: 'POST', url: path, body, timeout: timing.http.readTimeout } as const;
	return await repeat(patiently, async () => await request(context, provider, options));
}

/**
 * The POST that creates a task. Neither provider has an idempotency key.
 * @param hidden texts of the request that no error may repeat
 * @returns the last answer, whatever it is
 */
export async function create(
	context: Context,
	provider: Provider,
	path: string,
	body: IDataObject,
	{ hidden, ...patiently }: Patience & { hidden: string[] },
): Promise<Answer> {
	const timeout = timeToSend(timing.http.createTimeout, lengthOf(body));
	const options = { method: 'POST', url: path, body, timeout } as const;
	return await repeat(patiently, async () => {
		const answer = await request(uninterrupted(context), provider, options);
		return { ...answer, body: hidden.reduce(withoutSecret, answer.body) };
	});
}

/**
 * Where no redirect is followed, n8n's timeout counts from the first byte that is sent.
 * @param timeout milliseconds for the answer
 * @param bytes of the request
 */
export function timeToSend(timeout: number, bytes: number): number {
	return timeout + Math.ceil(bytes / timing.http.slowestLine);
}

function lengthOf(body: IDataObject): number {
	return textsIn(body).reduce((sum, { length }) => sum + length, 0);
}

/** Sends once more only where surely nothing was done. */
async function repeat(
	{ clock, deadline, onBusy }: Patience,
	send: () => Promise<Answer>,
): Promise<Answer> {
	const downSince = clock.now();
	for (let tries = 0; ; tries++) {
		clock.check();
		const answer = await send();
		if (!didNothing(answer)) return answer;
		const isBusy = answer.status === 429;
		if (isBusy) onBusy();
		// "At once" and a time that is over are no pace to go on at.
		const asked = retryAfter(answer, clock) ?? 0;
		const pause = asked > 0 ? Math.max(asked, timing.http.firstPause) : backOff(tries, clock);
		const giveUpAt = isBusy ? deadline : Math.min(deadline, downSince + timing.http.outage);
		if (clock.now() + pause > giveUpAt) return answer;
		await clock.pause(pause);
	}
}

/** Answers after which `post` and `create` have tried again as long as they may. */
export function didNothing({ status, failure }: Answer): boolean {
	return status === 429 || status === 503 || failure?.sent === false;
}

/**
 * How long the provider asks to wait, capped.
 * @returns milliseconds, or undefined where it does not say
 */
export function retryAfter(answer: Answer, clock: Clock): number | undefined {
	const header = asText(answer.headers['retry-after']);
	if (header === undefined) return undefined;
	const milliseconds = /^\d+(\.\d+)?$/.test(header)
		? Number(header) * 1000
		: Date.parse(header) - clock.now();
	if (Number.isNaN(milliseconds)) return undefined;
	return Math.min(Math.max(milliseconds, 0), timing.http.longestPause);
}

/** Doubles with every try; jittered so that workflows started together do not stay in step. */
function backOff(tries: number, clock: Clock): number {
	const pause = Math.min(timing.http.firstPause * 2 ** tries, timing.http.longestPause);
	return pause * (0.5 + clock.random() / 2);
}

/** @throws NotReached when the credential cannot work */
export async function account(context: Context, { name, label, credential }: Provider) {
	const kept = await context.getCredentials<{ baseUrl?: string; apiKey?: string }>(credential);
	// What is pasted along with a key is no part of it, and would hide it from `withoutSecret`.
	const apiKey = (kept.apiKey ?? '').replace(/^[^!-~]+|[^!-~]+$/g, '');
	const data = { ...kept, apiKey };
	const base = (kept.baseUrl ?? '').trim().replace(/\/+$/, '');
	const problem = !isHttpUrl(base)
		? `The Base URL in the ${label} credential is no http or https URL`
		: apiKey === ''
			? `The API Key in the ${label} credential is empty`
			: undefined;
	if (problem === undefined) return { base, apiKey, data };
	throw new NotReached(
		problem,
		'Nothing was sent and nothing was billed. Open the credential and correct it.',
		{ provider: name, reason: problem, retryable: false },
	);
}

/**
 * Redirects are not followed: n8n would send the key's header on to the other host.
 * Never throws for what the network or the host does.
 */
async function request(
	context: Context,
	provider: Provider,
	options: IHttpRequestOptions,
): Promise<Answer> {
	const { base, apiKey, data } = await account(context, provider);
	try {
		const response = await context.helpers.httpRequestWithAuthentication.call(
			context as IExecuteFunctions,
			provider.credential,
			{
				...options,
				baseURL: base,
				json: true,
				returnFullResponse: true,
				ignoreHttpStatusErrors: true,
				disableFollowRedirect: true,
			},
			// Read again, they could be changed ones, and the key of another host.
			{ credentialsDecrypted: { id: '', name: provider.label, type: provider.credential, data } },
		);
		const { statusCode: status, headers, body } = response;
		return { status, headers, body: withoutSecret(body, apiKey) };
	} catch (error) {
		return noAnswer(explain(error));
	}
}

export function noAnswer(failure: NonNullable<Answer['failure']>): Answer {
	return { status: 0, headers: {}, body: undefined, failure };
}

/**
 * Stop must not cut off the request that creates a task: its answer holds the id of something paid.
 * n8n takes the signal from the context, so it is given one without.
 */
function uninterrupted(context: Context): Context {
	return Object.create(context, {
		getExecutionCancelSignal: { value: () => undefined },
	}) as Context;
}

function explain(error: unknown): NonNullable<Answer['failure']> {
	const chain = [error, asObject(error).cause, asObject(asObject(error).cause).cause].map(asObject);
	// Of a host with several addresses there is a failure for each.
	const attempts = chain.flatMap(({ errors }) => asArray(errors).map(asObject));
	const code = chain.map((link) => asText(link.code)).find((text) => text !== undefined);
	const isConnecting = (link: Json) => link.syscall === 'connect';
	const notSent =
		NOT_SENT.has(code ?? '') ||
		chain.some(isConnecting) ||
		(attempts.length > 0 && attempts.every(isConnecting));
	const message =
		[attempts[0], chain[1], chain[0]].map((link) => asText(link?.message)).find(Boolean) ??
		'no answer';
	return { sent: !notSent, reason: excerpt(code ? `${code} (${message})` : message, 200) };
}

/** An answer may repeat a secret, as in "invalid key …", and parts of it reach errors and logs. */
function withoutSecret(body: unknown, secret: string): unknown {
	const text = JSON.stringify(body);
	if (!text?.includes(secret)) return body;
	return JSON.parse(text.replaceAll(secret, '***'));
}
