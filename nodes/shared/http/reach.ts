import type { Provider } from '../providers';
import { isPrivateHost } from '../util/urls';
import { readAccount } from './credential';
import type { RequestContext } from './requestContext';

/**
 * Tells which hosts are out of a provider's reach: private ones, unless its API is itself in a private network, such as
 * an emulator.
 * @throws NotReached when the credential cannot work
 */
export async function hostsOutOfReach(
	context: Pick<RequestContext, 'getCredentials'>,
	provider: Provider,
): Promise<(hostname: string) => boolean> {
	const { base } = await readAccount(context, provider);
	return outOfReachOf(base);
}

/** The same, for an API whose Base URL is at hand. */
export function outOfReachOf(base: string): (hostname: string) => boolean {
	const isApiPrivate = isPrivateHost(new URL(base).hostname);
	return (hostname) => !isApiPrivate && isPrivateHost(hostname);
}
