import type { Answer } from '../../shared/http/answer';
import type { Problem } from '../../shared/providers';
import { asText, isObject } from '../../shared/util/unknown';

/** The answer to the one question of money: may a task exist after this? */
export type Existence =
	/** Surely not, and the request is sent again later. */
	| 'sentAgain'
	/** Surely not, and the same request would be refused again. */
	| 'refused'
	/** Nobody here can tell: it is never sent again by itself. */
	| 'uncertain';

/**
 * Refused before any work is done: documented by the providers (400 to 404, 422, 423, 451), or by
 * RFC 9110 and RFC 6585 for every server (the rest). 407 and 511 are a proxy's, which sent nothing on.
 */
const REFUSED = new Set([
	301, 302, 307, 308, 400, 401, 402, 403, 404, 405, 406, 407, 410, 411, 413, 414, 415, 417, 421,
	422, 423, 426, 428, 431, 451, 511,
]);

/** Cloudflare did not reach the server behind it: https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/ */
const ORIGIN_NOT_REACHED = new Set([521, 523, 525, 526, 530]);

/**
 * The table of what may be left behind by a request that creates a task. What is not known to have left
 * nothing behind is uncertain: a status that is not listed, a success without a readable task ID, a
 * connection that broke, an exception of this package's own code.
 *
 * | answer | may a task exist? |
 * |---|---|
 * | no byte left this machine (connection refused, unknown host) | sent again |
 * | no byte left this machine (a certificate that is not accepted) | refused |
 * | 429 | sent again; refused where the plan is used up |
 * | 503 in the API's own JSON, or with Retry-After | sent again |
 * | 521, 523, 525, 526, 530 | sent again |
 * | 301, 302, 307, 308, and the statuses of a refusal | refused |
 * | 303 (done, look there), 409 (exists already) | uncertain |
 * | a gateway's 503; 408, 500, 502, 504, and every other status | uncertain |
 * | the connection broke, or no answer came in time | uncertain |
 *
 * @param problem the same answer, as its provider reads it
 * @param isUsedUp the provider says that waiting does not help: the plan is used up
 */
export function mayExist(answer: Answer, problem: Problem, isUsedUp: boolean): Existence {
	const { status, failure } = answer;
	if (failure?.sent) return 'uncertain';
	if (failure) return failure.isCertificate ? 'refused' : 'sentAgain';
	if (status === 429) return isUsedUp ? 'refused' : 'sentAgain';
	if (status === 503) return isOwnWord(answer, problem) ? 'sentAgain' : 'uncertain';
	if (ORIGIN_NOT_REACHED.has(status)) return 'sentAgain';
	return REFUSED.has(status) ? 'refused' : 'uncertain';
}

/** A gateway's page about its server says nothing of a request that the server may have had. */
function isOwnWord({ headers, body }: Answer, { reason }: Problem): boolean {
	const isDocumented = isObject(body) && reason !== undefined;
	return isDocumented || asText(headers['retry-after']) !== undefined;
}
