import type { ErrorDetails } from './errors';
import { Refused } from './errors';
import { apiProperties } from './properties';
import type { ApiProperty } from './properties';
import type { Provider } from './providers';
import { excerpt } from './read';
import type { Answer } from './transport';

interface Meaning {
	what: string;
	advice: string;
	retryable?: boolean;
}

const NOTHING_BILLED = 'No task was created and nothing was billed.';

/** What an HTTP status means to the user, and what to do about it. */
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
		advice: 'Check in the provider\'s console that this key may use Kling 3 Omni.',
	},
	404: {
		what: 'does not know this address',
		advice: 'Check the Base URL in the credential.',
	},
	409: {
		what: 'says that the task already exists',
		advice: 'Look for it in the provider\'s console before you run again.',
	},
	422: { what: 'did not accept the request', advice: 'Correct the field it names and run again.' },
	423: { what: 'has locked the account', advice: 'Ask the provider\'s support.' },
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

const OTHER: Meaning = { what: 'refused the request', advice: 'Run again later.' };

/** @returns the error for an answer that surely created no task */
export function refusal(provider: Provider, answer: Answer, details: ErrorDetails): Refused {
	const { what, advice, retryable = false } =
		MEANINGS[answer.status] ?? (answer.status < 400 ? REDIRECTED : OTHER);
	const problem = provider.readProblem(answer.body);
	const said = [
		problem.reason,
		...problem.fields.map(({ name, reason }) => `${labelOf(provider, name)}: ${reason}`),
		problem.code && `code ${problem.code}`,
	].filter(Boolean);
	const reason = excerpt(said.join('; '), 500);
	return new Refused(
		`${provider.label} ${what} (HTTP ${answer.status})${reason ? `: ${reason}` : ''}`,
		`${NOTHING_BILLED} ${advice}`,
		{
			provider: provider.name,
			...details,
			reason: reason || what,
			httpStatus: answer.status,
			retryable,
		},
	);
}

/** The provider names fields in its own spelling; the user knows them by their labels. */
function labelOf(provider: Provider, wireName: string): string {
	const { body, additionalFields } = apiProperties[provider.name];
	const property: ApiProperty | undefined = [...body, ...additionalFields].find(
		({ routing }) => routing.send.property === wireName,
	);
	return property?.displayName ?? wireName;
}
