/**
 * Kling's own code for "too many tasks at once", which both providers pass on
 * (in an HTTP 429, or as the reason of a task that failed at once).
 */
const CONCURRENCY_CODE = '1303';

/** The number alone proves nothing: a task that is asked for again is paid again if it was another. */
const NAMED_IN_REASON = new RegExp(
	`(code|error)\\W{0,6}${CONCURRENCY_CODE}\\b|^\\W*${CONCURRENCY_CODE}\\s*[:\\]]`,
	'i',
);

export function isConcurrencyCode({ code, reason }: { code?: string; reason?: string }): boolean {
	return code === CONCURRENCY_CODE || NAMED_IN_REASON.test(reason ?? '');
}
