import { CERTIFICATE_ADVICE, isCertificateError } from '../http/networkError';
import { asObject, asText, excerpt } from '../util/unknown';

/** The three ways in which a video cannot be fetched just now. */

/** A trouble that may pass by itself. */
export class TryLater extends Error {
	/**
	 * @param httpStatus of the host's answer, where there was one
	 * @param pause milliseconds that the host asks to wait
	 */
	constructor(
		message: string,
		readonly httpStatus?: number,
		readonly pause = 0,
	) {
		super(message);
	}
}

/** The same, and a fresh link from the provider may help. */
export class LinkRefused extends TryLater {
	constructor(httpStatus: number) {
		super(`the link answers HTTP ${httpStatus}`, httpStatus);
	}
}

/** A trouble that no further try will change. */
export class Unusable extends Error {
	constructor(
		message: string,
		readonly httpStatus?: number,
	) {
		super(message);
	}
}

/**
 * @param error of n8n's request helper, or of a body that broke off
 * @returns the same in one of the three ways
 */
export function troubleOf(error: unknown): TryLater | Unusable {
	if (error instanceof TryLater || error instanceof Unusable) return error;
	const chain = [error, asObject(error).cause, asObject(asObject(error).cause).cause].map(asObject);
	const code = chain.map((link) => asText(link.code)).find((text) => text !== undefined) ?? '';
	const message = excerpt(asText(asObject(error).message) ?? 'no answer', 200);
	const reason = code === '' || message.includes(code) ? message : `${code} (${message})`;
	// It does not become better by waiting.
	if (isCertificateError(code)) {
		return new Unusable(`the host's certificate is not accepted: ${reason}. ${CERTIFICATE_ADVICE}`);
	}
	// n8n's own protection of private addresses.
	const isBlocked = chain.some(({ name }) => (asText(name) ?? '').startsWith('Ssrf'));
	return isBlocked ? new Unusable(reason) : new TryLater(reason);
}
