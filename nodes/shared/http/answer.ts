import type { Conceal } from './conceal';

/** An answer of a provider's API, or why there is none. */
export interface Answer {
	/** The HTTP status, or 0 when no answer came. */
	status: number;
	headers: Record<string, unknown>;
	body: unknown;
	/**
	 * Why no answer came. `sent: false` only where surely no byte left this machine; `isCertificate` where that is for
	 * the certificate of the host.
	 */
	failure?: { sent: boolean; reason: string; isCertificate?: boolean };
	/** Hides the secrets of the request in any text of the answer that is shown. */
	conceal: Conceal;
}

/** @returns the answer that stands for a request without one */
export function noAnswer(failure: NonNullable<Answer['failure']>, conceal: Conceal): Answer {
	return { status: 0, headers: {}, body: undefined, failure, conceal };
}
