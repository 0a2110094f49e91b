import { gaveNoReason, lacksLink } from '../task';
import type { KlingTask, TaskFailure, TaskStatus } from '../task';
import { asText, excerpt, isObject } from '../util/unknown';

/** Reading how a task ended. What it reads may be anything; no function here throws. */

/**
 * Endings that other task services have beside "failed", and Kling may pass on. In each, no video will
 * come: a wait that goes on would last until its limit.
 */
const ENDINGS = new Map([
	['cancelled', 'the task was cancelled'],
	['canceled', 'the task was cancelled'],
	['expired', 'the task expired'],
	['rejected', 'the task was rejected'],
	['timeout', 'the task timed out'],
	['timedout', 'the task timed out'],
	['aborted', 'the task was aborted'],
]);

/** Kling's own words, where an API hands on its answer as it is. */
const UPSTREAM = new Map<string, TaskStatus>([
	['submitted', 'pending'],
	['succeed', 'completed'],
]);

/** @returns the word without its spelling: "TIMED_OUT", "timed out" and "timedOut" are one */
function plain(word: string): string {
	return word.toLowerCase().replace(/[^a-z]/g, '');
}

/**
 * @param words the provider's documented words, in plain spelling
 * @returns the status, or undefined for a word that is not known
 */
export function statusOf(
	word: string,
	words: ReadonlyMap<string, TaskStatus>,
): TaskStatus | undefined {
	const key = plain(word);
	return words.get(key) ?? UPSTREAM.get(key) ?? (ENDINGS.has(key) ? 'failed' : undefined);
}

/** In order of trust; a `code` may be a bare HTTP status beside the true `error_code`. */
const CODES = ['error_code', 'code'];

const REASONS = [
	'detail',
	'message',
	'title',
	'reason',
	'task_status_msg',
	'fail_reason',
	'failure_reason',
	'status_msg',
	'error_message',
	'error_msg',
	'msg',
];

/** Said by an answer about itself: code 0 and the message "SUCCEED" stand beside a failed task, too. */
const OF_THE_ANSWER = { code: /^(0|200)$/, reason: /^(succe(ss|ed|eded|ssful)|ok)\W*$/i };

/** Where an answer may say why a task ended without a video. */
export interface Places {
	/** The fields for an error, the closest to the task first: objects, lists or texts. */
	errors: unknown[];
	/** The objects around them, which may hold a reason or a code themselves. */
	around: unknown[];
}

/**
 * @param label the provider, as the user knows it
 * @param task as far as it is read; `providerStatus` is the provider's own word
 * @returns the `failure` of a task that has failed, or that is completed without a link and says why
 */
export function failureOf(
	label: string,
	task: Pick<KlingTask, 'status' | 'providerStatus' | 'videoUrls'>,
	{ errors, around }: Places,
): Pick<KlingTask, 'failure'> {
	if (task.status === 'failed') {
		return { failure: explain(label, task.providerStatus, findFailure([...errors, ...around])) };
	}
	const { code, reason } = lacksLink(task) ? findFailure(errors) : {};
	return reason === undefined ? {} : { failure: { ...(code ? { code } : {}), reason } };
}

function explain(
	label: string,
	providerStatus: string,
	{ code, reason = ENDINGS.get(plain(providerStatus)) }: Partial<TaskFailure>,
): TaskFailure {
	if (code === undefined) return { reason: reason ?? gaveNoReason(label) };
	return { code, reason: reason ?? `error code ${code}` };
}

/** @returns what the places say, which may be nothing */
function findFailure(places: unknown[]): Partial<TaskFailure> {
	const all = places.flat();
	const objects = all.filter(isObject);
	const firstOf = (names: string[], unwanted: RegExp) =>
		names
			.flatMap((name) => objects.map((place) => asText(place[name])))
			.find((text) => text !== undefined && !unwanted.test(text));
	const texts = all.flatMap((place) => {
		const said = isObject(place) ? REASONS.map((name) => asText(place[name])) : [asText(place)];
		return said.filter((text) => text !== undefined && !OF_THE_ANSWER.reason.test(text));
	});
	return {
		code: firstOf(CODES, OF_THE_ANSWER.code),
		reason: texts[0] === undefined ? undefined : excerpt(texts[0], 500),
	};
}
