import type { ICredentialDataDecryptedObject, IHttpRequestOptions } from 'n8n-workflow';
import { readBaseUrl, readKey } from '../util/pasted';

/**
 * Signs a request with a credential: a run of a node, n8n's test of the credential, and n8n's own nodes that use it.
 * @param headers the headers that carry the key, given that and the API's host
 * @throws Error where the Base URL may not be asked: the key goes nowhere
 */
export function sign(
	credentials: ICredentialDataDecryptedObject,
	request: IHttpRequestOptions,
	headers: (apiKey: string, host: string) => Record<string, string>,
): IHttpRequestOptions {
	const read = readBaseUrl(credentials.baseUrl);
	const host = 'base' in read ? new URL(read.base).hostname : '';
	const signed = {
		...request,
		headers: { ...request.headers, ...headers(readKey(credentials.apiKey), host) },
	};
	// n8n's own nodes name the whole address themselves.
	if (request.baseURL === undefined) return signed;
	if ('problem' in read) throw new Error(`The Base URL ${read.problem}`);
	return { ...signed, baseURL: read.base };
}
