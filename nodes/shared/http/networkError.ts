import { asArray, asObject, asText, excerpt } from '../util/unknown';
import type { Json } from '../util/unknown';
import type { Answer } from './answer';
import type { Conceal } from './conceal';

/**
 * Failures that come of finding the host alone. A failure that an open connection
 * may meet too, such as EHOSTUNREACH, counts only while the connection is being opened.
 */
const NOT_SENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EADDRNOTAVAIL']);

/** The host's certificate, or that of a proxy in front of it, is not accepted: waiting does not help. */
const CERTIFICATE = new Set([
	'CERT_HAS_EXPIRED',
	'CERT_NOT_YET_VALID',
	'CERT_UNTRUSTED',
	'CERT_REVOKED',
	'DEPTH_ZERO_SELF_SIGNED_CERT',
	'SELF_SIGNED_CERT_IN_CHAIN',
	'UNABLE_TO_GET_ISSUER_CERT',
	'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
	'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
	'ERR_TLS_CERT_ALTNAME_INVALID',
]);

/** @param code of a failure, as Node.js gives it */
export function isCertificateError(code = ''): boolean {
	return CERTIFICATE.has(code);
}

/** How to have n8n accept a certificate that Node.js does not know. */
export const CERTIFICATE_ADVICE =
	"Where a proxy or a certificate authority of your own stands between, set n8n's environment variable NODE_EXTRA_CA_CERTS to the file of its certificate";

/** @returns why a request has no answer, and whether a byte of it may have left this machine */
export function explain(error: unknown, conceal: Conceal): NonNullable<Answer['failure']> {
	const chain = [error, asObject(error).cause, asObject(asObject(error).cause).cause].map(asObject);
	// Of a host with several addresses there is a failure for each.
	const attempts = chain.flatMap(({ errors }) => asArray(errors).map(asObject));
	const code = chain.map((link) => asText(link.code)).find((text) => text !== undefined);
	const isConnecting = (link: Json) => link.syscall === 'connect';
	const isCertificate = isCertificateError(code);
	const notSent =
		isCertificate ||
		NOT_SENT.has(code ?? '') ||
		chain.some(isConnecting) ||
		(attempts.length > 0 && attempts.every(isConnecting));
	const message =
		[attempts[0], chain[1], chain[0]].map((link) => asText(link?.message)).find(Boolean) ??
		'no answer';
	return {
		sent: !notSent,
		...(isCertificate ? { isCertificate } : {}),
		reason: excerpt(conceal(code ? `${code} (${message})` : message), 200),
	};
}
