import type { Provider } from '../shared/providers';
import type { Verdict } from './signature';
import type { Finding } from './verifyTask';

/** What the caller is told where nothing starts. It says nothing that was not known before. */
export interface Reply {
	status: number;
	message: string;
	/** For the user, who sees n8n's log and not the reply. */
	warning?: string;
	/** Seconds after which it may be worth another try. */
	retryAfter?: number;
}

/** 200: the caller has done its part, and nothing has to be done here. */
export const settled = {
	known: { status: 200, message: 'This is known already' },
	notAsked: { status: 200, message: 'Nobody asked for this event' },
	foreign: { status: 200, message: 'This is about another model' },
} satisfies Record<string, Reply>;

export const unreadable = {
	method: { status: 405, message: 'Callbacks are sent with POST' },
	empty: { status: 400, message: 'There is no body' },
	tooLarge: { status: 413, message: 'The body is too large' },
	unknown: { status: 400, message: 'This is no callback about a task' },
} satisfies Record<string, Reply>;

/** The sentence for whoever has chosen the signature and given no secret. */
export function secretMissing({ label }: Provider): string {
	return `The Webhook Secret in the ${label} credential is empty, so no callback can be told from a forged one, and all are refused. Enter the secret, or set Authentication to Ask the API`;
}

export function withoutSecret(provider: Provider): Reply {
	return {
		status: 503,
		message: 'The receiver is not set up: its credential has no Webhook Secret',
		warning: secretMissing(provider),
	};
}

const FLAWS: Record<Exclude<Verdict, 'genuine'>, { message: string; advice?: string }> = {
	unsigned: { message: 'The callback is not signed' },
	untimely: {
		message: 'The timestamp is more than 5 minutes off',
		advice: "check this machine's clock",
	},
	forged: {
		message: 'The signature does not match',
		advice: 'check the Webhook Secret in the credential',
	},
};

export function unauthentic(verdict: Exclude<Verdict, 'genuine'>, { label }: Provider): Reply {
	const { message, advice } = FLAWS[verdict];
	return {
		status: 401,
		message,
		warning: advice && `A callback was refused: ${message}. If it was ${label}'s, ${advice}`,
	};
}

export function unconfirmed(
	finding: Exclude<Finding, { is: 'confirmed' }>,
	{ label }: Provider,
): Reply {
	switch (finding.is) {
		case 'unknown':
			return { status: 404, message: `${label} knows no such task` };
		case 'unconfirmed':
			return { status: 409, message: `${label} says the task is still at work`, retryAfter: 30 };
		case 'busy':
			return {
				status: 429,
				message: 'Too many callbacks could not be confirmed',
				retryAfter: 60,
				warning: `Callbacks are refused for a minute: ${label} confirmed too few of the last ones`,
			};
		case 'unavailable':
			return {
				status: 503,
				message: `${label} could not be asked for the task`,
				retryAfter: 30,
				warning: `A callback was refused, as ${label} could not be asked for the task: ${finding.reason}. If this goes on, test the credential`,
			};
	}
}

/** The credential cannot be read, or a parameter makes no sense. */
export function broken(error: unknown): Reply {
	const reason = error instanceof Error ? error.message : String(error);
	return {
		status: 503,
		message: 'The receiver is not set up',
		warning: `A callback was refused: ${reason}`,
	};
}
