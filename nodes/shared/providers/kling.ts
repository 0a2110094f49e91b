import type { Problem } from './provider';

/** The codes of Kling itself, which reach the user through both providers: in an HTTP 429, or as the reason of a failed task. */
const TOO_MANY_AT_ONCE = '1303';

/** Rate limit, too many at once, and Kling's own trouble (1302, 1303, 5000 to 5002): waiting helps. */
const PASSING = new Set(['1302', TOO_MANY_AT_ONCE, '5000', '5001', '5002']);

/** Account in arrears, pack used up, address not allowed (1100 to 1102, 1304): waiting does not help. */
const LASTING = new Set(['1100', '1101', '1102', '1304']);

/** The words of a used-up plan, as the providers' clients quote them. */
const USED_UP =
	/\bfree[ -]trial\b|\btrial usage\b|\busage limit\b|\blimit of (?:the|your)\b[^.]{0,40}\busage\b|\bupgrade\b[^.]{0,40}\bplan\b|\bpaid plan\b|\bbilling\b|\bdaily spend|\bspending limit\b|\binsufficient\b|\bout of credits\b|\bquota (?:is )?(?:exceeded|used up|exhausted)\b/i;

/** The sentence that Kling gives with 1303, sometimes without the code. */
const PARALLEL = /\bparallel tasks? over\b/i;

/** The number alone proves nothing: it may be a part of anything. */
const NAMED = /(?:code|error)\W{0,6}(\d{4})\b|^\W*(\d{4})\s*[:\]]/i;

/** Why a request or a task found no room, as far as it is told. */
type Told = Pick<Problem, 'code' | 'reason'>;

/** @returns whether Kling had too many tasks of this account at once, which passes by itself */
export function hadNoRoom(told: Told): boolean {
	return codesOf(told).includes(TOO_MANY_AT_ONCE) || PARALLEL.test(told.reason ?? '');
}

/**
 * Whether a 429 says that the plan, the balance or the allowance is used up, or that the address is not
 * allowed: no waiting helps.
 * @param isPaced the answer says when to come back
 */
export function isUsedUp(told: Told, isPaced: boolean): boolean {
	const codes = codesOf(told);
	if (codes.some((code) => LASTING.has(code))) return true;
	if (codes.some((code) => PASSING.has(code)) || hadNoRoom(told)) return false;
	return !isPaced && USED_UP.test(told.reason ?? '');
}

/** @returns whether the server's own address is not on the account's list */
export function isAddressBlocked(told: Told): boolean {
	return codesOf(told).includes('1304');
}

/** @returns the code beside the reason, and the one that the reason names: a provider may pass both on */
function codesOf({ code, reason }: Told): string[] {
	const [, labelled, leading] = NAMED.exec(reason ?? '') ?? [];
	return [code, labelled, leading].filter((each) => each !== undefined);
}
