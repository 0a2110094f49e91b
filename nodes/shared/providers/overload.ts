/**
 * Kling's own code for "too many tasks at once", which both providers pass on
 * (in an HTTP 429, or as the reason of a task that failed at once).
 */
const CONCURRENCY_CODE = '1303';

export function isConcurrencyCode({ code, reason }: { code?: string; reason?: string }): boolean {
	return code === CONCURRENCY_CODE || new RegExp(`\\b${CONCURRENCY_CODE}\\b`).test(reason ?? '');
}
