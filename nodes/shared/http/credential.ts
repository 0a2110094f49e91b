import { NotReached } from '../errors';
import type { Provider } from '../providers';
import { readBaseUrl, readKey } from '../util/pasted';
import type { RequestContext } from './requestContext';

/** The credential of a provider, as a request needs it. */
export interface Account {
	/** The Base URL, without a slash at its end. */
	base: string;
	apiKey: string;
	webhookSecret: string;
	/** All fields, for n8n to sign the request with. */
	data: Record<string, string>;
}

/**
 * Reads the credential of a provider.
 * @throws NotReached when the credential cannot work: nothing was sent
 */
export async function readAccount(
	context: Pick<RequestContext, 'getCredentials'>,
	{ name, label, credential }: Provider,
): Promise<Account> {
	const kept = await context.getCredentials<Record<string, string | undefined>>(credential);
	const fail = (problem: string): never => {
		throw new NotReached(
			problem,
			'Nothing was sent and nothing was billed. Open the credential and correct it.',
			{ provider: name, reason: problem, retryable: false },
		);
	};
	const read = readBaseUrl(kept.baseUrl);
	if ('problem' in read) return fail(`The Base URL in the ${label} credential ${read.problem}`);
	const apiKey = readKey(kept.apiKey);
	if (apiKey === '') return fail(`The API Key in the ${label} credential is empty`);
	const webhookSecret = (kept.webhookSecret ?? '').trim();
	return { ...read, apiKey, webhookSecret, data: { ...kept, apiKey } as Account['data'] };
}
