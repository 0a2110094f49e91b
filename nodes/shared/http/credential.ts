import { NotReached } from '../errors';
import type { Provider } from '../providers';
import { readUrl } from '../util/urls';
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
	// Blanks and quotes that were pasted along with a key are no part of it, and would hide it from `concealer`.
	const apiKey = (kept.apiKey ?? '').replace(/^[^!-~]+|[^!-~]+$/g, '');
	const base = (kept.baseUrl ?? '').trim().replace(/\/+$/, '');
	const problem =
		readUrl(base) === undefined
			? `The Base URL in the ${label} credential is no http or https URL`
			: apiKey === ''
				? `The API Key in the ${label} credential is empty`
				: undefined;
	if (problem === undefined) {
		const webhookSecret = (kept.webhookSecret ?? '').trim();
		return { base, apiKey, webhookSecret, data: { ...kept, apiKey } as Account['data'] };
	}
	throw new NotReached(
		problem,
		'Nothing was sent and nothing was billed. Open the credential and correct it.',
		{ provider: name, reason: problem, retryable: false },
	);
}
