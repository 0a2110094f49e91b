import type { ErrorDetails } from '../errors';
import { Refused } from '../errors';
import { bodyProperties } from '../providers/nodeProperties';
import type { Problem, Provider } from '../providers';
import { isAddressBlocked, isUsedUp } from '../providers/kling';
import { asText, excerpt } from '../util/unknown';
import type { Answer } from './answer';
import { intermediaryOf } from './intermediary';
import { CERTIFICATE_ADVICE } from './networkError';

interface Meaning {
	what: string;
	advice: string;
	retryable?: boolean;
}

const NOTHING_BILLED = 'No task was created and nothing was billed.';

/** The meaning of an HTTP status to the user, and the advice. */
const MEANINGS: Record<number, Meaning> = {
	400: { what: 'did not accept the request', advice: 'Correct the field it names and run again.' },
	401: {
		what: 'does not accept the API key',
		advice: 'Open the credential, paste the key again and test it.',
	},
	402: {
		what: 'asks for payment',
		advice: 'The balance is used up: top up the account, then run again.',
		retryable: true,
	},
	403: {
		what: 'does not allow this',
		advice: "Check in the provider's console that this key may use Kling 3 Omni.",
	},
	404: {
		what: 'does not know this address',
		advice: 'Check the Base URL in the credential.',
	},
	422: { what: 'did not accept the request', advice: 'Correct the field it names and run again.' },
	423: { what: 'has locked the account', advice: "Ask the provider's support." },
	429: {
		what: 'has too many requests or tasks from this account',
		advice: 'Run again later, or lower Max Concurrent Tasks in the options.',
		retryable: true,
	},
	451: {
		what: 'refuses this content',
		advice: 'Change the prompt or the reference video.',
	},
	503: { what: 'is not available', advice: 'Run again later.', retryable: true },
};

const REDIRECTED: Meaning = {
	what: 'answered with a redirect, which is not followed because it would take the key to another host',
	advice: 'Check the Base URL in the credential.',
};

const SILENT: Meaning = {
	what: 'did not answer',
	advice: 'Check the network and the Base URL in the credential, then run again.',
	retryable: true,
};

const CERTIFICATE: Meaning = {
	what: 'shows a certificate that n8n does not accept',
	advice: `${CERTIFICATE_ADVICE}, and check the clock of this machine; then run again.`,
	retryable: true,
};

const UNREADABLE: Meaning = {
	what: 'gave an answer that is not the documented one',
	advice: 'Check the Base URL in the credential.',
};

const BROKEN: Meaning = { what: 'has a fault', advice: 'Run again later.', retryable: true };

const OTHER: Meaning = { what: 'refused the request', advice: 'Run again later.' };

const USED_UP: Meaning = {
	what: 'has no allowance left for this account',
	advice:
		"Waiting does not help: look at plan, balance and limits in the provider's console (an API plan is not a web plan), then run again.",
	retryable: true,
};

const ADDRESS_BLOCKED: Meaning = {
	what: 'does not take requests from this address',
	advice: "Add the public address of this n8n to the account's list, or turn the list off.",
};

function meaningOf(answer: Answer, problem: Problem): Meaning {
	const { status, headers } = answer;
	if (status === 429 && isUsedUp(problem, asText(headers['retry-after']) !== undefined)) {
		return isAddressBlocked(problem) ? ADDRESS_BLOCKED : USED_UP;
	}
	const intermediary = intermediaryOf(answer);
	if (intermediary) return { ...intermediary, retryable: true };
	if (MEANINGS[status]) return MEANINGS[status];
	if (answer.failure?.isCertificate) return CERTIFICATE;
	if (status === 0) return SILENT;
	if (status < 300) return UNREADABLE;
	if (status < 400) return REDIRECTED;
	return status < 500 ? OTHER : BROKEN;
}

/**
 * @param outcome what the refusal leaves undone
 * @returns the error for an answer that is none to go on with
 */
export function refusal(
	provider: Provider,
	answer: Answer,
	details: ErrorDetails,
	outcome = NOTHING_BILLED,
): Refused {
	const problem = provider.readProblem(answer.body);
	const { what, advice, retryable = false } = meaningOf(answer, problem);
	const said = [
		problem.reason,
		...problem.fields.map(({ name, reason }) => `${labelOf(provider, name)}: ${reason}`),
		problem.code && `code ${problem.code}`,
	].filter(Boolean);
	const reason = answer.failure?.reason ?? excerpt(answer.conceal(said.join('; ')), 500);
	const status = answer.status > 0 ? ` (HTTP ${answer.status})` : '';
	return new Refused(
		`${provider.label} ${what}${status}${reason ? `: ${reason}` : ''}`,
		`${outcome} ${advice}`,
		{
			provider: provider.name,
			...details,
			reason: reason || what,
			httpStatus: answer.status || undefined,
			retryable,
		},
	);
}

/** The provider names fields in its own spelling; the user knows them by their labels. */
function labelOf(provider: Provider, wireName: string): string {
	const properties = [...bodyProperties(provider), ...provider.parameters.additionalFields];
	const property = properties.find(({ routing }) => routing.send.property === wireName);
	return property?.displayName ?? wireName;
}
