import type { Provider } from '../shared/providers';
import { LONGEST_BODY } from '../shared/wait/callback';
import type { BodyProblem } from '../shared/wait/callback';
import { SHORTEST_SECRET } from './signature';
import type { SecretFault, Verdict } from './signature';
import type { Verification } from './verifyTask';

/** The answer to a caller whose request starts nothing. It repeats nothing that the caller sent. */
export interface Reply {
	status: number;
	message: string;
	/** A line for n8n's log: the user does not see the reply. */
	warning?: string;
	/** Seconds after which it may be worth another try. */
	retryAfter?: number;
}

/** 200: the caller need not send it again, and no execution starts. */
export const ignored = {
	duplicate: { status: 200, message: 'Duplicate callback, ignored' },
	notSelected: { status: 200, message: 'This event is not selected in Trigger On' },
	foreign: { status: 200, message: 'Not about a Kling video-to-video task, ignored' },
} satisfies Record<string, Reply>;

/** An earlier caller did not wait for n8n, which may yet fail to start the execution. */
export const unfinished: Reply = {
	status: 503,
	message: 'This event is being handled: call again',
	retryAfter: 10,
};

export const unreadable = {
	method: { status: 405, message: 'Callbacks are sent with POST' },
	missing: { status: 400, message: 'There is no body' },
	encoded: { status: 415, message: 'A compressed body is not accepted' },
	tooLarge: { status: 413, message: `The body is larger than ${LONGEST_BODY / 1024} kB` },
	tooSlow: { status: 408, message: 'The body took too long to arrive' },
	unknown: { status: 400, message: 'This is no callback about a task' },
} satisfies Record<BodyProblem | 'method' | 'unknown', Reply>;

const SECRET_FAULTS: Record<SecretFault, { message: string; reason: string }> = {
	missing: {
		message: 'The receiver is not set up: its credential has no Webhook Secret',
		reason: 'is empty, so a true callback cannot be told from a forged one, and all are refused',
	},
	tooShort: {
		message: 'The receiver is not set up: its Webhook Secret is too short',
		reason: `has less than ${SHORTEST_SECRET} bytes, so it could be guessed, and all callbacks are refused`,
	},
};

/** The sentence for a user who has chosen the signature and given no secret that can be used. */
export function secretAdvice(fault: SecretFault, { label }: Provider): string {
	const { reason } = SECRET_FAULTS[fault];
	return `The Webhook Secret in the ${label} credential ${reason}. Enter the secret from your ${label} account, or set Authentication to Ask API`;
}

export function withoutSecret(fault: SecretFault, provider: Provider): Reply {
	return {
		status: 503,
		message: SECRET_FAULTS[fault].message,
		warning: secretAdvice(fault, provider),
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
	verification: Exclude<Verification, { is: 'confirmed' }>,
	{ label }: Provider,
): Reply {
	switch (verification.is) {
		case 'unknown':
			return { status: 404, message: `${label} knows no such task` };
		case 'unconfirmed':
			return {
				status: 409,
				message: `${label} says that the task is still running`,
				retryAfter: 30,
			};
		case 'busy':
			return {
				status: 429,
				message: 'Too many callbacks are waiting to be confirmed',
				retryAfter: 60,
				warning: `A callback was refused, as too many were waiting for ${label} to confirm them`,
			};
		case 'unavailable':
			return {
				status: 503,
				message: `${label} could not be asked for the task`,
				retryAfter: 30,
				warning: `A callback was refused, as ${label} could not be asked for the task: ${verification.reason}. If this goes on, test the credential`,
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
