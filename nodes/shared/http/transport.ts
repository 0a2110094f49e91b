import type { IDataObject, IExecuteFunctions, IHttpRequestOptions } from 'n8n-workflow';
import type { Clock } from '../n8n/clock';
import { endedBy, withoutCancelSignal } from '../n8n/internals';
import type { Provider } from '../providers';
import { timing } from '../timing';
import { asText, textsIn } from '../util/unknown';
import { noAnswer } from './answer';
import type { Answer } from './answer';
import { BOUNDED, readBoundedJson } from './boundedJson';
import { concealer } from './conceal';
import { readAccount } from './credential';
import type { Account } from './credential';
import { explain } from './networkError';
import type { RequestContext } from './requestContext';

/** The only requests that carry a key. None is repeated here: when to ask again is the caller's to say. */

/**
 * One GET.
 * @param endsOnStop false for what must be known even of a run that was stopped
 */
export async function read(
	context: RequestContext,
	provider: Provider,
	path: string,
	endsOnStop = true,
): Promise<Answer> {
	return await request(endsOnStop ? context : withoutCancelSignal(context), provider, {
		method: 'GET',
		url: path,
		timeout: timing.http.readTimeout,
	});
}

/** One POST that costs nothing, such as asking for a place to put a file. */
export async function post(
	context: RequestContext,
	provider: Provider,
	path: string,
	body: IDataObject,
): Promise<Answer> {
	const timeout = timing.http.readTimeout;
	return await request(context, provider, { method: 'POST', url: path, body, timeout });
}

/**
 * The POST that creates a task. Neither provider has an idempotency key. Stop does not cut it off: its
 * answer holds the ID of something paid.
 * @param account read before: a credential that cannot work is no question of what was sent
 * @param secrets texts of the request that nothing may show
 */
export async function create(
	context: RequestContext,
	provider: Provider,
	account: Account,
	path: string,
	body: IDataObject,
	secrets: string[],
): Promise<Answer> {
	const timeout = timeToSend(timing.http.createTimeout, lengthOf(body));
	const options = { method: 'POST', url: path, body, timeout } as const;
	return await request(withoutCancelSignal(context), provider, options, account, secrets);
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

/**
 * How long the provider asks to wait, capped.
 * @returns milliseconds, or undefined where it does not say
 */
export function retryAfter({ headers }: Pick<Answer, 'headers'>, clock: Clock): number | undefined {
	const header = asText(headers['retry-after']);
	if (header === undefined) return undefined;
	const milliseconds = /^\d+(\.\d+)?$/.test(header)
		? Number(header) * 1000
		: Date.parse(header) - clock.now();
	if (Number.isNaN(milliseconds)) return undefined;
	return Math.min(Math.max(milliseconds, 0), timing.http.longestPause);
}

/**
 * Milliseconds until a request is sent again: as long as the provider asks for, or doubled with every
 * try, and jittered so that workflows started together do not stay in step.
 * @param tries how often it was sent again already
 */
export function backOff(answer: Answer, tries: number, clock: Clock): number {
	// "At once" and a time that is over are no pace to go on at.
	const asked = retryAfter(answer, clock) ?? 0;
	if (asked > 0) return Math.max(asked, timing.http.firstPause);
	const pause = Math.min(timing.http.firstPause * 2 ** tries, timing.http.longestPause);
	return pause * (0.5 + clock.random() / 2);
}

/**
 * Redirects are not followed: n8n would send the key's header on to the other host.
 * Never throws for what the network or the host does.
 * @throws NotReached when the credential cannot work
 */
async function request(
	context: RequestContext,
	provider: Provider,
	options: IHttpRequestOptions,
	known?: Account,
	secrets: string[] = [],
): Promise<Answer> {
	const account = known ?? (await readAccount(context, provider));
	const { base, apiKey, webhookSecret, data } = account;
	const conceal = concealer([apiKey, webhookSecret, ...secrets]);
	const connection = new AbortController();
	try {
		const { statusCode, headers, body } = await context.helpers.httpRequestWithAuthentication.call(
			endedBy(context, connection.signal) as IExecuteFunctions,
			provider.credential,
			{
				...options,
				...BOUNDED,
				baseURL: base,
				json: true,
				ignoreHttpStatusErrors: true,
				disableFollowRedirect: true,
				abortSignal: connection.signal,
			},
			// The credential that was read above: a second read could return an edited one, and send its key to
			// the old host.
			{ credentialsDecrypted: { id: '', name: provider.label, type: provider.credential, data } },
		);
		const answer = { status: statusCode, headers, conceal };
		return await readBoundedJson({ headers, body }, () => connection.abort()).then(
			(content) => ({ ...answer, body: content }),
			(error: unknown) => unreadable(answer, error),
		);
	} catch (error) {
		return noAnswer(explain(error, conceal), conceal);
	}
}

/** A refusal counts by its status, whatever its text is. Of anything else, the answer is lost. */
function unreadable(answer: Omit<Answer, 'body'>, error: unknown): Answer {
	if (answer.status >= 300) return { ...answer, body: undefined };
	const { reason } = explain(error, answer.conceal);
	return noAnswer({ sent: true, reason }, answer.conceal);
}
